/**
 * Which neurons of two blocks are the same, from all their rows in one space; and how far independent ways of telling agree.
 * @module
 */
import { linearAssignment, rowProductsF32 } from '../../math/index.ts';
import type { Neurons } from './load.ts';

export interface NeuronMatch {
  /** For each of A's rows its row of B, or -1. */
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

/** Rows of A that choose among layers; all of them where there are few. */
const PROBES = 96;

/** Rows scaled to length 1, so that products are cosines; what is not a number counts as nothing. */
export function unit(neurons: Neurons, width: number): Neurons {
  const scale = (rows: Float32Array): Float32Array => {
    const out = Float32Array.from(rows);
    for (let at = 0; at < out.length; at += width) {
      let square = 0;
      for (let j = at; j < at + width; j++) square += out[j]! * out[j]!;
      const by = square > 0 && Number.isFinite(square) ? 1 / Math.sqrt(square) : 0;
      for (let j = at; j < at + width; j++) out[j] = by === 0 ? 0 : out[j]! * by;
    }
    return out;
  };
  return { ...neurons, gate: neurons.gate && scale(neurons.gate), up: scale(neurons.up), down: scale(neurons.down) };
}

/**
 * How well A's neurons find partners in B's block: the mean over (some of) them of their best combined cosine.
 * @param a,b of unit rows, as for `matchNeurons`.
 */
export function layerScore(a: Neurons, b: Neurons, width: number): number {
  const m = a.units.length;
  const step = Math.max(1, Math.floor(m / PROBES));
  const probes = Array.from({ length: Math.ceil(m / step) }, (_, i) => i * step);
  const { score } = cosines(take(a, probes, width), b, width);
  const n = b.units.length;
  let sum = 0;
  for (let i = 0; i < probes.length; i++) {
    let best = -1;
    for (let j = i * n; j < (i + 1) * n; j++) if (score[j]! > best) best = score[j]!;
    sum += best;
  }
  return sum / probes.length;
}

/** The neurons of A's block among those of B's, by all their rows together. @param a,b of unit rows. */
export function matchNeurons(a: Neurons, b: Neurons, width: number): NeuronMatch {
  const [m, n] = [a.units.length, b.units.length];
  const { score, gate, up, down } = cosines(a, b, width);
  const map = linearAssignment(Float64Array.from(score), m, n);
  const [ups, downs]: [number[], number[]] = [[], []];
  map.forEach((j, i) => {
    if (j < 0) return;
    const at = i * n + j;
    ups.push(gate ? (gate[at]! + Math.abs(up[at]!)) / 2 : Math.abs(up[at]!));
    downs.push(down[at]! * (up[at]! < 0 ? -1 : 1));
  });
  const matchings = [gate && mutual(gate, m, n, false), mutual(up, m, n, true), mutual(down, m, n, true)];
  return {
    map,
    up: middle(ups),
    down: middle(downs),
    ...agreement(
      matchings.filter((matching) => matching !== null),
      n,
    ),
  };
}

interface Cosines {
  /** `[a, b]` each; up and down of one neuron may be scaled by any factor, so their signs say nothing. */
  readonly score: Float32Array;
  readonly gate: Float32Array | null;
  readonly up: Float32Array;
  readonly down: Float32Array;
}

function cosines(a: Neurons, b: Neurons, width: number): Cosines {
  const [m, n] = [a.units.length, b.units.length];
  const cos = (x: Float32Array, y: Float32Array): Float32Array => rowProductsF32(x, y, m, n, width);
  const gate = a.gate && b.gate ? cos(a.gate, b.gate) : null;
  const [up, down] = [cos(a.up, b.up), cos(a.down, b.down)];
  const score = new Float32Array(m * n);
  for (let at = 0; at < score.length; at++)
    score[at] = gate ? (gate[at]! + Math.abs(up[at]!) + Math.abs(down[at]!)) / 3 : (Math.abs(up[at]!) + Math.abs(down[at]!)) / 2;
  return { score, gate, up, down };
}

function take(neurons: Neurons, rows: readonly number[], width: number): Neurons {
  if (rows.length === neurons.units.length) return neurons;
  const of = (from: Float32Array): Float32Array => {
    const out = new Float32Array(rows.length * width);
    rows.forEach((row, to) => out.set(from.subarray(row * width, (row + 1) * width), to * width));
    return out;
  };
  const { gate, up, down, total } = neurons;
  return { total, units: Int32Array.from(rows, (row) => neurons.units[row]!), gate: gate && of(gate), up: of(up), down: of(down) };
}

/** Mutual nearest neighbors: for each row its column, or -1. */
function mutual(score: Float32Array, rows: number, columns: number, absolute: boolean): Int32Array {
  const value = (at: number): number => (absolute ? Math.abs(score[at]!) : score[at]!);
  const best = new Int32Array(rows);
  const back = new Int32Array(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const here = value(i * columns + j);
      if (here > value(i * columns + best[i]!)) best[i] = j;
      if (here > value(back[j]! * columns + j)) back[j] = i;
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
  const mean = (of: (count: { alike: number; expected: number }) => number): number =>
    counts.reduce((sum, entry) => sum + of(entry), 0) / (counts.length || 1);
  return { agreements: mean((entry) => entry.alike), expected: mean((entry) => entry.expected) };
}

function middle(values: number[]): number {
  values.sort((x, y) => x - y);
  return values.length === 0 ? 0 : values[values.length >> 1]!;
}
