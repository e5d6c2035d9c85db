/**
 * An adapter against a full model. LoRA's B starts at zero, so its rows hold gradients only, and gradients carry the base's
 * geometry: rows of B for value channels resemble the columns of the output projection they feed, rows for up-projections the
 * columns of down. Labels are permuted to see what chance gives (research "lineage trials, transformers", test AG).
 * Query rows and residual channels are left out: they agree for models that only share a random start.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { rowProducts, unitRows } from '../../math/index.ts';
import { type Model, readHeads, readRoleRows, type RoleTensor, roleShape } from '../../model/index.ts';
import type { Evidence } from '../types.ts';
import { count, readColumns } from './load.ts';

/** Labels compared of one layer; Grams grow with the square. */
const MOST_LABELS = 512;
const PERMUTATIONS = 200;

export interface AdapterOutcome {
  readonly evidence: readonly Evidence[];
  /** Largest z over value channels and up-projections. */
  readonly z: number;
  /** The z of each and its correlation, by the matrix of the base whose geometry it is. */
  readonly of: readonly { readonly written: 'o' | 'down'; readonly z: number; readonly r: number }[];
}

/** Null when the adapter has no value or up factors whose shapes fit the base. @throws SourceError, WeightsError */
export async function compareAdapter(
  base: Model,
  adapter: Model,
  inputs: Evidence['inputs'],
  watch: Watch = {},
): Promise<AdapterOutcome | null> {
  const headRows = readHeads(base.configs, base.checkpoint).headDim ?? null;
  const evidence: Evidence[] = [];
  const of: AdapterOutcome['of'][number][] = [];
  for (const target of ['v', 'up'] as const) {
    const parts: Scores[] = [];
    for (const factor of adapter.roles.filter((rt) => rt.role === 'lora_b' && rt.of === target && rt.block !== null)) {
      watch.signal?.throwIfAborted();
      parts.push(...(await scores(base, adapter, factor, target, headRows)));
    }
    if (parts.length === 0) continue;
    const total = pool(parts);
    const r = correlationOf(parts);
    of.push({ written: target === 'v' ? 'o' : 'down', z: total, r });
    evidence.push({
      test: `adapter-geometry/${target === 'v' ? 'value-channels' : 'neurons'}`,
      version: 1,
      class: 'calibrated',
      question:
        target === 'v'
          ? "Do the adapter's value channels resemble one another as the base's output columns do?"
          : "Do the adapter's neurons resemble one another as what the base's neurons write?",
      statistic: { name: 'z against permuted labels', value: total },
      n: parts.length,
      log10P: null,
      effect: { name: 'correlation of the two geometries', value: r },
      nullModel: 'other bases give z between -3 and 3',
      assumptions: ['B was started at zero, as PEFT does', 'the spread under permutation is that of 200 permutations a part'],
      details: { permutations: PERMUTATIONS, partZ: parts.map((part) => (part.observed - part.mean) / (part.sd || 1)) },
      inputs,
    });
  }
  return evidence.length === 0 ? null : { evidence, of, z: Math.max(...of.map((target) => target.z)) };
}

interface Scores {
  readonly observed: number;
  readonly mean: number;
  readonly sd: number;
  /** Pairs of labels. */
  readonly pairs: number;
}

/** One score for up, one a head for v. */
async function scores(base: Model, adapter: Model, factor: RoleTensor, target: 'v' | 'up', headRows: number | null): Promise<Scores[]> {
  const written = base.roles.find(
    (rt) =>
      rt.role === (target === 'v' ? 'o' : 'down') && rt.stack === factor.stack && rt.block === factor.block && rt.expert === undefined,
  );
  if (!written) return [];
  const [labels, rank] = roleShape(factor);
  const [width, columns] = roleShape(written);
  const trained = async (first: number, some: number): Promise<Float64Array> =>
    Float64Array.from(await readRoleRows(adapter.checkpoint!, factor, first, some));
  // Rows are what a label writes.
  const writes = async (wanted: Int32Array): Promise<Float64Array> =>
    Float64Array.from(await readColumns(base, written, wanted, (rows) => rows));
  if (target === 'up') {
    const some = Math.min(labels, MOST_LABELS);
    return labels === columns ? [score(await trained(0, some), rank, await writes(count(some)), width, some)] : [];
  }
  if (headRows === null || headRows > MOST_LABELS || labels % headRows !== 0 || columns % labels !== 0) return [];
  // Grouped queries: a value channel feeds the same channel of every head in its group.
  const group = columns / labels;
  const out: Scores[] = [];
  for (let head = 0; head < labels / headRows; head++) {
    const wanted = Int32Array.from({ length: headRows * group }, (_, i) => head * group * headRows + i);
    const rows = await writes(wanted);
    // [group, channel, width] to [channel, group, width]
    const byChannel = new Float64Array(rows.length);
    for (let g = 0; g < group; g++)
      for (let channel = 0; channel < headRows; channel++)
        byChannel.set(rows.subarray((g * headRows + channel) * width, (g * headRows + channel + 1) * width), (channel * group + g) * width);
    out.push(score(await trained(head * headRows, headRows), rank, byChannel, group * width, headRows));
  }
  return out;
}

/** Agreement of two Grams over the same labels, and what relabelling one of them gives. */
function score(b: Float64Array, rank: number, written: Float64Array, length: number, labels: number): Scores {
  const x = centered(b, labels, rank);
  const y = centered(written, labels, length);
  const observed = agree(x, y, labels, (i) => i);
  const random = generator(labels);
  const drawn = Array.from({ length: PERMUTATIONS }, () => {
    const order = random();
    return agree(x, y, labels, (i) => order[i]!);
  });
  const mean = drawn.reduce((sum, value) => sum + value, 0) / PERMUTATIONS;
  return {
    observed,
    mean,
    sd: Math.sqrt(drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (PERMUTATIONS - 1)),
    pairs: (labels * (labels - 1)) / 2,
  };
}

/** Cosine Gram with the mean of its off-diagonal entries removed. */
function centered(rows: Float64Array, labels: number, width: number): Float64Array {
  const unit = unitRows(rows, labels, width);
  const gram = rowProducts(unit, unit, labels, labels, width);
  let sum = 0;
  for (let i = 0; i < labels; i++) for (let j = 0; j < i; j++) sum += gram[i * labels + j]!;
  const mean = sum / Math.max(1, (labels * (labels - 1)) / 2);
  return gram.map((value) => value - mean);
}

function agree(x: Float64Array, y: Float64Array, labels: number, order: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < labels; i++) {
    const from = order(i) * labels;
    for (let j = 0; j < i; j++) sum += x[from + order(j)]! * y[i * labels + j]!;
  }
  return sum;
}

function pool(parts: readonly Scores[]): number {
  const variance = parts.reduce((sum, part) => sum + part.sd ** 2, 0);
  return variance > 0 ? parts.reduce((sum, part) => sum + part.observed - part.mean, 0) / Math.sqrt(variance) : 0;
}

/** Beyond chance; relabelling spreads a sum over pairs by the product of the two lengths over the root of their number. */
function correlationOf(parts: readonly Scores[]): number {
  const lengths = parts.reduce((sum, part) => sum + part.sd * Math.sqrt(part.pairs), 0);
  return lengths > 0 ? parts.reduce((sum, part) => sum + part.observed - part.mean, 0) / lengths : 0;
}

/** Fixed pseudo-random orders (linear congruential, Numerical Recipes' constants): the same input gives the same evidence. */
function generator(labels: number): () => Int32Array {
  let state = 20_261_123;
  return () => {
    const order = Int32Array.from({ length: labels }, (_, i) => i);
    for (let i = labels - 1; i > 0; i--) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const j = Math.floor((state / 4_294_967_296) * (i + 1));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  };
}
