/**
 * The Swap-Sign Test. If two models are independent, exchanging the labels of two exchangeable units p, q in one of
 * them leaves the joint law unchanged and turns D = <A_p - A_q, B_p - B_q> into -D. Swaps in disjoint pairs and in
 * different layers form the group (Z2)^n, so given |D| the signs are n fair coins: k = #{D > 0} ~ Bin(n, 1/2), exactly.
 * A sum of D over several matrices whose units carry the same labels keeps the argument, and so does any map that
 * acts on each unit alone (scaling a row, removing its mean, rounding it).
 * @module
 */
import { binomialCritical, log10BinomialTail, probit } from '../math/index.ts';
import type { Sample } from './sketch.ts';

/** Flips of one layer: `k` of `n` agreed. */
export interface Flips {
  readonly k: number;
  readonly n: number;
  /** Features behind each flip, for the power. */
  readonly features: number;
}

export const NO_FLIPS: Flips = { k: 0, n: 0, features: 0 };

/** `neighbors`: (0,1), (2,3)… stays inside attention heads; `halves`: (0, h), (1, h+1)… for axes without inner structure. */
export type Pairing = 'neighbors' | 'halves';

export interface SwapOptions {
  readonly pairing: Pairing;
  /** Remove each unit's own mean and scale it to length 1: survives batch-norm folding and per-channel scales. */
  readonly normalize?: boolean;
}

/**
 * Flips of units that carry the same labels in all the given pairs of samples.
 * @param pairs same units on both sides; sides of one pair have the same shape, so the same positions.
 */
export function swapSign(pairs: readonly (readonly [Sample, Sample])[], options: SwapOptions): Flips {
  if (pairs.length === 0) return NO_FLIPS;
  const units = Math.min(...pairs.map(([a, b]) => Math.min(a.units, b.units)));
  const half = units >> 1;
  const sums = new Float64Array(half);
  let features = 0;
  for (const [a, b] of pairs) {
    const width = Math.min(a.features, b.features);
    const left = differences(a, units, width, options);
    const right = differences(b, units, width, options);
    // One scale for a whole sample: unchanged by any relabelling of its units.
    const scale = 1 / (left.norm * right.norm || 1);
    features += width;
    for (let i = 0; i < half; i++) {
      let d = 0;
      for (let at = i * width, end = at + width; at < end; at++) d += left.rows[at]! * right.rows[at]!;
      sums[i]! += d * scale;
    }
  }
  let k = 0;
  let n = 0;
  for (const d of sums) {
    if (d === 0 || Number.isNaN(d)) continue;
    n++;
    if (d > 0) k++;
  }
  return { k, n, features };
}

interface Differences {
  /** `[units / 2, width]`: unit p minus unit q of every pair. */
  readonly rows: Float64Array;
  /** Length of all units together. */
  readonly norm: number;
}

/** A sample is compared with many others; its differences are worked out once. */
const known = new WeakMap<Sample, Map<string, Differences>>();

function differences(sample: Sample, units: number, width: number, options: SwapOptions): Differences {
  const key = `${units}/${width}/${options.pairing}/${options.normalize ?? false}`;
  const cache = known.get(sample) ?? new Map<string, Differences>();
  known.set(sample, cache);
  const hit = cache.get(key);
  if (hit) return hit;
  const values = unitRows(sample, units, width, options.normalize ?? false);
  const half = units >> 1;
  const rows = new Float64Array(half * width);
  for (let i = 0; i < half; i++) {
    const [p, q] = options.pairing === 'neighbors' ? [2 * i, 2 * i + 1] : [i, i + half];
    for (let f = 0; f < width; f++) rows[i * width + f] = values[p * width + f]! - values[q * width + f]!;
  }
  const made = { rows, norm: norm(values) };
  cache.set(key, made);
  return made;
}

function unitRows({ codes, scales, features }: Sample, units: number, width: number, normalize: boolean): Float64Array {
  const out = new Float64Array(units * width);
  for (let u = 0; u < units; u++) {
    const scale = scales[u]!;
    for (let f = 0; f < width; f++) out[u * width + f] = codes[u * features + f]! * scale;
    if (normalize) normalizeRow(out.subarray(u * width, (u + 1) * width));
  }
  return out;
}

function normalizeRow(row: Float64Array): void {
  const mean = row.length >= 3 ? row.reduce((sum, value) => sum + value, 0) / row.length : 0;
  let square = 0;
  for (let i = 0; i < row.length; i++) {
    row[i]! -= mean;
    square += row[i]! ** 2;
  }
  const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
  for (let i = 0; i < row.length; i++) row[i]! *= scale;
}

function norm(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

/** Flips of independent layers add: given all others, each layer's signs are fair coins. */
export function addFlips(parts: readonly Flips[]): Flips {
  return parts.reduce((sum, part) => ({ k: sum.k + part.k, n: sum.n + part.n, features: Math.max(sum.features, part.features) }), NO_FLIPS);
}

/** log10 of the one-sided p-value. */
export function log10PValue(flips: Flips): number {
  return flips.n === 0 ? 0 : log10BinomialTail(flips.n, flips.k);
}

/**
 * The smallest correlation of the compared weights that would reach `log10Threshold` half of the time:
 * Pr[D > 0] = Phi(rho sqrt(features)) (trials, section 3.4). Null when no outcome reaches it.
 */
export function detectableCorrelation(flips: Flips, log10Threshold: number): number | null {
  const critical = binomialCritical(flips.n, log10Threshold);
  if (flips.n === 0 || critical > flips.n) return null;
  const share = Math.min(critical / flips.n, 1 - 0.5 / flips.n);
  return Math.min(1, probit(share) / Math.sqrt(flips.features));
}
