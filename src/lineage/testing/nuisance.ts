/**
 * What makes strangers look alike to a test that takes entries for independent: it must not move a test whose null is a symmetry.
 * @module
 */
import { randomness } from './synthetic.ts';

/** `[units, width]` of one independent model. What is `shared` is the same in both. */
export type Nuisance = (seed: number, units: number, width: number) => Float64Array;

function plain(seed: number, units: number, width: number): Float64Array {
  return Float64Array.from({ length: units * width }, randomness(seed).normal);
}
/** Fixed by the column alone, so common to all units of all models. */
function shared(column: number): number {
  return Math.sin(3 * column + 1);
}

export const NUISANCES: Readonly<Record<string, Nuisance>> = {
  none: plain,
  'a common mean direction': (seed, units, width) => plain(seed, units, width).map((value, at) => value + 4 * shared(at % width)),
  'heavy tails': (seed, units, width) => {
    const below = plain(seed + 7_000_003, units, width);
    return plain(seed, units, width).map((value, at) => value / (0.05 + Math.abs(below[at]!)));
  },
  'a wide spread of row norms': (seed, units, width) => {
    const sizes = plain(seed + 7_000_003, units, 1);
    return plain(seed, units, width).map((value, at) => value * Math.exp(2 * sizes[Math.floor(at / width)]!));
  },
  'int8 rounding': (seed, units, width) => plain(seed, units, width).map((value) => Math.round(value * 8) / 8),
  'rounding to three values': (seed, units, width) => plain(seed, units, width).map((value) => Math.sign(Math.round(value))),
  'duplicated rows': (seed, units, width) => {
    const rows = plain(seed, units, width);
    const { uniform } = randomness(seed + 7_000_003);
    // Every unit draws one of few rows: the units stay exchangeable.
    const from = Array.from({ length: units }, () => Math.floor((uniform() * units) / 4));
    return rows.map((_, at) => rows[from[Math.floor(at / width)]! * width + (at % width)]!);
  },
  'shared constants in half of the columns': (seed, units, width) =>
    plain(seed, units, width).map((value, at) => (at % 2 === 0 ? value : 10 * shared(at % width))),
};
