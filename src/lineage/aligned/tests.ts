/**
 * Tests in the hidden space of B, reached by the rotation R that lays A's token rows over B's.
 * R is made of token rows alone, so relabelling A's neurons leaves it unchanged and the sign test on neurons stays exact;
 * for unreachable tokens R is made of all *other* tokens, so their labels stay exchangeable too.
 * @module
 */
import { centerColumns, linearAssignment, multiply, multiplyTransposed, polar, rowProducts, unitRows } from '../../math/index.ts';
import { addFlips, type Flips, log10PValue, NO_FLIPS } from '../swap-sign.ts';
import type { Layer } from './load.ts';

/** R `[widthA, widthB]`: the polar factor of the products of unit token rows. */
export function residualMap(a: Float64Array, b: Float64Array, tokens: number, widthA: number, widthB: number): Float64Array {
  const [x, y] = [unitRows(centerColumns(a, tokens, widthA), tokens, widthA), unitRows(centerColumns(b, tokens, widthB), tokens, widthB)];
  return polar(multiplyTransposed(x, y, tokens, widthA, widthB), widthA, widthB);
}

/** A's layers with every row turned into B's hidden space. */
export function turnLayers(layers: readonly Layer[], r: Float64Array, widthA: number, widthB: number): Layer[] {
  const turn = (rows: Float64Array): Float64Array => multiply(rows, r, rows.length / widthA, widthA, widthB);
  return layers.map((layer) => ({
    ...layer,
    gate: layer.gate && turn(layer.gate),
    up: turn(layer.up),
    down: turn(layer.down),
    attention: layer.attention && { ...layer.attention, v: turn(layer.attention.v), o: turn(layer.attention.o) },
  }));
}

/** Sign flips of one pair of layers, rows already in one space; neuron i is paired with i + half. */
export function layerFlips(a: Layer, b: Layer, width: number): Flips {
  if (a.neurons !== b.neurons) return NO_FLIPS;
  const half = a.neurons >> 1;
  const sums = new Float64Array(half);
  let features = 0;
  for (const [x, y] of [
    [a.gate, b.gate],
    [a.up, b.up],
    [a.down, b.down],
  ] as const) {
    if (!x || !y) continue;
    const scale = 1 / (length(x) * length(y) || 1);
    features += width;
    for (let i = 0; i < half; i++) {
      let d = 0;
      const [p, q] = [i * width, (i + half) * width];
      for (let f = 0; f < width; f++) d += (x[p + f]! - x[q + f]!) * (y[p + f]! - y[q + f]!);
      sums[i]! += d * scale;
    }
  }
  return count(sums, features);
}

/** Unreachable tokens in disjoint pairs: flips of rows that no training ever moved towards each other. */
export function unreachableFlips(a: Float64Array, b: Float64Array, unreachable: readonly boolean[], widthA: number, widthB: number): Flips {
  const others = unreachable.flatMap((is, at) => (is ? [] : [at]));
  const rows = unreachable.flatMap((is, at) => (is && energy(a, at, widthA) > 0 && energy(b, at, widthB) > 0 ? [at] : []));
  if (rows.length < 16 || others.length < 16) return NO_FLIPS;
  const pick = (from: Float64Array, list: readonly number[], width: number): Float64Array => {
    const out = new Float64Array(list.length * width);
    list.forEach((at, to) => out.set(from.subarray(at * width, (at + 1) * width), to * width));
    return out;
  };
  const r = residualMap(pick(a, others, widthA), pick(b, others, widthB), others.length, widthA, widthB);
  const turned = multiply(pick(a, rows, widthA), r, rows.length, widthA, widthB);
  const right = pick(b, rows, widthB);
  const half = rows.length >> 1;
  const sums = new Float64Array(half);
  for (let i = 0; i < half; i++)
    for (let f = 0, p = i * widthB, q = (i + half) * widthB; f < widthB; f++)
      sums[i]! += (turned[p + f]! - turned[q + f]!) * (right[p + f]! - right[q + f]!);
  return count(sums, widthB);
}

export interface NeuronMatch {
  /** For each neuron of B its neuron of A, or -1. */
  readonly map: Int32Array;
  /** Medians over matched neurons: of gate and |up| cosines, and of down's with up's sign. */
  readonly up: number;
  readonly down: number;
  /**
   * Agreements between independent matchings (gate with up, gate with down, up with down; plain MLPs have the last only):
   * neurons that two of them match alike, on average over the three.
   */
  readonly agreements: number;
  /** Agreements expected if nothing but chance made them. */
  readonly expected: number;
}

/** The neurons of B's layer among those of A's, by all their rows together. */
export function matchNeurons(a: Layer, b: Layer, width: number): NeuronMatch {
  const cos = (x: Float64Array, y: Float64Array): Float64Array =>
    rowProducts(unitRows(y, b.neurons, width), unitRows(x, a.neurons, width), b.neurons, a.neurons, width);
  const gate = a.gate && b.gate ? cos(a.gate, b.gate) : null;
  const [up, down] = [cos(a.up, b.up), cos(a.down, b.down)];
  const score = up.map((value, at) => (Math.abs(value) + Math.abs(down[at]!) + (gate?.[at] ?? 0)) / (gate ? 3 : 2));
  const map = linearAssignment(score, b.neurons, a.neurons);
  const ups: number[] = [];
  const downs: number[] = [];
  map.forEach((i, j) => {
    if (i < 0) return;
    const at = j * a.neurons + i;
    ups.push(gate ? (gate[at]! + Math.abs(up[at]!)) / 2 : Math.abs(up[at]!));
    downs.push(down[at]! * (up[at]! < 0 ? -1 : 1));
  });
  const matchings = [
    gate && mutual(gate, b.neurons, a.neurons, false),
    mutual(up, b.neurons, a.neurons, true),
    mutual(down, b.neurons, a.neurons, true),
  ];
  return {
    map,
    up: middle(ups),
    down: middle(downs),
    ...agreement(
      matchings.filter((matching) => matching !== null),
      a.neurons,
    ),
  };
}

/** Mutual nearest neighbors: for each row its column, or -1. */
function mutual(score: Float64Array, rows: number, columns: number, absolute: boolean): Int32Array {
  const value = (at: number): number => (absolute ? Math.abs(score[at]!) : score[at]!);
  const best = new Int32Array(rows);
  const back = new Int32Array(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      if (value(i * columns + j) > value(i * columns + best[i]!)) best[i] = j;
      if (value(i * columns + j) > value(back[j]! * columns + j)) back[j] = i;
    }
  return best.map((j, i) => (back[j] === i ? j : -1));
}

function agreement(matchings: readonly Int32Array[], columns: number): { agreements: number; expected: number } {
  const counts = matchings.flatMap((x, i) =>
    matchings.slice(i + 1).map((y) => {
      let [both, alike] = [0, 0];
      x.forEach((column, row) => {
        if (column < 0 || y[row]! < 0) return;
        both++;
        if (column === y[row]) alike++;
      });
      return { alike, expected: both / columns };
    }),
  );
  const mean = (pick: (count: { alike: number; expected: number }) => number): number =>
    counts.reduce((sum, count) => sum + pick(count), 0) / (counts.length || 1);
  return { agreements: mean((count) => count.alike), expected: mean((count) => count.expected) };
}

/**
 * Cosine of the products W_v^T W_o of every head of B with its best head of A; the median over heads. The product forgets the random
 * start fastest and does not change when keys and values are re-based inside a head. Null when head sizes differ or are unknown.
 */
export function headAgreement(a: Layer, b: Layer, width: number, headRows: number): number | null {
  const [x, y] = [a.attention, b.attention];
  if (!x || !y || headRows < 1 || [x.valueRows, x.outputRows, y.valueRows, y.outputRows].some((rows) => rows % headRows !== 0)) return null;
  const [headsA, headsB] = [x.outputRows / headRows, y.outputRows / headRows];
  const value = (side: NonNullable<Layer['attention']>, heads: number, head: number): Float64Array => {
    // Grouped queries: several output heads read one value head.
    const group = Math.floor((head * (side.valueRows / headRows)) / heads);
    return side.v.subarray(group * headRows * width, (group + 1) * headRows * width);
  };
  const output = (side: NonNullable<Layer['attention']>, head: number): Float64Array =>
    side.o.subarray(head * headRows * width, (head + 1) * headRows * width);
  // <V_a^T O_a, V_b^T O_b> = sum of (V_a V_b^T) times (O_a O_b^T), entry by entry.
  const inner = (v1: Float64Array, o1: Float64Array, v2: Float64Array, o2: Float64Array): number => {
    const [v, o] = [rowProducts(v1, v2, headRows, headRows, width), rowProducts(o1, o2, headRows, headRows, width)];
    return v.reduce((sum, entry, at) => sum + entry * o[at]!, 0);
  };
  const sizeA = Array.from({ length: headsA }, (_, i) =>
    Math.sqrt(inner(value(x, headsA, i), output(x, i), value(x, headsA, i), output(x, i))),
  );
  const best: number[] = [];
  for (let j = 0; j < headsB; j++) {
    const [v, o] = [value(y, headsB, j), output(y, j)];
    const size = Math.sqrt(inner(v, o, v, o));
    let top = 0;
    for (let i = 0; i < headsA; i++) top = Math.max(top, inner(value(x, headsA, i), output(x, i), v, o) / (sizeA[i]! * size || 1));
    best.push(top);
  }
  return middle(best);
}

/** For every layer of B the best layer of A by flips, with the correction for having chosen. */
export function bestLayers(
  a: readonly Layer[],
  b: readonly Layer[],
  width: number,
): { flips: Flips; log10P: number; layerMap: number[]; perLayer: Flips[] } {
  const layerMap: number[] = [];
  const perLayer = b.map((right) => {
    let best = NO_FLIPS;
    let source = 0;
    a.forEach((left, i) => {
      const flips = layerFlips(left, right, width);
      if (flips.n > 0 && (best.n === 0 || flips.k / flips.n > best.k / best.n)) [best, source] = [flips, i];
    });
    layerMap.push(source);
    return best;
  });
  const flips = addFlips(perLayer);
  return { flips, layerMap, perLayer, log10P: Math.min(0, log10PValue(flips) + b.length * Math.log10(Math.max(1, a.length))) };
}

function count(sums: Float64Array, features: number): Flips {
  let [k, n] = [0, 0];
  for (const d of sums) {
    if (d === 0 || Number.isNaN(d)) continue;
    n++;
    if (d > 0) k++;
  }
  return { k, n, features };
}

function length(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

function energy(values: Float64Array, row: number, width: number): number {
  let sum = 0;
  for (let j = row * width; j < (row + 1) * width; j++) sum += values[j]! * values[j]!;
  return sum;
}

function middle(values: number[]): number {
  values.sort((x, y) => x - y);
  return values.length === 0 ? 0 : values[values.length >> 1]!;
}
