/**
 * The matrices of a transformer that touch the hidden space, as rows in it, with norm gains folded in.
 * Everything a rotation of the hidden space, a permutation of its channels or a rescaling of gains does then
 * is one map on the right of every row. One block is read at a time, in parts: a whole model is never held.
 * @module
 */
import { type Model, readRoleBlock, readRoleRows, type Role, type RoleTensor, roleShape } from '../../model/index.ts';

/** One MLP (an expert counts as one) and the attention beside it. */
export interface Block {
  readonly stack: string;
  readonly block: number;
  readonly expert: number | null;
  readonly neurons: number;
  readonly up: RoleTensor;
  readonly gate: RoleTensor | null;
  readonly down: RoleTensor;
  readonly v: RoleTensor | null;
  readonly o: RoleTensor | null;
  readonly gainIn: RoleTensor | null;
  readonly gainMlp: RoleTensor | null;
  /** Under LayerNorm the hidden mean is removed, so a row's own mean never acts. */
  readonly centered: boolean;
}

/** Rows of `[units, width]`, of the hidden space or of what `turn` made of it. */
export interface Neurons {
  /** Which neurons the rows are, ascending. */
  readonly units: Int32Array;
  /** How many the block has. */
  readonly total: number;
  /** Null for plain MLPs. */
  readonly gate: Float32Array | null;
  readonly up: Float32Array;
  /** Transposed: what a neuron writes. */
  readonly down: Float32Array;
}

export interface Attention {
  readonly v: Float32Array;
  /** Transposed: what a value channel writes. */
  readonly o: Float32Array;
  readonly valueRows: number;
  readonly outputRows: number;
}

/** Rows of the hidden space into another; both row-major. */
export type Turn = (rows: Float32Array, count: number) => Float32Array;

/** Experts of a block looked at, and blocks in all. */
const MOST_EXPERTS = 8;
const MOST_BLOCKS = 256;
/** Values read at once; the reader itself stops at 2^24. */
const PART_VALUES = 1 << 22;
const WHOLE_VALUES = 1 << 24;

/** Blocks of every stack whose MLP reads and writes `width` channels, in order. */
export function blocksOf(model: Model, width: number): Block[] {
  const places = new Map<string, Map<Role, RoleTensor>>();
  const place = (stack: string, block: number, expert: number | null): string => `${stack}/${block}/${expert ?? ''}`;
  const shifted = new Set<string>();
  for (const rt of model.roles) {
    if (rt.block === null) continue;
    const key = place(rt.stack, rt.block, rt.expert ?? null);
    if (rt.role === 'bias') {
      if (/norm_mlp\.bias$/.test(rt.slot)) shifted.add(key);
      continue;
    }
    const roles = places.get(key) ?? new Map<Role, RoleTensor>();
    places.set(key, roles);
    if (!roles.has(rt.role)) roles.set(rt.role, rt);
  }
  const out: Block[] = [];
  for (const rt of model.roles) {
    if (rt.role !== 'up' || rt.block === null || (rt.expert ?? 0) >= MOST_EXPERTS) continue;
    const own = places.get(place(rt.stack, rt.block, rt.expert ?? null))!;
    const shared = places.get(place(rt.stack, rt.block, null)) ?? own;
    const down = own.get('down');
    const neurons = roleShape(rt)[0];
    if (own.get('up') !== rt || !down || roleShape(rt)[1] !== width) continue;
    if (roleShape(down)[0] !== width || roleShape(down)[1] !== neurons || neurons < 4) continue;
    const gate = own.get('gate');
    const [v, o] = [shared.get('v'), shared.get('o')];
    const hasAttention = v && o && roleShape(v)[1] === width && roleShape(o)[0] === width;
    out.push({
      stack: rt.stack,
      block: rt.block,
      expert: rt.expert ?? null,
      neurons,
      up: rt,
      gate: gate && roleShape(gate)[0] === neurons && roleShape(gate)[1] === width ? gate : null,
      down,
      v: hasAttention ? v : null,
      o: hasAttention ? o : null,
      gainIn: shared.get('norm_in') ?? null,
      gainMlp: shared.get('norm_mlp') ?? null,
      centered: shifted.has(place(rt.stack, rt.block, null)),
    });
  }
  out.sort((x, y) => (x.stack < y.stack ? -1 : x.stack > y.stack ? 1 : x.block - y.block || (x.expert ?? 0) - (y.expert ?? 0)));
  return out.length <= MOST_BLOCKS ? out : Array.from({ length: MOST_BLOCKS }, (_, i) => out[Math.floor((i * out.length) / MOST_BLOCKS)]!);
}

/**
 * @param units neurons wanted, ascending.
 * @throws SourceError, WeightsError when bytes cannot be had.
 */
export async function readNeurons(model: Model, block: Block, units: Int32Array, turn: Turn): Promise<Neurons> {
  const gain = await readGain(model, block.gainMlp);
  const read = (rt: RoleTensor): Promise<Float32Array> => readRows(model, rt, units, gain, block.centered, turn);
  return {
    units,
    total: block.neurons,
    gate: block.gate && (await read(block.gate)),
    up: await read(block.up),
    down: await readColumns(model, block.down, units, turn),
  };
}

/** Null when the block has none of this width. @throws as `readNeurons`. */
export async function readAttention(model: Model, block: Block, turn: Turn): Promise<Attention | null> {
  if (!block.v || !block.o) return null;
  const [valueRows, outputRows] = [roleShape(block.v)[0], roleShape(block.o)[1]];
  const gain = await readGain(model, block.gainIn);
  return {
    v: await readRows(model, block.v, count(valueRows), gain, block.centered, turn),
    o: await readColumns(model, block.o, count(outputRows), turn),
    valueRows,
    outputRows,
  };
}

/** Gains as stored; null where there is none. */
export async function readGain(model: Model, rt: RoleTensor | null): Promise<Float32Array | null> {
  return rt && readRoleRows(model.checkpoint!, rt, 0, roleShape(rt)[0]);
}

/** 0, 1 ... n - 1. */
export function count(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i);
}

/** Runs of consecutive numbers, none longer than `most`. */
function runs(units: Int32Array, most: number): [at: number, length: number][] {
  const out: [number, number][] = [];
  for (let from = 0; from < units.length;) {
    let to = from + 1;
    while (to < units.length && units[to] === units[to - 1]! + 1 && to - from < most) to++;
    out.push([from, to - from]);
    from = to;
  }
  return out;
}

async function readRows(
  model: Model,
  rt: RoleTensor,
  units: Int32Array,
  gain: Float32Array | null,
  centered: boolean,
  turn: Turn,
): Promise<Float32Array> {
  const width = roleShape(rt)[1];
  // Of a matrix stored the other way round any row touches every stored one: few, large parts then.
  const most = Math.max(1, Math.floor((isTurned(rt) ? WHOLE_VALUES : PART_VALUES) / width));
  const parts: Float32Array[] = [];
  for (const [at, length] of runs(units, most)) {
    const rows = await readRoleRows(model.checkpoint!, rt, units[at]!, length);
    fold(rows, gain, width, centered);
    parts.push(turn(rows, length));
  }
  return concat(parts);
}

/** Columns of a role, as rows, turned. @param units ascending. @throws as `readNeurons`. */
export async function readColumns(model: Model, rt: RoleTensor, units: Int32Array, turn: Turn): Promise<Float32Array> {
  const [width, inputs] = roleShape(rt);
  const parts: Float32Array[] = [];
  if (isTurned(rt)) {
    for (let at = 0; at < units.length; at += Math.max(1, Math.floor(PART_VALUES / width))) {
      const some = units.subarray(at, at + Math.max(1, Math.floor(PART_VALUES / width)));
      parts.push(turn(transposed(await readRoleBlock(model.checkpoint!, rt, 0, width, some), width, some.length), some.length));
    }
    return concat(parts);
  }
  const whole = new Float32Array(units.length * width);
  const most = Math.max(1, Math.floor(PART_VALUES / inputs));
  for (let row = 0; row < width; row += most) {
    const rows = Math.min(most, width - row);
    const block = await readRoleRows(model.checkpoint!, rt, row, rows);
    // Tiles of 16 columns keep both sides in the cache.
    for (let u = 0; u < units.length; u += 16)
      for (let r = 0; r < rows; r++)
        for (let i = u; i < Math.min(u + 16, units.length); i++) whole[i * width + row + r] = block[r * inputs + units[i]!]!;
  }
  return turn(whole, units.length);
}

function isTurned({ view, tensor }: RoleTensor): boolean {
  return (view.transpose ?? false) || view.outputFirst !== undefined || tensor.outputFirst !== undefined;
}

/** W diag(gain), in place. */
function fold(rows: Float32Array, gain: Float32Array | null, width: number, centered: boolean): void {
  if (gain && gain.length === width)
    for (let at = 0; at < rows.length; at += width) for (let j = 0; j < width; j++) rows[at + j]! *= gain[j]!;
  if (!centered) return;
  for (let at = 0; at < rows.length; at += width) {
    let mean = 0;
    for (let j = 0; j < width; j++) mean += rows[at + j]! / width;
    for (let j = 0; j < width; j++) rows[at + j]! -= mean;
  }
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
  return out;
}

function concat(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
