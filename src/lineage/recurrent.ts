/**
 * Swap-Sign on recurrent layers. Their rows are `gates x units`, and a unit is one row in every gate and, in the hidden-to-hidden matrix,
 * also a column. Exchanging two units therefore moves rows of all gates together, and columns of all rows.
 * The test stays exact when each pair's gates are added up, and columns enter only as sums over the pairs (2k, 2k+1): such a sum does
 * not change when that pair is exchanged, so the exchange of one pair leaves every other pair's product as it was.
 * @module
 */
import { sampleColumns, sampleStart } from './positions.ts';
import { type Sample, type Sketch, valueAt } from './sketch.ts';
import { type Flips, NO_FLIPS } from './swap-sign.ts';

const RECURRENT = /weight_[ih]h|recurrent_kernel|recurrence|(^|[^a-z])(gru|lstm|rnn)/i;
/** Plain, GRU, LSTM. */
const GATES = [1, 3, 4];

export function isRecurrent(sample: Sample): boolean {
  return sample.role === 'linear' && RECURRENT.test(sample.slot);
}

/** Units of a recurrent layer: the columns of its hidden-to-hidden matrix, which has as many rows; null when none is there. */
export function recurrentUnits(sketch: Sketch, sample: Sample): number | null {
  const candidates = sketch.samples.filter(
    (other) =>
      isRecurrent(other) &&
      other.shape[0] === sample.shape[0] &&
      GATES.includes(other.shape[0] / other.shape[1]) &&
      !/weight_ih/.test(other.slot),
  );
  const own = candidates.find((other) => other.slot === sample.slot || other.slot === sample.slot.replace('weight_ih', 'weight_hh'));
  return (own ?? candidates[0])?.shape[1] ?? null;
}

/** @param units of the layer. @param salt of the two sketches: which rows and columns were sampled follows from it. */
export function recurrentFlips(a: Sample, b: Sample, units: number, salt: string): Flips {
  const count = Math.min(a.units, b.units);
  const start = sampleStart('filter', a.shape[0], a.shape, salt);
  const features = columnGroups(a, Math.min(a.features, b.features), units, start, count, salt);
  const sums = new Map<number, number>();
  for (let p = 0; p + 1 < count; p++) {
    const unit = (start + p) % units;
    if (unit % 2 === 1 || unit + 1 >= units) continue;
    let d = 0;
    const [ap, aq, bp, bq] = [row(a, p, features), row(a, p + 1, features), row(b, p, features), row(b, p + 1, features)];
    for (let f = 0; f < features.length; f++) d += (ap[f]! - aq[f]!) * (bp[f]! - bq[f]!);
    sums.set(unit, (sums.get(unit) ?? 0) + d);
  }
  let [k, n] = [0, 0];
  for (const d of sums.values()) {
    if (d === 0 || Number.isNaN(d)) continue;
    n++;
    if (d > 0) k++;
  }
  return n === 0 ? NO_FLIPS : { k, n, features: features.length };
}

/** Sampled columns as they may be used: all by themselves in an input matrix, as pair sums where columns are units. */
function columnGroups(sample: Sample, width: number, units: number, start: number, count: number, salt: string): number[][] {
  if (sample.shape[1] !== units) return Array.from({ length: width }, (_, f) => [f]);
  const at = new Map([...sampleColumns('filter', units, width, salt)].map((column, f) => [column, f]));
  const swapped = new Set<number>();
  for (let p = 0; p + 1 < count; p++) {
    const unit = (start + p) % units;
    if (unit % 2 === 0 && unit + 1 < units) swapped.add(unit);
  }
  const groups: number[][] = [];
  for (const [column, f] of at) {
    const even = column - (column % 2);
    const partner = at.get(column ^ 1);
    // A column whose unit is exchanged with one that was not sampled cannot be used.
    if (!swapped.has(even)) groups.push([f]);
    else if (column === even && partner !== undefined) groups.push([f, partner]);
  }
  return groups;
}

/** One row over the groups, its mean removed and of length 1: a map of the row alone. */
function row(sample: Sample, u: number, groups: readonly (readonly number[])[]): Float64Array {
  const out = Float64Array.from(groups, (group) => group.reduce((sum, f) => sum + valueAt(sample, u, f), 0));
  const mean = out.length >= 3 ? out.reduce((sum, value) => sum + value, 0) / out.length : 0;
  const norm = Math.sqrt(out.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  return out.map((value) => (norm > 0 ? (value - mean) / norm : 0));
}
