/**
 * What a test would have shown of independent models, worked out from its null model.
 * @module
 */
import type { Evidence } from '../lineage/index.ts';
import { binomialCritical } from '../math/index.ts';
import { grouped } from './numbers.ts';
import { sentence } from './words.ts';

/** One in a thousand is left outside, half on either side. */
const OUTSIDE_LOG10 = Math.log10(0.0005);

/** Where the number of agreeing flips of `n` fair coins lies 999 times in 1,000, both ends included. */
export function coinRange(n: number): { readonly low: number; readonly high: number } {
  const high = Math.min(n, binomialCritical(n, OUTSIDE_LOG10) - 1);
  return { low: n - high, high };
}

/** Whether the statistic counts fair coins: whole, within `n`, and by its null model. */
export function countsCoins(test: Evidence): boolean {
  const { value } = test.statistic;
  return test.class === 'exact' && Number.isInteger(value) && value >= 0 && value <= test.n && /coin|one half/.test(test.nullModel);
}

/** Whether what is counted was chosen as the best of several: the choice alone makes more agree, and the p-value is corrected for it. */
export function isPicked(test: Evidence): boolean {
  return ['alignment', 'matching'].some((key) => /best/.test(String(test.details[key] ?? '')));
}

/** What independence would have given, in a sentence or two that stand alone. */
export function expectedWords(test: Evidence): string {
  if (countsCoins(test)) {
    const { low, high } = coinRange(test.n);
    const range = `Of two independent models between ${grouped(low)} and ${grouped(high)} of ${grouped(test.n)} would agree in 999 of 1,000 comparisons; here it is ${grouped(test.statistic.value)}.`;
    return isPicked(test)
      ? `${range} That range holds for places fixed beforehand; here the best fit of several was taken, which alone makes more agree, and the p-value is corrected for it.`
      : range;
  }
  const model = sentence(test.nullModel);
  return test.log10P === null
    ? model
    : `${model} Of two independent models the p-value falls below one in a thousand at most once in 1,000 comparisons.`;
}
