/**
 * Hashing that runs anywhere. `nodeHasher` in `sources/` is ~20 times faster on Node and is handed
 * in where whole files are hashed; both give the same bytes.
 * @module
 */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { shake256 as nobleShake256 } from '@noble/hashes/sha3.js';

export interface Hasher {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}
/** A fresh SHA-256. */
export type NewHasher = () => Hasher;

export const portableHasher: NewHasher = () => {
  const state = nobleSha256.create();
  return { update: (bytes) => void state.update(bytes), digest: () => state.digest() };
};

/** SHA-256 of `bytes`, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes);
}

/** SHAKE-256 (FIPS 202) of `bytes`, `length` bytes of output. */
export function shake256(bytes: Uint8Array, length: number): Uint8Array {
  return nobleShake256(bytes, { dkLen: length });
}

export function toHex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}
