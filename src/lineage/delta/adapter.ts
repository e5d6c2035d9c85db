/**
 * An adapter applied to its base: base + scale B A, rounded to the format of the merged model, value by value.
 * Scales as PEFT sets them (`lora_alpha / r`, `/ sqrt r` with rsLoRA, `alpha_pattern` and `rank_pattern` by module) or kohya-ss's
 * `alpha` tensors; where none is stated the one that fits is found and told.
 * @module
 */
import type { JsonValue, Watch } from '../../base/index.ts';
import { type Model, readRoleRows, type RoleTensor, roleShape } from '../../model/index.ts';
import type { DType } from '../../weights/index.ts';
import type { Evidence } from '../types.ts';
import { weightsOf } from './pairs.ts';
import { roundTo, stepOf } from './tally.ts';

const BLOCK_VALUES = 1 << 20;
/** Largest rank held in memory beside a matrix's rows. */
const MAX_RANK = 4096;
/** Share of touched values that must be the same for the merged model to be this base with this adapter; the sum's own rounding takes the rest. */
const PROVED = 0.99;

export interface AdapterProof {
  readonly proved: boolean;
  /** Rank of the adapter, the mode over its modules. */
  readonly rank: number;
  readonly scale: number;
  readonly evidence: Evidence;
}

interface Counts {
  n: number;
  equal: number;
  near: number;
}

/**
 * @param base, merged full models. @param adapter a LoRA adapter whose modules stand in the base.
 * @returns null when none of its modules has a place in both, or when it is of a kind that is not a sum (DoRA).
 * @throws SourceError, WeightsError when bytes cannot be had; the signal's reason.
 */
export async function proveAdapter(
  base: Model,
  merged: Model,
  adapter: Model,
  inputs: Evidence['inputs'],
  watch: Watch = {},
): Promise<AdapterProof | null> {
  const config = adapter.configs.get('adapter_config.json') ?? {};
  if (!adapter.isAdapter || !adapter.checkpoint || config['use_dora'] === true) return null;
  const [inBase, inMerged] = [base, merged].map((model) => new Map(weightsOf(model).map((rt) => [rt.slot, rt])));
  const halves = new Map(adapter.roles.filter((rt) => rt.role === 'lora_a').map((rt) => [rt.slot, rt]));
  const modules = adapter.roles.flatMap((up) => {
    if (up.role !== 'lora_b') return [];
    const slot = up.slot.replace(/\.lora_b$/, '');
    const [down, from, to] = [halves.get(`${slot}.lora_a`), inBase!.get(slot), inMerged!.get(slot)];
    return down && from && to && fits(up, down, from, to) ? [{ slot, up, down, from, to }] : [];
  });
  if (modules.length === 0) return null;
  const touched: Counts = { n: 0, equal: 0, near: 0 };
  const ranks: number[] = [];
  const scales: number[] = [];
  let stated = true;
  for (const [done, { up, down, from, to }] of modules.entries()) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: 'apply the adapter', done, total: modules.length });
    const rank = roleShape(up)[1];
    const told = await statedScale(adapter, up, rank, config);
    const scale = told ?? (await fittedScale(base, merged, adapter, { up, down, from, to }));
    stated &&= told !== null;
    ranks.push(rank);
    scales.push(scale);
    await compareModule(base, merged, adapter, { up, down, from, to }, scale, touched);
  }
  const rest: Counts = { n: 0, equal: 0, near: 0 };
  const slots = new Set(modules.map(({ slot }) => slot));
  for (const [slot, to] of inMerged!) {
    const from = inBase!.get(slot);
    if (slots.has(slot) || !from || roleShape(from).join() !== roleShape(to).join()) continue;
    watch.signal?.throwIfAborted();
    await compareRest(base, merged, from, to, rest);
  }
  const equal = touched.equal / touched.n;
  const untouched = rest.n === 0 ? 1 : rest.equal / rest.n;
  const proved = equal >= PROVED && untouched >= PROVED;
  return {
    proved,
    rank: mode(ranks),
    scale: mode(scales),
    evidence: {
      test: 'adapter-applied',
      version: 1,
      class: 'descriptive',
      question: 'Is the suspect this base with this adapter added?',
      statistic: { name: 'share of equal values in the modules the adapter touches', value: equal },
      n: modules.length,
      log10P: null,
      effect: { name: 'share of equal values elsewhere', value: untouched },
      nullModel: 'another base or adapter leaves next to no value equal in the modules it touches',
      assumptions: [
        'the product was added in at least single precision and rounded once',
        stated ? 'the scale is the one the adapter states' : 'the adapter states no scale; the one that fits was taken',
      ],
      details: {
        values: touched.n,
        equal: touched.equal,
        oneStepApart: touched.near,
        valuesElsewhere: rest.n,
        equalElsewhere: rest.equal,
        rank: mode(ranks),
        scale: mode(scales),
        scaleStated: stated ? 'by the adapter' : 'fitted',
        modules: modules.map(({ slot }) => slot),
        adapter: adapter.name,
      },
      inputs,
    },
  };
}

interface Module {
  readonly up: RoleTensor;
  readonly down: RoleTensor;
  readonly from: RoleTensor;
  readonly to: RoleTensor;
}

function fits(up: RoleTensor, down: RoleTensor, from: RoleTensor, to: RoleTensor): boolean {
  const [[rows, rank], [rankA, columns]] = [roleShape(up), roleShape(down)];
  return rank === rankA && rank <= MAX_RANK && [from, to].every((rt) => roleShape(rt)[0] === rows && roleShape(rt)[1] === columns);
}

/** Null when neither configuration nor weights name an alpha. */
async function statedScale(
  adapter: Model,
  up: RoleTensor,
  rank: number,
  config: { readonly [key: string]: JsonValue },
): Promise<number | null> {
  const module = up.tensor.name.replace(/\.(lora_B|lora_up|lora_embedding_B)(\..*)?$/, '');
  const own = adapter.checkpoint!.tensors.find((tensor) => tensor.name === `${module}.alpha`);
  if (own) return (await adapter.checkpoint!.readRows(own, 0, 1))[0]! / rank;
  const alpha = patterned(config['alpha_pattern'], module) ?? config['lora_alpha'];
  // `rank_pattern` sets the rank that alpha is divided by; the stored factors have it already.
  const divisor = patterned(config['rank_pattern'], module) ?? rank;
  if (typeof alpha !== 'number' || !Number.isFinite(alpha)) return null;
  return alpha / (config['use_rslora'] === true ? Math.sqrt(divisor) : divisor);
}

/** The entry whose key ends the module's path. Keys are compared as text: they may be expressions, and foreign ones are not run. */
function patterned(pattern: JsonValue | undefined, module: string): number | undefined {
  if (pattern === null || typeof pattern !== 'object' || Array.isArray(pattern)) return undefined;
  for (const [key, value] of Object.entries(pattern as { readonly [key: string]: JsonValue }))
    if (typeof value === 'number' && (module === key || module.endsWith(`.${key.replace(/^\^/, '').replaceAll('\\.', '.')}`))) return value;
  return undefined;
}

/** Least squares of the change on the product. */
async function fittedScale(base: Model, merged: Model, adapter: Model, module: Module): Promise<number> {
  let [xy, xx] = [0, 0];
  for await (const { product, before, after } of rowsOf(base, merged, adapter, module))
    for (let i = 0; i < product.length; i++) {
      xy += product[i]! * (after[i]! - before[i]!);
      xx += product[i]! * product[i]!;
    }
  return xx > 0 ? xy / xx : 0;
}

async function compareModule(base: Model, merged: Model, adapter: Model, module: Module, scale: number, counts: Counts): Promise<void> {
  const dtype = module.to.tensor.dtype;
  for await (const { product, before, after } of rowsOf(base, merged, adapter, module)) {
    const sum = Float32Array.from(product, (value, i) => before[i]! + scale * value);
    count(sum, after, dtype, counts);
  }
}

async function compareRest(base: Model, merged: Model, from: RoleTensor, to: RoleTensor, counts: Counts): Promise<void> {
  const [rows, columns] = roleShape(to);
  const perBlock = Math.max(1, Math.floor(BLOCK_VALUES / columns));
  for (let at = 0; at < rows; at += perBlock) {
    const take = Math.min(perBlock, rows - at);
    const [before, after] = await Promise.all([
      readRoleRows(base.checkpoint!, from, at, take),
      readRoleRows(merged.checkpoint!, to, at, take),
    ]);
    count(before, after, to.tensor.dtype, counts);
  }
}

function count(values: Float32Array, after: Float32Array, dtype: DType, counts: Counts): void {
  roundTo(dtype, values);
  const step = stepOf(dtype);
  const [bits, bitsAfter] = [values, after].map((list) => new Int32Array(list.buffer, list.byteOffset, list.length));
  for (let i = 0; i < values.length; i++) {
    counts.n++;
    if (values[i] === after[i]) counts.equal++;
    else if (Math.abs(bits![i]! - bitsAfter![i]!) === step) counts.near++;
  }
}

/** Rows of base, merged model and the unscaled product B A, in blocks. */
async function* rowsOf(
  base: Model,
  merged: Model,
  adapter: Model,
  { up, down, from, to }: Module,
): AsyncGenerator<{ product: Float64Array; before: Float32Array; after: Float32Array }> {
  const [rows, rank] = roleShape(up);
  const columns = roleShape(down)[1];
  const a = await readRoleRows(adapter.checkpoint!, down, 0, rank);
  const perBlock = Math.max(1, Math.floor(BLOCK_VALUES / columns));
  for (let at = 0; at < rows; at += perBlock) {
    const take = Math.min(perBlock, rows - at);
    const [b, before, after] = await Promise.all([
      readRoleRows(adapter.checkpoint!, up, at, take),
      readRoleRows(base.checkpoint!, from, at, take),
      readRoleRows(merged.checkpoint!, to, at, take),
    ]);
    const product = new Float64Array(take * columns);
    for (let i = 0; i < take; i++)
      for (let r = 0; r < rank; r++) {
        const weight = b[i * rank + r]!;
        if (weight !== 0) for (let j = 0, into = i * columns, p = r * columns; j < columns; j++) product[into + j]! += weight * a[p + j]!;
      }
    yield { product, before, after };
  }
}

function mode(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((x, y) => y[1] - x[1] || x[0] - y[0])[0]![0];
}
