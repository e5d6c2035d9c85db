/**
 * One space for the rows of two models, reached through their shared labels alone. Because no label of a neuron enters, the sign
 * test on neurons stays exact there; unreachable tokens are left out of it, so that theirs stays exact too.
 *
 * Narrow models: R, the polar factor of the products of unit label rows, turns A's hidden space into B's.
 * Wide ones: each row is told by its products with the orthonormalized rows of a few hundred labels, on each side by itself; a
 * rotation, a permutation or a widening of the hidden space cancels in those products.
 * @module
 */
import {
  centerColumns,
  eigenSymmetric,
  multiply,
  multiplyTransposed,
  polar,
  rowProductsF32,
  transpose,
  unitRows,
} from '../../math/index.ts';
import type { Anchors } from './anchors.ts';
import type { Turn } from './load.ts';

export interface Space {
  readonly width: number;
  readonly a: Turn;
  readonly b: Turn;
  /** For each channel of A its channel of B, when the map is a permutation with signs; null for a real rotation. */
  readonly channels: Int32Array | null;
}

/** Up to here the polar factor is worked out: an eigenproblem of this size takes a second. */
const POLAR_WIDTH = 512;
/** Labels that span the common space of wide models. */
const FRAME_LABELS = 512;
/** Frequent labels, left out of the frame so that they can be compared in it. */
const HELD_OUT = 128;
/** Labels whose columns tell channels apart: strangers' cosines spread by 1/32. */
const COLUMN_LABELS = 1024;
/** Small directions of the frame are damped: they carry more noise than place. */
const RIDGE = 0.02;
/** A channel stands for another when its label column or row of R says so this clearly. */
const CLEAR_CHANNEL = 0.5;
const CLEAR_SHARE = 0.8;

export function commonSpace(anchors: Anchors): Space {
  const { widthA, widthB } = anchors;
  return Math.max(widthA, widthB) <= POLAR_WIDTH ? byRotation(anchors) : byFrame(anchors);
}

/** R `[widthA, widthB]`: the polar factor of the products of unit label rows. */
export function residualMap(a: Float64Array, b: Float64Array, labels: number, widthA: number, widthB: number): Float64Array {
  const [x, y] = [unitRows(centerColumns(a, labels, widthA), labels, widthA), unitRows(centerColumns(b, labels, widthB), labels, widthB)];
  return polar(multiplyTransposed(x, y, labels, widthA, widthB), widthA, widthB);
}

function byRotation({ a, b, count, widthA, widthB, unreachable }: Anchors): Space {
  const rows = unreachable.flatMap((is, at) => (is ? [] : [at]));
  const few = rows.length < 16;
  const [x, y] = few ? [a, b] : [pick(a, rows, widthA), pick(b, rows, widthB)];
  const r = residualMap(Float64Array.from(x), Float64Array.from(y), few ? count : rows.length, widthA, widthB);
  const turned = Float32Array.from(transpose(r, widthA, widthB));
  return {
    width: widthB,
    a: (values, n) => rowProductsF32(values, turned, n, widthB, widthA),
    b: (values) => values,
    channels: signedPermutation(widthA, widthB, (from, n) => r.subarray(from * widthB, (from + n) * widthB)),
  };
}

function byFrame(anchors: Anchors): Space {
  const { a, b, count, widthA, widthB, unreachable, frequent } = anchors;
  const held = new Set(frequent.slice(0, HELD_OUT));
  const all = Array.from({ length: count }, (_, i) => i);
  const free = all.filter((i) => !unreachable[i] && !held.has(i));
  const from = free.length >= FRAME_LABELS / 2 ? free : all;
  const chosen = spread(from, FRAME_LABELS);
  const [frameA, frameB] = [frame(pick(a, chosen, widthA), chosen.length, widthA), frame(pick(b, chosen, widthB), chosen.length, widthB)];
  return {
    width: chosen.length,
    a: (values, n) => rowProductsF32(values, frameA, n, chosen.length, widthA),
    b: (values, n) => rowProductsF32(values, frameB, n, chosen.length, widthB),
    channels: signedPermutation(widthA, widthB, columnCosines(anchors)),
  };
}

/** Rows `[n, width]` made orthonormal by the inverse root of their Gram matrix, the choice nearest to the rows themselves (Löwdin 1950). */
function frame(rows: Float32Array, n: number, width: number): Float32Array {
  const unit = unitRows(centerColumns(Float64Array.from(rows), n, width), n, width);
  const narrow = Float32Array.from(unit);
  const { values, vectors } = eigenSymmetric(Float64Array.from(rowProductsF32(narrow, narrow, n, n, width)), n);
  const mean = values.reduce((sum, value) => sum + Math.max(0, value), 0) / n;
  const scaled = Float64Array.from(vectors);
  for (let j = 0; j < n; j++) {
    const scale = 1 / Math.sqrt(Math.max(0, values[j]!) + RIDGE * mean || 1);
    for (let i = 0; i < n; i++) scaled[i * n + j]! *= scale;
  }
  const root = multiply(scaled, transpose(vectors, n, n), n, n, n);
  // root [n, n] times unit [n, width]
  return rowProductsF32(Float32Array.from(root), Float32Array.from(transpose(unit, n, width)), n, width, n);
}

/** Some rows of `[widthA, widthB]`. */
type Scores = (from: number, count: number) => Float32Array | Float64Array;

/** Cosines of label columns: channel i of A with channel j of B. */
function columnCosines({ a, b, count, widthA, widthB }: Anchors): Scores {
  const some = spread(
    Array.from({ length: count }, (_, i) => i),
    COLUMN_LABELS,
  );
  const columns = (rows: Float32Array, width: number): Float32Array => {
    const few = centerColumns(Float64Array.from(pick(rows, some, width)), some.length, width);
    return Float32Array.from(unitRows(transpose(few, some.length, width), width, some.length));
  };
  const [left, right] = [columns(a, widthA), columns(b, widthB)];
  return (from, n) => rowProductsF32(left.subarray(from * some.length, (from + n) * some.length), right, n, widthB, some.length);
}

/** At most `most` of a list, evenly spread. */
function spread(list: readonly number[], most: number): number[] {
  const take = Math.min(most, list.length);
  return Array.from({ length: take }, (_, i) => list[Math.floor((i * list.length) / take)]!);
}

/** Rows of scores held at once. */
const SCORE_ROWS = 256;

/** @param scores near 1 or -1 where two channels are one. */
function signedPermutation(widthA: number, widthB: number, scores: Scores): Int32Array | null {
  const map = new Int32Array(widthA);
  let clear = 0;
  for (let from = 0; from < widthA; from += SCORE_ROWS) {
    const n = Math.min(SCORE_ROWS, widthA - from);
    const score = scores(from, n);
    for (let i = 0; i < n; i++) {
      let best = 0;
      for (let j = 1; j < widthB; j++) if (Math.abs(score[i * widthB + j]!) > Math.abs(score[i * widthB + best]!)) best = j;
      map[from + i] = best;
      if (Math.abs(score[i * widthB + best]!) > CLEAR_CHANNEL) clear++;
    }
  }
  return clear >= CLEAR_SHARE * Math.min(widthA, widthB) ? map : null;
}

/** Rows by number. */
export function pick(from: Float32Array, list: readonly number[], width: number): Float32Array {
  const out = new Float32Array(list.length * width);
  list.forEach((at, to) => out.set(from.subarray(at * width, (at + 1) * width), to * width));
  return out;
}
