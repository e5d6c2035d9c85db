import { describe, expect, test } from 'vitest';
import { binomialCritical, log10BinomialTail, probit } from './index.ts';

/** Exact tail with big integers: the oracle. */
function exactTail(n: number, k: number): number {
  let choose = 1n;
  let sum = 0n;
  for (let i = 0; i <= n; i++) {
    if (i >= k) sum += choose;
    choose = (choose * BigInt(n - i)) / BigInt(i + 1);
  }
  const text = sum.toString();
  const log10 = Math.log10(Number(`0.${text.slice(0, 17)}`)) + text.length;
  return log10 - n * Math.log10(2);
}

describe('the fair-coin tail', () => {
  test('agrees with exact integer arithmetic for every k at n = 1, 7, 64, 500', () => {
    for (const n of [1, 7, 64, 500]) for (let k = 1; k <= n; k++) expect(log10BinomialTail(n, k)).toBeCloseTo(exactTail(n, k), 8);
  });
  test('agrees with exact integer arithmetic for large n, far into the tail', () => {
    for (const [n, k] of [
      [3000, 1500],
      [3000, 2000],
      [5000, 5000],
      [4000, 10],
    ] as const)
      expect(log10BinomialTail(n, k)).toBeCloseTo(Math.min(0, exactTail(n, k)), 7);
  });
  test('is certain at k = 0 and impossible past n', () => {
    expect(log10BinomialTail(10, 0)).toBe(0);
    expect(log10BinomialTail(10, 11)).toBe(-Infinity);
  });
  test('has its critical value where the tail first falls below the threshold', () => {
    for (const n of [20, 64, 999]) {
      const k = binomialCritical(n, -6);
      expect(log10BinomialTail(n, k)).toBeLessThanOrEqual(-6);
      expect(log10BinomialTail(n, k - 1)).toBeGreaterThan(-6);
    }
    expect(binomialCritical(10, -6)).toBe(11);
  });
});

test('probit gives the quantiles printed in every table', () => {
  expect(probit(0.975)).toBeCloseTo(1.959964, 5);
  expect(probit(0.5)).toBeCloseTo(0, 8);
  expect(probit(0.001)).toBeCloseTo(-3.090232, 5);
});
