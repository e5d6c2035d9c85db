/**
 * Tensors that no training touched: frozen at their random start, they are equal in all models that began from it.
 * @module
 */
import { type Sample, type Sketch, valueAt } from './sketch.ts';

/** Excess kurtosis of a uniform start is -1.2, of a normal one 0, of a truncated one between; sampling errors on both sides. */
const KURTOSIS = [-1.4, 0.3] as const;
/**
 * Spread of rows' and columns' energy over that of independent draws, which is 1. Training makes some larger than others: of 50 published
 * models none has it below in more than a fifth of its matrices, but for a start (epoch 0: 27 of 28) and adapters' random halves.
 */
const MOST_ROW_SPREAD = 1.5;
const MOST_COLUMN_SPREAD = 2;
/** Share of the values for them to count as drawn: what was trained beside them would show. */
const NEARLY_ALL = 0.9;

/** Whether nearly all values of the picked samples' tensors look like independent draws of one law; false where none was sampled. */
export function areDrawn(sketch: Sketch, pick: (sample: Sample) => boolean): boolean {
  let [drawn, all] = [0, 0];
  for (const sample of sketch.samples) {
    if (!pick(sample) || sample.excluded) continue;
    const values = sample.shape[0] * sample.shape[1];
    all += values;
    if (isDrawn(sample)) drawn += values;
  }
  return all > 0 && drawn >= NEARLY_ALL * all;
}

/** Whether one tensor's sampled values look so. */
export function isDrawn(sample: Sample): boolean {
  const { units, features } = sample;
  const n = units * features;
  let mean = 0;
  for (let u = 0; u < units; u++) for (let f = 0; f < features; f++) mean += valueAt(sample, u, f) / n;
  const [rows, columns] = [new Float64Array(units), new Float64Array(features)];
  let [second, fourth] = [0, 0];
  for (let u = 0; u < units; u++)
    for (let f = 0; f < features; f++) {
      const square = (valueAt(sample, u, f) - mean) ** 2;
      second += square / n;
      fourth += square ** 2 / n;
      rows[u]! += square / features;
      columns[f]! += square / units;
    }
  if (!(second > 0)) return false;
  const kurtosis = fourth / second ** 2;
  // The mean of m squares spreads by (kurtosis - 1) / m about the variance.
  const spread = (means: Float64Array, m: number): number =>
    (means.reduce((sum, value) => sum + (value / second - 1) ** 2, 0) / means.length / (kurtosis - 1)) * m;
  return (
    kurtosis - 3 > KURTOSIS[0] &&
    kurtosis - 3 < KURTOSIS[1] &&
    spread(rows, features) < MOST_ROW_SPREAD &&
    spread(columns, units) < MOST_COLUMN_SPREAD
  );
}
