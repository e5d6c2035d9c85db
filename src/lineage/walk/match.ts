/**
 * Channels of one layer of A against those of B: by mutual nearest neighbors in two ways that do not see each other's numbers.
 * @module
 */
import { centerColumns, rowProducts, unitRows } from '../../math/index.ts';

/** What is known of every channel of a layer: `[channels, columns]`. */
export interface Features {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly columns: number;
}

/** `k` of the `m` channels that both ways match are matched alike; by chance one in `n` would be. */
export interface Agreement {
  readonly k: number;
  readonly m: number;
  readonly n: number;
}

/** `[channels of B, channels of A]` cosines, the mean channel removed. */
export function cosines({ a, b, columns }: Features, channelsA: number, channelsB: number): Float64Array {
  const rows = (values: Float64Array, channels: number): Float64Array =>
    unitRows(centerColumns(values, channels, columns), channels, columns);
  return rowProducts(rows(b, channelsB), rows(a, channelsA), channelsB, channelsA, columns);
}

/** For each channel of B its neighbor in A if each is the other's nearest, else -1. */
export function mutualNeighbors(score: Float64Array, channelsA: number, channelsB: number): Int32Array {
  const forward = new Int32Array(channelsB);
  const backward = new Int32Array(channelsA).fill(-1);
  const best = new Float64Array(channelsA).fill(-Infinity);
  for (let j = 0; j < channelsB; j++) {
    let top = -Infinity;
    for (let i = 0; i < channelsA; i++) {
      const value = score[j * channelsA + i]!;
      if (value > top) [top, forward[j]] = [value, i];
      if (value > best[i]!) [best[i], backward[i]] = [value, j];
    }
    // Channels without numbers have no neighbor.
    if (!(top > 0)) forward[j] = -1;
  }
  return forward.map((i, j) => (i >= 0 && backward[i] === j ? i : -1));
}

export function agreement(one: Int32Array, other: Int32Array, channelsA: number): Agreement {
  let [k, m] = [0, 0];
  one.forEach((i, j) => {
    if (i < 0 || other[j]! < 0) return;
    m++;
    if (i === other[j]) k++;
  });
  return { k, m, n: Math.min(channelsA, one.length) };
}

/**
 * log10 of the Chernoff bound on as many agreements between matchings that know nothing of each other:
 * exp(-mu (x ln x - x + 1)), x = k / mu (research "lineage trials, convnets", section 3). 0 below the mean.
 */
export function agreementLog10P(parts: readonly Agreement[]): number {
  const k = parts.reduce((sum, part) => sum + part.k, 0);
  const mu = parts.reduce((sum, part) => sum + part.m / Math.max(1, part.n), 0);
  if (mu <= 0 || k <= mu) return 0;
  const x = k / mu;
  return (-mu * (x * Math.log(x) - x + 1)) / Math.LN10;
}
