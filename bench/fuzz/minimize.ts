/** The smallest input found that fails in the same way: pieces are left out, larger ones first. */
import { joinBytes } from '../../src/weights/testing/index.ts';
import type { Input } from './readers.ts';

export async function minimize(input: Input, fails: (smaller: Input) => Promise<boolean>, tries: number): Promise<Input> {
  let best = input;
  let left = tries;
  for (let piece = best.bytes.length >> 1; piece >= 1 && left > 0; piece >>= 1)
    for (let at = 0; at < best.bytes.length && left > 0;) {
      const smaller = { ...best, bytes: joinBytes(best.bytes.subarray(0, at), best.bytes.subarray(at + piece)) };
      left--;
      if (await fails(smaller)) best = smaller;
      else at += piece;
    }
  return best;
}
