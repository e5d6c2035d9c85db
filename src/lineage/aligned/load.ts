/**
 * The matrices of a transformer that touch the hidden space, as rows in it, with norm gains folded in.
 * Everything a rotation of the hidden space, a permutation of its channels or a rescaling of gains does then
 * is one matrix R on the right of every row.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { type Model, readRoleRows, type RoleTensor, roleShape } from '../../model/index.ts';

export interface Layer {
  /** `[neurons, width]` each; gate is null for plain MLPs. down is transposed: what a neuron writes. */
  readonly gate: Float64Array | null;
  readonly up: Float64Array;
  readonly down: Float64Array;
  readonly neurons: number;
  /** `[value rows, width]` and `[output columns, width]`, with the rows of one head; null when not both are there. */
  readonly attention: {
    readonly v: Float64Array;
    readonly o: Float64Array;
    readonly valueRows: number;
    readonly outputRows: number;
  } | null;
  /** The gains as stored, for their own comparison. */
  readonly gains: readonly Float64Array[];
}

export interface Hidden {
  readonly width: number;
  readonly embed: RoleTensor;
  readonly head: RoleTensor | null;
  readonly layers: readonly Layer[];
}

/** Values decoded at once over both models; larger pairs are compared by their sketches alone. 64-bit floats: 320 MB. */
export const MAX_VALUES = 40e6;

/** Null when the model has no token table and MLP blocks of one width, or is too large to lay over another in memory. */
export async function loadHidden(model: Model, watch: Watch): Promise<Hidden | null> {
  const { checkpoint, roles } = model;
  const embed = roles.find((rt) => rt.role === 'embed' && rt.stack === '');
  if (!checkpoint || !embed || model.isAdapter || model.parameters > MAX_VALUES / 2) return null;
  const width = roleShape(embed)[1];
  const bySlot = new Map(roles.filter((rt) => rt.stack === '' && rt.expert === undefined).map((rt) => [rt.slot, rt]));
  const blocks = new Set(roles.flatMap((rt) => (rt.role === 'up' && rt.stack === '' && rt.block !== null ? [rt.block] : [])));
  const read = async (rt: RoleTensor | undefined): Promise<Float64Array | null> =>
    rt ? Float64Array.from(await readRoleRows(checkpoint, rt, 0, roleShape(rt)[0])) : null;
  const layers: Layer[] = [];
  for (const block of [...blocks].sort((x, y) => x - y)) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: `read ${model.name}`, done: layers.length, total: blocks.size });
    const at = (role: string): RoleTensor | undefined => bySlot.get(`layers.${block}.${role}`);
    const [up, down] = [at('up'), at('down')];
    if (!up || !down || roleShape(up)[1] !== width || roleShape(down)[0] !== width || roleShape(down)[1] !== roleShape(up)[0]) continue;
    const [gainIn, gainMlp] = [await read(at('norm_in')), await read(at('norm_mlp'))];
    const centered = bySlot.has(`layers.${block}.norm_mlp.bias`);
    const fold = (rows: Float64Array | null, gain: Float64Array | null): Float64Array | null =>
      rows && foldGain(rows, gain, width, centered);
    const [v, o] = [at('v'), at('o')];
    const hasAttention = v && o && roleShape(v)[1] === width && roleShape(o)[0] === width;
    layers.push({
      gate: fold(await read(at('gate')), gainMlp),
      up: fold(await read(up), gainMlp)!,
      down: flip((await read(down))!, width, roleShape(down)[1]),
      neurons: roleShape(up)[0],
      attention: hasAttention
        ? {
            v: fold(await read(v), gainIn)!,
            o: flip((await read(o))!, width, roleShape(o)[1]),
            valueRows: roleShape(v)[0],
            outputRows: roleShape(o)[1],
          }
        : null,
      gains: [gainIn, gainMlp].filter((gain) => gain !== null),
    });
  }
  if (layers.length === 0) return null;
  const head = roles.find((rt) => rt.role === 'head' && rt.stack === '' && roleShape(rt)[1] === width) ?? null;
  return { width, embed, head, layers };
}

/** Rows of a token table, gathered by id; `[ids, width]`. */
export async function tokenRows(model: Model, table: RoleTensor, ids: Int32Array): Promise<Float64Array> {
  const [rows, width] = roleShape(table);
  const out = new Float64Array(ids.length * width);
  const places = Array.from(ids, (id, place) => ({ id, place }))
    .filter(({ id }) => id < rows)
    .sort((x, y) => x.id - y.id);
  // Runs of near ids are read together: tables are large, shared tokens dense.
  for (let i = 0; i < places.length;) {
    let end = i + 1;
    while (end < places.length && places[end]!.id - places[i]!.id < 1024) end++;
    const first = places[i]!.id;
    const block = await readRoleRows(model.checkpoint!, table, first, places[end - 1]!.id - first + 1);
    for (; i < end; i++)
      out.set(block.subarray((places[i]!.id - first) * width, (places[i]!.id - first + 1) * width), places[i]!.place * width);
  }
  return out;
}

/** W diag(gain); under LayerNorm the hidden mean is removed, so a row's own mean never acts. */
function foldGain(rows: Float64Array, gain: Float64Array | null, width: number, centered: boolean): Float64Array {
  const out = gain && gain.length === width ? rows.map((value, at) => value * gain[at % width]!) : rows;
  if (centered)
    for (let at = 0; at < out.length; at += width) {
      let mean = 0;
      for (let j = 0; j < width; j++) mean += out[at + j]! / width;
      for (let j = 0; j < width; j++) out[at + j]! -= mean;
    }
  return out;
}

/** `[width, units]` to `[units, width]`. */
function flip(values: Float64Array, width: number, units: number): Float64Array {
  const out = new Float64Array(values.length);
  for (let i = 0; i < width; i++) for (let u = 0; u < units; u++) out[u * width + i] = values[i * units + u]!;
  return out;
}
