/**
 * Is what two models share the random start of a seed that scripts use? The start is drawn again, found in their tensors, and taken
 * out of both: strangers from one seed then keep a few per cent of their agreement, a child keeps its own (trials, convnets, section 4).
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { addPair, correlation, log10BinomialTail, median, pairSums } from '../../math/index.ts';
import { type Model, readRoleRows, type Role, type RoleTensor, roleShape } from '../../model/index.ts';
import type { Evidence } from '../types.ts';
import { locate, type Place, superpose, TEMPLATE_VALUES, type Template, templateOf } from './locate.ts';
import { regenerated, SEEDS, type Stream, streamOf } from './streams.ts';

/** Tensors looked at, largest first; a start is in all of them or in none. */
const MAX_TENSORS = 24;
/** Smaller ones cannot stand out of a stream. */
const MIN_VALUES = 256;
/** Tensors laid along a stream at once in the first look. */
const AT_ONCE = 6;
/** Chance reaches about 5.5 somewhere in a stream of two million numbers. */
const WORTH_A_LOOK = 6;
/** Chance maximum over 10^10 trials is near 6.3 (trials, section 4). */
const LOCATED_Z = 8;
/** Numbers of a stream that are drawn: four times a model's parameters, as models are drawn anew and beside others. 50 MB at the most. */
const MAX_STREAM = 1 << 21;
const MIN_STREAM = 1 << 16;
/** Strangers keep up to a third in the first layer, a few per cent elsewhere. */
const STRANGERS_KEEP = 1 / 3;
/** The place is found in both models' sum; each must then stand there by itself. One place, so chance stays under 5. */
const OWN_Z = 5;
/**
 * Siblings of one start and one data set agree in what is left too (.75 to .89 in small networks that moved little, .27 to .43 in those
 * that moved far; children .99). So training is only told where every layer moved far and what is left is near-equal.
 */
const RESIDUAL_AGREES = 0.95;
const MOVED_FAR = 0.8;
/** Rows of fewer columns are explained by any regressor. */
const MIN_COLUMNS = 5;
const MIN_LAYERS = 2;

export interface SeededStart {
  /** `start-only`: only the seed's numbers are shared. `learned`: what is left agrees as closely. `open`: between the two. */
  readonly verdict: 'learned' | 'start-only' | 'open';
  readonly why: string;
  /** log10 of the exact sign test on what is left, times the layers (Holm); 0 where none could run. */
  readonly residualLog10P: number;
  readonly evidence: Evidence;
}

/** Values of one slot in both models. */
export interface SeededPair {
  readonly slot: string;
  readonly columns: number;
  /** The first values, whole rows where they fit; equal lengths. */
  readonly a: Float64Array;
  readonly b: Float64Array;
}

const NOT_MATRICES: readonly Role[] = [
  'norm',
  'norm_in',
  'norm_mlp',
  'norm_cross',
  'norm_q',
  'norm_k',
  'norm_f',
  'bias',
  'buffer',
  'other',
];

/**
 * @param only which tensors; all matrices without it.
 * @returns null when no tensor was located.
 */
export async function regeneratedStart(
  a: Model,
  b: Model,
  inputs: Evidence['inputs'],
  watch: Watch = {},
  only: (rt: RoleTensor) => boolean = () => true,
): Promise<SeededStart | null> {
  const pairs = await readPairs(a, b, only);
  const parameters = Math.max(a.parameters, b.parameters);
  return seededStart(pairs, Math.min(MAX_STREAM, Math.max(MIN_STREAM, 4 * parameters)), inputs, watch);
}

/** The same over values at hand. Deterministic; cost: about 2 s for each seed and million numbers of its stream. */
export function seededStart(
  pairs: readonly SeededPair[],
  streamLength: number,
  inputs: Evidence['inputs'],
  watch: Watch = {},
): SeededStart | null {
  // Added up, the two models' own training counts half and their common start twice.
  const templates = pairs.map((pair) => templateOf(sum(standardized(pair.a), standardized(pair.b))));
  const groups: Template[] = [];
  for (let at = 0; at < templates.length; at += AT_ONCE) groups.push(superpose(templates.slice(at, at + AT_ONCE)));
  for (const [i, seed] of SEEDS.entries()) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: 'random starts drawn again', done: i, total: SEEDS.length });
    const stream = streamOf(seed, streamLength);
    if (locate(stream, groups).every((place) => place.z < WORTH_A_LOOK)) continue;
    const places = locate(stream, templates);
    const found = pairs.flatMap((pair, t): Found[] => {
      const place = places[t]!;
      if (place.z < LOCATED_Z) return [];
      const start = standardized(regenerated(stream, place.law, place.offset, pair.a.length));
      const own = [pair.a, pair.b].map((values) => meanProduct(standardized(values), start));
      return Math.min(...own) * Math.sqrt(start.length) >= OWN_Z ? [{ pair, place, start, startCorrelation: Math.max(...own) }] : [];
    });
    if (found.length > 0) return judge(found, pairs.length, stream, inputs);
  }
  return null;
}

interface Found {
  readonly pair: SeededPair;
  readonly place: Place;
  readonly start: Float64Array;
  /** Of the model that kept more of it. */
  readonly startCorrelation: number;
}

function judge(found: readonly Found[], looked: number, stream: Stream, inputs: Evidence['inputs']): SeededStart {
  const layers = found.map(({ pair, start }) => beyond(pair, start));
  // The tensor drawn first learns most alike in strangers: edges and colors.
  const first = found.reduce((least, next, i) => (next.place.offset < found[least]!.place.offset ? i : least), 0);
  const inner = layers.length > 1 ? layers.filter((_, i) => i !== first) : layers;
  const kept = median(inner.map((layer) => (layer.before > 0 ? layer.after / layer.before : 0))) ?? 0;
  const after = median(inner.map((layer) => layer.after)) ?? 0;
  const strongest = found.reduce((most, next) => (next.place.z > most.place.z ? next : most));
  const residualLog10P = Math.min(0, Math.min(...inner.map((layer) => layer.log10P)) + Math.log10(inner.length));
  const movedFar = found.every(({ startCorrelation }) => startCorrelation <= MOVED_FAR);
  const nearEqual = layers.every((layer) => layer.after >= RESIDUAL_AGREES) && inner.length >= MIN_LAYERS;
  const verdict = kept <= STRANGERS_KEEP ? 'start-only' : nearEqual && movedFar ? 'learned' : 'open';
  const told = `the random start of PyTorch's seed ${stream.seed} stands in ${found.length} of ${looked} tensors of both models (z up to ${strongest.place.z.toFixed(0)})`;
  const left = `with it taken out the layers' correlation is ${after.toFixed(2)}, ${(100 * kept).toFixed(0)} % of what it was`;
  return {
    verdict,
    residualLog10P,
    why: `${told}; ${left}`,
    evidence: {
      test: 'regenerated-start',
      version: 1,
      class: 'calibrated',
      question: 'Is what the models share the random start of a seed that scripts use, drawn again?',
      statistic: { name: 'largest z over offsets, laws and seeds', value: strongest.place.z },
      n: found.length,
      log10P: null,
      effect: { name: 'share of the correlation that is left with the start taken out', value: kept },
      nullModel: `a tensor drawn otherwise stays under z 6.3 in 10^10 places; ${LOCATED_Z} was needed`,
      assumptions: ["PyTorch's CPU generator (mt19937), weights drawn with uniform_ or normal_"],
      details: {
        seed: stream.seed,
        tensors: found.map(({ pair }) => pair.slot),
        laws: found.map(({ place }) => place.law),
        offsets: found.map(({ place }) => place.offset),
        z: found.map(({ place }) => place.z),
        startCorrelation: found.map(({ startCorrelation }) => startCorrelation),
        correlationBefore: layers.map((layer) => layer.before),
        correlationAfter: layers.map((layer) => layer.after),
        residualSignLog10P: residualLog10P,
      },
      inputs,
    },
  };
}

interface Beyond {
  readonly before: number;
  readonly after: number;
  readonly log10P: number;
}

/** Correlation of the two models' rows before and after each row's regression on the start, and Swap-Sign of what is left. */
function beyond({ a, b, columns }: SeededPair, start: Float64Array): Beyond {
  const width = columns >= MIN_COLUMNS && columns <= a.length ? columns : a.length;
  const rows = Math.floor(a.length / width);
  const [before, after] = [pairSums(), pairSums()];
  const [leftA, leftB]: Float64Array[][] = [[], []];
  for (let r = 0; r < rows; r++) {
    const row = (values: Float64Array): Float64Array => centeredRow(values.subarray(r * width, (r + 1) * width));
    const [x, y, u] = [row(a), row(b), row(start)];
    const [restX, restY] = [without(x, u), without(y, u)];
    leftA!.push(restX);
    leftB!.push(restY);
    for (let j = 0; j < width; j++) {
      addPair(before, x[j]!, y[j]!);
      addPair(after, restX[j]!, restY[j]!);
    }
  }
  return { before: correlation(before) ?? 0, after: correlation(after) ?? 0, log10P: signs(leftA!, leftB!) };
}

/** Given the start, units of models trained apart are exchangeable still. */
function signs(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  let [k, n] = [0, 0];
  for (let p = 0; p + 1 < a.length; p += 2) {
    let d = 0;
    for (let j = 0; j < a[p]!.length; j++) d += (a[p]![j]! - a[p + 1]![j]!) * (b[p]![j]! - b[p + 1]![j]!);
    if (d !== 0) n++;
    if (d > 0) k++;
  }
  return n === 0 ? 0 : log10BinomialTail(n, k);
}

function without(row: Float64Array, start: Float64Array): Float64Array {
  let [xu, uu] = [0, 0];
  for (let j = 0; j < row.length; j++) {
    xu += row[j]! * start[j]!;
    uu += start[j]! * start[j]!;
  }
  return uu > 0 ? row.map((value, j) => value - (xu / uu) * start[j]!) : row;
}

function centeredRow(row: Float64Array): Float64Array {
  const mean = row.reduce((total, value) => total + value, 0) / row.length;
  return row.map((value) => value - mean);
}

function standardized(values: Float64Array): Float64Array {
  const row = centeredRow(values);
  const sd = Math.sqrt(row.reduce((total, value) => total + value * value, 0) / row.length);
  return sd > 0 && Number.isFinite(sd) ? row.map((value) => value / sd) : row.fill(0);
}

function meanProduct(a: Float64Array, b: Float64Array): number {
  return a.reduce((total, value, i) => total + value * b[i]!, 0) / a.length;
}

function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!);
}

async function readPairs(a: Model, b: Model, only: (rt: RoleTensor) => boolean): Promise<SeededPair[]> {
  const bySlot = new Map(b.roles.map((rt) => [rt.slot, rt]));
  const wanted = a.roles.flatMap((left): { left: RoleTensor; right: RoleTensor; size: number }[] => {
    const right = bySlot.get(left.slot);
    if (!right || NOT_MATRICES.includes(left.role) || NOT_MATRICES.includes(right.role) || !only(left)) return [];
    const [shape, other] = [roleShape(left), roleShape(right)];
    const size = shape[0] * shape[1];
    return shape[0] === other[0] && shape[1] === other[1] && size >= MIN_VALUES ? [{ left, right, size }] : [];
  });
  wanted.sort((x, y) => y.size - x.size);
  const pairs: SeededPair[] = [];
  for (const { left, right } of wanted.slice(0, MAX_TENSORS)) {
    const columns = roleShape(left)[1];
    const [x, y] = [await firstValues(a, left), await firstValues(b, right)];
    if (x && y) pairs.push({ slot: right.slot, columns, a: x, b: y });
  }
  return pairs;
}

async function firstValues(model: Model, rt: RoleTensor): Promise<Float64Array | null> {
  const [rows, columns] = roleShape(rt);
  const count = Math.min(rows, Math.max(1, Math.floor(TEMPLATE_VALUES / columns)));
  const values = Float64Array.from(await readRoleRows(model.checkpoint!, rt, 0, count)).subarray(0, TEMPLATE_VALUES);
  return values.every(Number.isFinite) ? values : null;
}
