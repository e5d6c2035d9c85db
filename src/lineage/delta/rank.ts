/**
 * Rank of a change, from some of its rows. The smallest singular values of what rounding leaves behind lie below
 * sigma (sqrt m + sqrt n) (Davidson and Szarek 2001, theorem II.13); what stands above was put there.
 * Rows are taken as they are instead of random projections: a rank below their number shows in them just as well, and no
 * multiplication is needed before the small Gram matrix.
 * @module
 */
import { eigenvaluesSymmetric } from '../../math/index.ts';

/** Rows of one matrix that are looked at. */
export const PROBE_ROWS = 96;
/** Values from which the size of rounding is estimated. */
const NOISE_VALUES = 1 << 14;
/** Margin on the edge of the noise: bf16's rounding differs from value to value (trials, transformers, section 6). */
const EDGE = 1.15;
/** Ranks up to this share of the rows are told; above it nothing is left to see the noise by. */
const RESOLVED = 0.75;
/** Without a clean noise floor: a step between neighbors this large, with next to nothing behind it. */
const GAP = 5;
const REST = 0.01;

export interface RankProbe {
  /** Rows looked at, of those that changed, and their length. */
  readonly rows: number;
  readonly columns: number;
  /** Null when the change fills all rows that were looked at. */
  readonly rank: number | null;
  /** Largest singular value over the edge for independent entries of the same energy: about 1 for noise, more for what was learned. */
  readonly flatness: number;
}

/**
 * @param change `[rows, columns]` of B - A; finite. Changed in place: rows without a change are closed up.
 * @param noise variance that rounding to B's format leaves in an entry.
 * @returns null when there is no change in these rows.
 * Cost: rows^2 columns / 2 multiplications.
 */
export function probeRank(change: Float64Array, rows: number, columns: number, noise: number): RankProbe | null {
  let energy = 0;
  let kept = 0;
  for (let row = 0; row < rows; row++) {
    let own = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) own += change[i]! * change[i]!;
    if (own === 0) continue;
    change.copyWithin(kept * columns, row * columns, (row + 1) * columns);
    energy += own;
    kept++;
  }
  if (kept < 2 || columns < 2) return null;
  const few = Math.min(kept, columns);
  const values = eigenvaluesSymmetric(
    kept <= columns ? gram(change, kept, columns, columns, 1) : gram(change, columns, kept, 1, columns),
    few,
  );
  const singular = Array.from(values, (_, i) => Math.sqrt(Math.max(0, values[few - 1 - i]!)));
  const edge = Math.sqrt(kept) + Math.sqrt(columns);
  const flatness = singular[0]! / (Math.sqrt(energy / (kept * columns)) * edge);
  return { rows: kept, columns, rank: rankOf(singular, EDGE * Math.sqrt(noise) * edge), flatness };
}

/** Products of `count` vectors of `length` values: vector i begins at `i * stride`, its values stand `gap` apart. */
function gram(values: Float64Array, count: number, length: number, stride: number, gap: number): Float64Array {
  const out = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let p = 0, x = i * stride, y = j * stride; p < length; p++, x += gap, y += gap) sum += values[x]! * values[y]!;
      out[i * count + j] = sum;
      out[j * count + i] = sum;
    }
  return out;
}

function rankOf(singular: readonly number[], floor: number): number | null {
  const most = Math.floor(RESOLVED * singular.length);
  const above = singular.filter((value) => value > floor).length;
  if (above >= 1 && above <= most) return above;
  // Products computed in half precision leave more than rounding does: then a clear step must show the rank.
  const total = singular.reduce((sum, value) => sum + value * value, 0);
  let rest = total;
  for (let r = 1; r <= most / 1.5; r++) {
    rest -= singular[r - 1]! ** 2;
    if (rest <= REST * total && singular[r - 1]! >= GAP * singular[r]!) return r;
  }
  return null;
}

/** Which of `rows` rows are looked at: evenly spread, at most `most`. */
export function probedRows(rows: number, most: number = PROBE_ROWS): Int32Array {
  const count = Math.min(rows, most);
  return Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * rows) / count));
}

/** Variance that rounding to `precision` significant bits leaves: a step's square over twelve, on average over the values. */
export function roundingNoise(values: Float64Array, precision: number): number {
  if (precision === 0) return 0;
  let sum = 0;
  let count = 0;
  const step = Math.max(1, Math.floor(values.length / NOISE_VALUES));
  for (let i = 0; i < values.length; i += step, count++) {
    const size = Math.abs(values[i]!);
    if (size > 0) sum += 4 ** (Math.floor(Math.log2(size)) + 1 - precision);
  }
  return sum / (12 * Math.max(1, count));
}
