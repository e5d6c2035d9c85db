/**
 * Salts of second sketches. The public positions can be learned and spoiled by whoever wants to hide a descent; those of a salt that was kept
 * secret, or that did not exist yet, cannot.
 * @module
 */
import { sha256, toHex } from '../base/index.ts';
import { LineageError } from './types.ts';

/** Fewer bytes could be found by trial from what stands for the salt in a sketch; more serve no purpose. (CWE-331, CWE-770) */
const LEAST_BYTES = 16;
const MOST_BYTES = 4096;

/**
 * What stands for a salt in a sketch: equal salts are seen to be equal, the salt itself is not in the file.
 * @returns `sha256:<hex>` over `heirloom/salt/v1|` and the salt.
 * @throws LineageError `SKETCH_SALT` for fewer than 16 or more than 4,096 bytes.
 */
export function saltCommitment(salt: Uint8Array): string {
  if (salt.length < LEAST_BYTES || salt.length > MOST_BYTES)
    throw new LineageError('SKETCH_SALT', `a salt of ${salt.length} bytes; ${LEAST_BYTES} to ${MOST_BYTES} are needed`, {
      hint: 'make one with `head -c 32 /dev/urandom > salt`, or use the published value of a beacon',
    });
  const domain = new TextEncoder().encode('heirloom/salt/v1|');
  const bytes = new Uint8Array(domain.length + salt.length);
  bytes.set(domain);
  bytes.set(salt, domain.length);
  return `sha256:${toHex(sha256(bytes))}`;
}

/** '' for the public sketch. */
export function isSaltCommitment(text: string): boolean {
  return /^(sha256:[0-9a-f]{64})?$/.test(text);
}
