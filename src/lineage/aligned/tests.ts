/**
 * Sign tests in the common space, and the agreement of attention heads.
 * @module
 */
import { rowProductsF32 } from '../../math/index.ts';
import { type Flips, NO_FLIPS } from '../swap-sign.ts';
import type { Anchors } from './anchors.ts';
import type { Attention, Neurons } from './load.ts';
import { pick, type Space } from './space.ts';

/** Flips of two blocks of as many neurons: neuron i is paired with i + half, for those of A's rows whose partner was read too. */
export function layerFlips(a: Neurons, b: Neurons, width: number): Flips {
  if (a.total !== b.total) return NO_FLIPS;
  const half = a.total >> 1;
  const [placeA, placeB] = [placeOf(a.units), placeOf(b.units)];
  const pairs: [number, number, number, number][] = [];
  for (const p of a.units) {
    if (p >= half) break;
    const at = [placeA.get(p), placeA.get(p + half), placeB.get(p), placeB.get(p + half)];
    if (at.every((place) => place !== undefined)) pairs.push(at as [number, number, number, number]);
  }
  const sums = new Float64Array(pairs.length);
  let features = 0;
  for (const [x, y] of [
    [a.gate, b.gate],
    [a.up, b.up],
    [a.down, b.down],
  ] as const) {
    if (!x || !y) continue;
    // One scale for each side's rows together: unchanged by any relabelling of its neurons.
    const scale = 1 / (length(x) * length(y) || 1);
    features += width;
    pairs.forEach(([pa, qa, pb, qb], i) => {
      let d = 0;
      for (let f = 0; f < width; f++) d += (x[pa * width + f]! - x[qa * width + f]!) * (y[pb * width + f]! - y[qb * width + f]!);
      sums[i]! += d * scale;
    });
  }
  return countSigns(sums, features);
}

/** Unreachable tokens in disjoint pairs, in the space of all other labels: flips of rows that no training ever moved towards each other. */
export function unreachableFlips(anchors: Anchors, space: Space): Flips {
  const { a, b, widthA, widthB, unreachable } = anchors;
  const rows = unreachable.flatMap((is, at) => (is && energy(a, at, widthA) > 0 && energy(b, at, widthB) > 0 ? [at] : []));
  if (rows.length < 16 || anchors.count - rows.length < 16) return NO_FLIPS;
  const [x, y] = [space.a(pick(a, rows, widthA), rows.length), space.b(pick(b, rows, widthB), rows.length)];
  const half = rows.length >> 1;
  const sums = new Float64Array(half);
  for (let i = 0; i < half; i++)
    for (let f = 0, p = i * space.width, q = (i + half) * space.width; f < space.width; f++)
      sums[i]! += (x[p + f]! - x[q + f]!) * (y[p + f]! - y[q + f]!);
  return countSigns(sums, space.width);
}

/**
 * Cosine of the products W_v^T W_o of every head of B with its best head of A; the median over heads. The product forgets the random
 * start fastest and does not change when keys and values are re-based inside a head. Null when head sizes differ or are unknown.
 */
export function headAgreement(x: Attention, y: Attention, width: number, headRows: number): number | null {
  if (headRows < 1 || [x.valueRows, x.outputRows, y.valueRows, y.outputRows].some((rows) => rows % headRows !== 0)) return null;
  const [headsA, headsB] = [x.outputRows / headRows, y.outputRows / headRows];
  const value = (side: Attention, heads: number, head: number): Float32Array => {
    // Grouped queries: several output heads read one value head.
    const group = Math.floor((head * (side.valueRows / headRows)) / heads);
    return side.v.subarray(group * headRows * width, (group + 1) * headRows * width);
  };
  const output = (side: Attention, head: number): Float32Array => side.o.subarray(head * headRows * width, (head + 1) * headRows * width);
  // <V_a^T O_a, V_b^T O_b> = sum of (V_a V_b^T) times (O_a O_b^T), entry by entry.
  const inner = (v1: Float32Array, o1: Float32Array, v2: Float32Array, o2: Float32Array): number => {
    const [v, o] = [rowProductsF32(v1, v2, headRows, headRows, width), rowProductsF32(o1, o2, headRows, headRows, width)];
    return v.reduce((sum, entry, at) => sum + entry * o[at]!, 0);
  };
  const sizeA = Array.from({ length: headsA }, (_, i) => {
    const [v, o] = [value(x, headsA, i), output(x, i)];
    return Math.sqrt(inner(v, o, v, o));
  });
  const best: number[] = [];
  for (let j = 0; j < headsB; j++) {
    const [v, o] = [value(y, headsB, j), output(y, j)];
    const size = Math.sqrt(inner(v, o, v, o));
    let top = 0;
    for (let i = 0; i < headsA; i++) top = Math.max(top, inner(value(x, headsA, i), output(x, i), v, o) / (sizeA[i]! * size || 1));
    best.push(top);
  }
  best.sort((p, q) => p - q);
  return best.length === 0 ? null : best[best.length >> 1]!;
}

function placeOf(units: Int32Array): Map<number, number> {
  return new Map(Array.from(units, (unit, place) => [unit, place]));
}

function countSigns(sums: Float64Array, features: number): Flips {
  let [k, n] = [0, 0];
  for (const d of sums) {
    if (d === 0 || Number.isNaN(d)) continue;
    n++;
    if (d > 0) k++;
  }
  return { k, n, features };
}

function length(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

function energy(values: Float32Array, row: number, width: number): number {
  let sum = 0;
  for (let j = row * width; j < (row + 1) * width; j++) sum += values[j]! * values[j]!;
  return sum;
}
