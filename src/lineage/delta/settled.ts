/**
 * When the rest of two files need not be read: every matrix so far ties and changed densely, so the answer is a dense change.
 * @module
 */
import type { SlotPair } from './pairs.ts';
import type { TensorDelta } from './pass.ts';
import { isTied } from './tied.ts';

/** Matrices and share of the values before a pass may stop. */
const MIN_MATRICES = 24;
const MIN_SHARE = 0.2;
/** Equal values under which nothing was left alone, and zeros under which nothing was pruned. */
const FEW_EQUAL = 0.1;
const FEW_ZEROS = 0.01;
/** Flatness from which a change was learned and is no noise. */
const LEARNED = 1.2;

/** @returns why the pass may stop, or null. */
export function settledBy(tensors: readonly TensorDelta[], readShare: number): string | null {
  const matrices = tensors.filter(({ rows, columns, probe }) => rows > 1 && columns > 1 && probe !== null);
  if (readShare < MIN_SHARE || matrices.length < MIN_MATRICES) return null;
  const dense = matrices.every(
    (tensor) =>
      isTied(tensor) &&
      tensor.tally.equal < FEW_EQUAL * tensor.tally.n &&
      tensor.tally.zerosB < FEW_ZEROS * tensor.tally.n &&
      tensor.probe!.rank === null &&
      tensor.probe!.flatness > LEARNED,
  );
  return dense ? `all ${matrices.length} matrices read so far tie and changed densely; the others were not read` : null;
}

/** Order of reading that samples all depths and roles before it is through: steps of about the golden ratio. */
export function readingOrder(pairs: readonly SlotPair[]): number[] {
  const count = pairs.length;
  let step = Math.max(1, Math.round(count * 0.618));
  while (count > 1 && gcd(step, count) !== 1) step++;
  return Array.from({ length: count }, (_, i) => (i * step) % count);
}

function gcd(x: number, y: number): number {
  return y === 0 ? x : gcd(y, x % y);
}
