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

/** Labels compared of one layer; Grams grow with the square. */
const MOST_LABELS = 512;
const PERMUTATIONS = 200;

export interface AdapterOutcome {
  readonly evidence: readonly Evidence[];
  /** Largest z over value channels and up-projections. */
  readonly z: number;
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
  let z = -Infinity;
  for (const target of ['v', 'up'] as const) {
    const parts: Scores[] = [];
    for (const factor of adapter.roles.filter((rt) => rt.role === 'lora_b' && rt.of === target && rt.block !== null)) {
      watch.signal?.throwIfAborted();
      parts.push(...(await scores(base, adapter, factor, target, headRows)));
    }
    if (parts.length === 0) continue;
    const total = pool(parts);
    z = Math.max(z, total);
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
      effect: null,
      nullModel: 'other bases give z between -3 and 3',
      assumptions: ['B was started at zero, as PEFT does', 'the spread under permutation is that of 200 permutations a part'],
      details: { permutations: PERMUTATIONS, partZ: parts.map((part) => (part.observed - part.mean) / (part.sd || 1)) },
      inputs,
    });
  }
  return evidence.length === 0 ? null : { evidence, z };
}

interface Scores {
  readonly observed: number;
  readonly mean: number;
  readonly sd: number;
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
  const b = Float64Array.from(await readRoleRows(adapter.checkpoint!, factor, 0, labels));
  const w = await readRoleRows(base.checkpoint!, written, 0, width);
  if (target === 'up') return labels === columns ? [score(b, rank, (label) => column(w, label, columns, width), 0, labels)] : [];
  if (headRows === null || labels % headRows !== 0 || columns % labels !== 0) return [];
  // Grouped queries: a value channel feeds the same channel of every head in its group.
  const group = columns / labels;
  return Array.from({ length: labels / headRows }, (_, head) =>
    score(
      b,
      rank,
      (label) => {
        const channel = label % headRows;
        return concat(Array.from({ length: group }, (_x, g) => column(w, (head * group + g) * headRows + channel, columns, width)));
      },
      head * headRows,
      headRows,
    ),
  );
}

/** Agreement of two Grams over the same labels, and what relabelling one of them gives. */
function score(b: Float64Array, rank: number, written: (label: number) => Float64Array, first: number, count: number): Scores {
  const labels = Math.min(count, MOST_LABELS);
  const rows = Array.from({ length: labels }, (_, i) => written(first + i));
  const x = centered(b.slice(first * rank, (first + labels) * rank), labels, rank);
  const y = centered(concat(rows), labels, rows[0]!.length);
  const observed = agree(x, y, labels, (i) => i);
  const random = generator(labels);
  const drawn = Array.from({ length: PERMUTATIONS }, () => {
    const order = random();
    return agree(x, y, labels, (i) => order[i]!);
  });
  const mean = drawn.reduce((sum, value) => sum + value, 0) / PERMUTATIONS;
  return { observed, mean, sd: Math.sqrt(drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (PERMUTATIONS - 1)) };
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

function column(matrix: Float32Array, at: number, columns: number, rows: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => matrix[i * columns + at]!);
}

function concat(parts: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
