/** Damage that knows no format: bits, numbers at their limits, cuts, splices, repeats. */
import { joinBytes } from '../../src/weights/testing/index.ts';
import type { Random } from './random.ts';

/** Sizes and counts at which arithmetic breaks. */
const LIMITS: readonly bigint[] = [
  0n,
  1n,
  127n,
  128n,
  255n,
  256n,
  65535n,
  65536n,
  (1n << 31n) - 1n,
  1n << 31n,
  (1n << 32n) - 1n,
  1n << 32n,
  (1n << 53n) - 1n,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];
/** Longest that repeating makes an input: usual, and now and then, to see work that grows faster than the file. */
const MAX_REPEATED = 32 << 10;
const MAX_HUGE = 1 << 20;

/** Most positions near the start, where headers are. */
function position(random: Random, length: number): number {
  return random.chance(0.5) ? random.int(Math.min(length, 256)) : random.int(length);
}

export function spliced(bytes: Uint8Array, at: number, removed: number, more: Uint8Array): Uint8Array {
  return joinBytes(bytes.subarray(0, at), more, bytes.subarray(Math.min(bytes.length, at + removed)));
}

export function putLimit(random: Random, bytes: Uint8Array, at: number, width: number): Uint8Array {
  const out = bytes.slice();
  const value = random.chance(0.2) ? BigInt(random.int(bytes.length + 2)) : random.pick(LIMITS);
  const bigEndian = random.chance(0.1);
  for (let i = 0; i < width && at + i < out.length; i++)
    out[at + i] = Number((value >> BigInt(8 * (bigEndian ? width - 1 - i : i))) & 255n);
  return out;
}

function repeated(random: Random, bytes: Uint8Array): Uint8Array {
  const from = position(random, bytes.length);
  const length = 1 + random.int(random.chance(0.5) ? 8 : 200);
  const unit = bytes.slice(from, from + length);
  const most = random.chance(0.01) ? MAX_HUGE : MAX_REPEATED;
  const times = random.chance(0.8) ? 1 + random.int(4) : 1 + Math.floor(random.int(most) / Math.max(1, unit.length));
  const run = new Uint8Array(unit.length * times);
  for (let i = 0; i < times; i++) run.set(unit, i * unit.length);
  return spliced(bytes, from, 0, run);
}

/** @param other of another seed, to splice from. */
export function damageBytes(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  if (bytes.length === 0) return Uint8Array.from({ length: random.int(40) }, () => random.int(256));
  const at = position(random, bytes.length);
  switch (random.int(8)) {
    case 0: {
      const out = bytes.slice();
      for (let edits = 1 + random.int(6); edits > 0; edits--) {
        const where = position(random, out.length);
        out[where] = out[where]! ^ (1 << random.int(8));
      }
      return out;
    }
    case 1: {
      const out = bytes.slice();
      for (let edits = 1 + random.int(4); edits > 0; edits--) out[position(random, out.length)] = random.int(256);
      return out;
    }
    case 2:
      return putLimit(random, bytes, at, random.pick([1, 2, 4, 8]));
    case 3:
      return bytes.slice(0, at);
    case 4:
      return spliced(bytes, at, random.int(40), new Uint8Array(0));
    case 5: {
      const from = random.int(Math.max(1, other.length));
      return spliced(bytes, at, random.chance(0.5) ? random.int(64) : 0, other.subarray(from, from + 1 + random.int(256)));
    }
    case 6:
      return repeated(random, bytes);
    default: {
      // A piece moved elsewhere: records out of order.
      const piece = bytes.slice(at, at + 1 + random.int(64));
      return spliced(bytes, random.int(bytes.length), random.int(2) * piece.length, piece);
    }
  }
}
