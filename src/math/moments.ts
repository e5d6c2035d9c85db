/**
 * Running sums for the correlation of two sequences; add up layers, then ask.
 * @module
 */
export interface PairSums {
  n: number;
  a: number;
  b: number;
  aa: number;
  bb: number;
  ab: number;
}

export function pairSums(): PairSums {
  return { n: 0, a: 0, b: 0, aa: 0, bb: 0, ab: 0 };
}

export function addPair(sums: PairSums, a: number, b: number): void {
  sums.n += 1;
  sums.a += a;
  sums.b += b;
  sums.aa += a * a;
  sums.bb += b * b;
  sums.ab += a * b;
}

/** Covariance and variances times n, each about its own mean. */
export function centered(sums: PairSums): { cov: number; varA: number; varB: number } {
  const n = sums.n || 1;
  return { cov: sums.ab - (sums.a * sums.b) / n, varA: sums.aa - (sums.a * sums.a) / n, varB: sums.bb - (sums.b * sums.b) / n };
}

/** Pearson's r, or null when either side does not vary. */
export function correlation(sums: PairSums): number | null {
  const { cov, varA, varB } = centered(sums);
  const scale = Math.sqrt(Math.max(varA, 0) * Math.max(varB, 0));
  return scale > 1e-30 && Number.isFinite(scale) ? Math.max(-1, Math.min(1, cov / scale)) : null;
}

/** Middle value (mean of the two middle ones); null for none. Does not change `values`. */
export function median(values: readonly number[]): number | null {
  return quantile(values, 0.5);
}

/** Linear-interpolation quantile; null for none. */
export function quantile(values: readonly number[], q: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((x, y) => x - y);
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}
