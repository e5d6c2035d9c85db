/**
 * The calibration told in words: what verdicts were tried on, and where a pair stands on a power curve.
 * @module
 */
import type { Bound, Calibration, Evidence, PowerCurve } from '../lineage/index.ts';
import { decimal, grouped, percent } from './numbers.ts';

/** How often shared training was told where there is none, with confidence limits and their caveat. */
export function boundWords({ falsePositives }: Calibration): string {
  const { pairs, rootPairs, disjointRootPairs, note } = falsePositives;
  return `Of ${grouped(pairs.of)} pairs without shared training ${grouped(pairs.found)} were called derived or identical: at most ${upper(pairs)} with 95 % confidence, if the pairs were independent of one another. They share models; counted by pairs of separately trained roots it is ${grouped(rootPairs.found)} of ${grouped(rootPairs.of)} (at most ${upper(rootPairs)}), by root pairs that have no root in common ${grouped(disjointRootPairs.found)} of ${grouped(disjointRootPairs.of)} (at most ${upper(disjointRootPairs)}). ${note}`;
}

function upper({ upper95 }: Bound): string {
  // Rounded up: a bound must not shrink in print.
  return `${decimal(Math.ceil(upper95 * 1000) / 10)} %`;
}

/** The curve of this test whose number of flips is nearest to this pair's. */
export function curveOf(test: Evidence, { power }: Calibration): PowerCurve | null {
  const distance = (curve: PowerCurve): number => Math.abs(Math.log(curve.flips / Math.max(1, test.n)));
  return power.filter((curve) => curve.test === test.test).sort((x, y) => distance(x) - distance(y))[0] ?? null;
}

/** What a tie of a given strength would have shown in simulated pairs, and where this pair's share of agreeing flips lies. */
export function powerWords(test: Evidence, calibration: Calibration): string {
  const curve = curveOf(test, calibration);
  if (!curve) return '';
  // From the last correlation that is never seen to the first that always is; the rest says nothing more.
  const { points } = curve;
  const from = Math.max(
    0,
    points.findLastIndex((point) => point.detected === 0),
  );
  const to = points.findIndex((point) => point.detected === 1);
  const told = points
    .slice(from, to < 0 ? undefined : to + 1)
    .map((point) => `${percent(point.detected)} at ${decimal(point.correlation)}`);
  const share = /share (of )?agreeing/.test(test.effect?.name ?? '') ? test.effect!.value : null;
  return `Of simulated pairs whose weights correlate this test finds ${told.join(', ')} (${curve.size}: ${grouped(curve.flips)} flips; this pair has ${grouped(test.n)}).${share === null ? '' : ` ${placeWords(share, curve)}`}`;
}

function placeWords(share: number, { points }: PowerCurve): string {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return '';
  const here = `This pair's share of agreeing flips, ${percent(share)}, is`;
  const above = points.findIndex((point) => point.agreeing >= share);
  if (above < 0) return `${here} what a correlation of ${decimal(last.correlation)} gives, or more.`;
  if (above === 0) return `${here} what no tie at all gives.`;
  return `${here} what a correlation between ${decimal(points[above - 1]!.correlation)} and ${decimal(points[above]!.correlation)} gives.`;
}
