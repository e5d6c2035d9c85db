/**
 * Tails of the fair-coin binomial in log space; p-values here reach 1e-1000 and must not underflow.
 * @module
 */

const LOG10_2 = Math.log10(2);

/**
 * log10 P[Bin(n, 1/2) >= k], exact up to rounding (relative error of p below 1e-10).
 * Cost: n - k + 1 additions. @param k integer in [0, n + 1]; k <= 0 gives 0 (certainty), k = n + 1 gives -Infinity.
 */
export function log10BinomialTail(n: number, k: number): number {
  if (k <= 0) return 0;
  if (k > n) return -Infinity;
  // Below the middle, by symmetry: P[X >= k] = 1 - P[X >= n - k + 1]. Above it, terms only fall.
  if (2 * k <= n) return Math.log1p(-(10 ** log10BinomialTail(n, n - k + 1))) / Math.LN10;
  let sum = 1;
  let term = 1;
  for (let i = k; i < n; i++) {
    term *= (n - i) / (i + 1);
    sum += term;
    if (term < sum * 1e-17) break;
  }
  return Math.min(0, log10Choose(n, k) + Math.log10(sum) - n * LOG10_2);
}

/** log10 of the binomial coefficient; exact sums below 2,000, Stirling's series above (error < 1e-12). */
export function log10Choose(n: number, k: number): number {
  return log10Factorial(n) - log10Factorial(k) - log10Factorial(n - k);
}

const FACTORIALS: number[] = [0];
function log10Factorial(n: number): number {
  if (n < 2000) {
    for (let i = FACTORIALS.length; i <= n; i++) FACTORIALS.push(FACTORIALS[i - 1]! + Math.log10(i));
    return FACTORIALS[n]!;
  }
  // Stirling's series, Abramowitz & Stegun 6.1.41.
  const x = n + 1;
  const ln = (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5);
  return ln / Math.LN10;
}

/** The smallest k with log10 P[Bin(n, 1/2) >= k] <= threshold; n + 1 when even k = n does not reach it. */
export function binomialCritical(n: number, log10Threshold: number): number {
  let low = 0;
  let high = n + 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (log10BinomialTail(n, middle) <= log10Threshold) high = middle;
    else low = middle + 1;
  }
  return low;
}
