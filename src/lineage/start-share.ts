/**
 * How much of what two models share could their random start alone account for?
 * If A = S + a and B = S + b with a, b unrelated, their correlation is |S|^2 / (|A| |B|). The scale of S is not stored,
 * but frameworks start from few laws; the largest one that fits bounds it from above.
 * @module
 */
import { median } from '../math/index.ts';
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

/**
 * The share of the weights that a common start could account for, from up-projections, and whether training left it behind. Folding gains
 * into rows, or scattering them, changes the rows' size; a side whose gains all agree may have been treated so (or was never trained) and
 * is not asked where the other can be: siblings B = S + b of A correlate with A at most by |S| / |A|, whatever was done to B.
 */
export function startOf(a: Sketch, b: Sketch): { readonly share: number; readonly behind: boolean } {
  const sides = [a, b].map((sketch) => ({ own: ownShare(sketch), trained: hasGains(sketch) }));
  const asked = sides.filter((side) => side.trained);
  const used = asked.length > 0 ? asked : sides;
  const share = used.length === 1 ? Math.sqrt(used[0]!.own) : Math.sqrt(used[0]!.own * used[1]!.own);
  return { share, behind: used.every((side) => side.own <= LEFT_BEHIND) };
}

/** Where a start explains at most this much of the weights, siblings of it agree on what training filled by .42 at most (docs/calibration.md). */
const LEFT_BEHIND = 0.5;
/** Variance of gains over their squared mean below which they count as all alike. */
const LEAST_SPREAD = 1e-4;

function ownShare(sketch: Sketch): number {
  return startShare(sketch.samples.flatMap((s): SamplePair[] => ((s.role === 'up' || s.role === 'gate') && !s.excluded ? [[s, s]] : [])));
}

function hasGains(sketch: Sketch): boolean {
  return sketch.vectors.some(({ role, values }) => {
    if (!role.startsWith('norm') || values.length < 8) return false;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length > LEAST_SPREAD * mean * mean;
  });
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
