/**
 * What two blocks of rows have in common, value by value: the inner loop of the full comparison.
 * Sums are f64 in a fixed order, so every machine gives the same numbers.
 * @module
 */
import { type DType, halfToFloat } from '../../weights/index.ts';
import { fromBfloat16, toBfloat16, toHalf } from '../rounding.ts';

/** Counts and sums over the values of one tensor that are numbers on both sides. */
export interface Tally {
  n: number;
  /** Not a number, or infinite, on either side; in none of the other counts. */
  nonFinite: number;
  /** Equal after a cast to the coarser of the two formats. */
  equal: number;
  /** One step of the coarser format apart. */
  near: number;
  /** The same three over rows that are not equal throughout: a row left alone says nothing of how the others changed. */
  changed: { n: number; equal: number; near: number };
  /** Zero in B and not in A; in A and not in B. */
  zerosB: number;
  zerosA: number;
  sumA: number;
  sumB: number;
  sumAA: number;
  sumBB: number;
  /** Sum of (B - A)^2. */
  sumDD: number;
  rows: number;
  rowsEqual: number;
  /** Rows of B that are a multiple of A's row, other than by 1. */
  rowsScaled: number;
  /** Rows of B that are zero where A's are not. */
  rowsZeroed: number;
  /** Among rows with new zeros: aligned groups of four, and those with two zeros or more; new zeros in aligned runs of 16. */
  fours: number;
  foursHalved: number;
  zerosInRuns: number;
}

export function emptyTally(): Tally {
  return {
    n: 0,
    nonFinite: 0,
    equal: 0,
    near: 0,
    changed: { n: 0, equal: 0, near: 0 },
    zerosB: 0,
    zerosA: 0,
    sumA: 0,
    sumB: 0,
    sumAA: 0,
    sumBB: 0,
    sumDD: 0,
    rows: 0,
    rowsEqual: 0,
    rowsScaled: 0,
    rowsZeroed: 0,
    fours: 0,
    foursHalved: 0,
    zerosInRuns: 0,
  };
}

/** One minus the cosine up to which a row is a multiple of another: bfloat16's rounding alone gives about 10^-6. */
const SAME_DIRECTION = 1e-5;
const OTHER_LENGTH = 0.01;
/** Share of new zeros from which a row is looked at for their pattern. */
const MANY_ZEROS = 0.05;

/** Distance of neighbors of a format, in steps of the f32 that holds its values; 0 for formats without a fixed one. */
export function stepOf(dtype: DType): number {
  return dtype === 'BF16' ? 1 << 16 : dtype === 'F16' ? 1 << 13 : dtype === 'F32' ? 1 : 0;
}

/** Kept bits of the significand; 0 where no plain rounding leads to the format. */
export function precisionOf(dtype: DType): number {
  return dtype === 'BF16' ? 8 : dtype === 'F16' ? 11 : dtype === 'F32' ? 24 : dtype === 'F64' ? 53 : 0;
}

/** Rounds values in place to a 16-bit format; leaves others as they are. */
export function roundTo(dtype: DType, values: Float32Array): void {
  if (dtype === 'BF16') for (let i = 0; i < values.length; i++) values[i] = fromBfloat16(toBfloat16(values[i]!));
  if (dtype === 'F16') for (let i = 0; i < values.length; i++) values[i] = halfToFloat(toHalf(values[i]!));
}

/**
 * Adds `rows` rows of `columns` values to the tally.
 * @param a, b at least `rows * columns` values; `step` as `stepOf` gives it for both, already cast to one format.
 */
export function addRows(tally: Tally, a: Float32Array, b: Float32Array, rows: number, columns: number, step: number): void {
  const bitsA = new Int32Array(a.buffer, a.byteOffset, a.length);
  const bitsB = new Int32Array(b.buffer, b.byteOffset, b.length);
  for (let row = 0; row < rows; row++) addRow(tally, a, b, bitsA, bitsB, row * columns, (row + 1) * columns, step);
}

/** Reused rows of decoded values: allocating them anew for every block costs more than the sums. */
export interface Scratch {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** The same for rows stored as bfloat16 on both sides, decoded a row at a time. */
export function addBfloat16Rows(tally: Tally, a: Uint16Array, b: Uint16Array, rows: number, columns: number, scratch: Scratch): void {
  const bitsA = new Int32Array(scratch.a.buffer, 0, columns);
  const bitsB = new Int32Array(scratch.b.buffer, 0, columns);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++, at++) {
      bitsA[i] = a[at]! << 16;
      bitsB[i] = b[at]! << 16;
    }
    addRow(tally, scratch.a, scratch.b, bitsA, bitsB, 0, columns, 1 << 16);
  }
}

function addRow(
  tally: Tally,
  a: Float32Array,
  b: Float32Array,
  bitsA: Int32Array,
  bitsB: Int32Array,
  from: number,
  to: number,
  step: number,
): void {
  const columns = to - from;
  // Declared one by one: taken out of an array they would be boxed, and the loop ten times slower.
  let equal = 0;
  let near = 0;
  let zerosA = 0;
  let zerosB = 0;
  let sumA = 0;
  let sumB = 0;
  let sumAA = 0;
  let sumBB = 0;
  let sumDD = 0;
  for (let i = from; i < to; i++) {
    const x = a[i]!;
    const y = b[i]!;
    const apart = (bitsA[i]! - bitsB[i]!) | 0;
    // One branch for the common case of two values that are neither near each other nor zero (shifted: of either sign).
    if ((apart + step) >>> 0 <= 2 * step || bitsA[i]! << 1 === 0 || bitsB[i]! << 1 === 0) {
      if (x === y) equal++;
      else {
        if (apart === step || apart === -step) near++;
        if (y === 0) zerosB++;
        if (x === 0) zerosA++;
      }
    }
    const d = y - x;
    sumA += x;
    sumB += y;
    sumAA += x * x;
    sumBB += y * y;
    sumDD += d * d;
  }
  // Sums of squares of f32 values stay finite in f64: only values that are none spoil them.
  if (!(sumAA + sumBB < Infinity)) {
    addSafely(tally, a, b, from, to, columns, step);
    return;
  }
  tally.n += columns;
  tally.rows++;
  tally.equal += equal;
  tally.near += near;
  tally.zerosA += zerosA;
  tally.zerosB += zerosB;
  tally.sumA += sumA;
  tally.sumB += sumB;
  tally.sumAA += sumAA;
  tally.sumBB += sumBB;
  tally.sumDD += sumDD;
  if (equal === columns) {
    tally.rowsEqual++;
    return;
  }
  tally.changed.n += columns;
  tally.changed.equal += equal;
  tally.changed.near += near;
  if (sumAA > 0 && sumBB > 0 && columns > 1) {
    const cosine = (sumAA + sumBB - sumDD) / (2 * Math.sqrt(sumAA * sumBB));
    const scale = Math.sqrt(sumBB / sumAA);
    if (1 - Math.abs(cosine) < SAME_DIRECTION && (Math.abs(scale - 1) > OTHER_LENGTH || cosine < 0)) tally.rowsScaled++;
  }
  if (sumBB === 0 && sumAA > 0) tally.rowsZeroed++;
  else if (zerosB > MANY_ZEROS * columns) addPattern(tally, a, b, from, to);
}

/** The same for a row with values that are no numbers: those are set to zero on both sides and counted apart. */
function addSafely(tally: Tally, a: Float32Array, b: Float32Array, from: number, to: number, columns: number, step: number): void {
  const [x, y] = [a.slice(from, to), b.slice(from, to)];
  let bad = 0;
  for (let i = 0; i < columns; i++)
    if (!Number.isFinite(x[i]!) || !Number.isFinite(y[i]!)) {
      x[i] = 0;
      y[i] = 0;
      bad++;
    }
  const before = tally.changed.n;
  addRows(tally, x, y, 1, columns, step);
  tally.nonFinite += bad;
  tally.n -= bad;
  tally.equal -= bad;
  // A row of nothing but such values is no equal row.
  if (bad === columns) {
    tally.rows--;
    tally.rowsEqual--;
  } else if (tally.changed.n > before) {
    tally.changed.n -= bad;
    tally.changed.equal -= bad;
  }
}

function addPattern(tally: Tally, a: Float32Array, b: Float32Array, from: number, to: number): void {
  for (let at = from; at + 4 <= to; at += 4) {
    let zeros = 0;
    for (let i = at; i < at + 4; i++) if (b[i] === 0 && a[i] !== 0) zeros++;
    tally.fours++;
    if (zeros >= 2) tally.foursHalved++;
  }
  for (let at = from; at + 16 <= to; at += 16) {
    let zeros = 0;
    for (let i = at; i < at + 16; i++) if (b[i] === 0) zeros++;
    if (zeros === 16) tally.zerosInRuns += 16;
  }
}

/** Correlation of the two sides; null when either is constant. */
export function correlationOf({ n, sumA, sumB, sumAA, sumBB, sumDD }: Tally): number | null {
  if (n < 2) return null;
  const [a, b] = [sumAA - sumA ** 2 / n, sumBB - sumB ** 2 / n];
  const ab = (sumAA + sumBB - sumDD) / 2 - (sumA * sumB) / n;
  return a > 1e-12 * sumAA && b > 1e-12 * sumBB ? Math.max(-1, Math.min(1, ab / Math.sqrt(a * b))) : null;
}
