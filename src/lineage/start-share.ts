/**
 * How much of what two models share could their random start alone account for?
 * If A = S + a and B = S + b with a, b unrelated, their correlation is |S|^2 / (|A| |B|). The scale of S is not stored,
 * but frameworks start from few laws; the largest one that fits bounds it from above.
 * @module
 */
import { median } from '../math/index.ts';
import type { Role } from '../model/index.ts';
import type { SamplePair } from './pairing.ts';
import { type Sample, type Sketch, valueAt } from './sketch.ts';

/**
 * Variances that starts are drawn with, for `inputs` and `outputs` of a matrix: 0.02 of GPT-2, BERT and their heirs; PyTorch's default
 * (Kaiming uniform with a = sqrt 5); LeCun; Glorot; He.
 */
const START_VARIANCES: readonly ((inputs: number, outputs: number) => number)[] = [
  () => 0.02 ** 2,
  (inputs) => 1 / (3 * inputs),
  (inputs) => 1 / inputs,
  (inputs, outputs) => 2 / (inputs + outputs),
  (inputs) => 2 / inputs,
];
/** Training and weight decay also shrink weights; a start this much larger than what is there may still be behind it. */
const SHRUNK = 1.1;

/** The largest share of the common variance that a usual start explains, 0 to 1; the median over layers. */
export function startShare(pairs: readonly SamplePair[]): number {
  return (
    median(
      pairs.map(([a, b]) => {
        const size = Math.sqrt(variance(a) * variance(b));
        const [outputs, inputs] = a.shape;
        const fitting = START_VARIANCES.map((law) => law(inputs, outputs)).filter((start) => start <= SHRUNK * size);
        return size > 0 ? Math.min(1, Math.max(0, ...fitting) / size) : 1;
      }),
    ) ?? 1
  );
}

/** The same from the up-projections of two sketches, laid over each other or not. */
export function startShareOf(a: Sketch, b: Sketch): number {
  return Math.sqrt(startShareIn(a, ['up', 'gate']) * startShareIn(b, ['up', 'gate']));
}

/** The same of one model's matrices. */
export function startShareIn(sketch: Sketch, roles: readonly Role[]): number {
  return startShare(sketch.samples.flatMap((s): SamplePair[] => (roles.includes(s.role) && !s.excluded ? [[s, s]] : [])));
}

/** Above this the rest is too small to be told from the error of the estimate. */
export const EXPLAINS_ALL = 0.8;

/**
 * Of what lies beyond the start, the share that is common: 1 for a copy, near 0 for strangers from one start.
 * Null when the start may explain everything, so that nothing lies beyond it.
 */
export function beyondStart(correlation: number, start: number): number | null {
  return start > EXPLAINS_ALL ? null : (correlation - start) / (1 - start);
}

function variance(sample: Sample): number {
  let [sum, square] = [0, 0];
  const n = sample.units * sample.features;
  for (let u = 0; u < sample.units; u++)
    for (let f = 0; f < sample.features; f++) {
      const value = valueAt(sample, u, f);
      sum += value;
      square += value * value;
    }
  return n === 0 ? 0 : square / n - (sum / n) ** 2;
}
