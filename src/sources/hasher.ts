import { createHash } from 'node:crypto';
import type { NewHasher } from '../base/index.ts';

/** SHA-256 by OpenSSL; same bytes as `portableHasher`, about 20 times faster. */
export const nodeHasher: NewHasher = () => {
  const state = createHash('sha256');
  return { update: (bytes) => void state.update(bytes), digest: () => new Uint8Array(state.digest()) };
};
