/**
 * Which tensors show that they are the same weights, changed or not.
 * @module
 */
import type { TensorDelta } from './pass.ts';
import { correlationOf } from './tally.ts';

/**
 * Correlation of slots that only a common past gives: matrices of models trained apart on the same data in the same order stay
 * within a few standard errors of zero, token tables reach .05 (research "lineage", section 0.2).
 */
const TIED = 0.3;
/** Gains and biases resemble each other more; they weigh little in any share. */
const TIED_VECTOR = 0.5;
/** Standard errors above chance, for tensors of few values. */
const ERRORS = 6;
const HALF_EQUAL = 0.5;

/** Equal constants count as tied only when they differ from one number: those that do not say nothing. */
export function isTied({ rows, tally }: TensorDelta): boolean {
  if (tally.n === 0) return false;
  const correlation = correlationOf(tally);
  if (correlation === null) return false;
  if (tally.equal >= HALF_EQUAL * tally.n) return true;
  const needed = Math.max(rows > 1 ? TIED : TIED_VECTOR, ERRORS / Math.sqrt(tally.n));
  return Math.abs(correlation) >= needed;
}

/** |B - A| / |A| over several tensors; null where A is zero. */
export function changeOf(tensors: readonly TensorDelta[]): number | null {
  let [square, size] = [0, 0];
  for (const { tally } of tensors) {
    square += tally.sumDD;
    size += tally.sumAA;
  }
  return size > 0 ? Math.sqrt(square / size) : null;
}
