/**
 * A small transformer taken apart into matrices, so that tests can operate on it: every disguise is a function from one to another.
 * Llama-type (RMSNorm, rotary positions, gated MLP) and GPT-2-type (LayerNorm, learned positions, biases) share one form.
 * @module
 */
import { readHeads, readModel, readRoleRows, type Role, type RoleTensor, roleShape } from '../../../model/index.ts';
import { openTree } from '../../../sources/index.ts';
import { randomness } from '../synthetic.ts';

/** Row-major `[rows, columns]`; rows are outputs. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}
export interface Linear extends Matrix {
  readonly bias: Float64Array | null;
}
export interface Norm {
  readonly gain: Float64Array;
  /** LayerNorm's shift; null for RMSNorm. */
  readonly bias: Float64Array | null;
}
export interface Mlp {
  readonly gate: Linear | null;
  readonly up: Linear;
  readonly down: Linear;
}
export interface Block {
  readonly normIn: Norm;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly o: Linear;
  readonly normMlp: Norm;
  /** One, or several behind a router. */
  readonly experts: readonly Mlp[];
  readonly router: Matrix | null;
}
export interface Transformer {
  readonly family: 'llama' | 'gpt2';
  readonly headRows: number;
  readonly epsilon: number;
  readonly theta: number;
  /** `[tokens, width]`. */
  readonly embed: Matrix;
  /** Null when the token table serves as head. */
  readonly head: Matrix | null;
  readonly position: Matrix | null;
  readonly normF: Norm;
  readonly blocks: readonly Block[];
  /** Token strings by id; null writes no tokenizer. */
  readonly tokens: readonly string[] | null;
}

export function matrix(rows: number, columns: number, at: (row: number, column: number) => number): Matrix {
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) data[i * columns + j] = at(i, j);
  return { rows, columns, data };
}

/** Reads a folder of the corpus; 16-bit values become doubles. Throws when it is no transformer of the two families. */
export async function loadTransformer(folder: string): Promise<Transformer> {
  const tree = await openTree(folder);
  try {
    const model = await readModel(tree);
    const checkpoint = model.checkpoint!;
    const slots = new Map(model.roles.map((rt) => [rt.slot, rt]));
    const read = async (rt: RoleTensor): Promise<Matrix> => {
      const [rows, columns] = roleShape(rt);
      return { rows, columns, data: Float64Array.from(await readRoleRows(checkpoint, rt, 0, rows)) };
    };
    const find = async (slot: string): Promise<Matrix | null> => (slots.has(slot) ? read(slots.get(slot)!) : null);
    const must = async (slot: string): Promise<Matrix> => {
      const found = await find(slot);
      if (!found) throw new Error(`${folder} holds no ${slot}`);
      return found;
    };
    const linear = async (slot: string): Promise<Linear> => ({ ...(await must(slot)), bias: (await find(`${slot}.bias`))?.data ?? null });
    const norm = async (slot: string): Promise<Norm> => ({
      gain: (await must(slot)).data,
      bias: (await find(`${slot}.bias`))?.data ?? null,
    });
    const config = model.configs.get('config.json') ?? {};
    const blocks: Block[] = [];
    for (let n = 0; slots.has(`layers.${n}.up`); n++) {
      const at = (role: Role): string => `layers.${n}.${role}`;
      blocks.push({
        normIn: await norm(at('norm_in')),
        q: await linear(at('q')),
        k: await linear(at('k')),
        v: await linear(at('v')),
        o: await linear(at('o')),
        normMlp: await norm(at('norm_mlp')),
        experts: [
          {
            gate: slots.has(at('gate')) ? await linear(at('gate')) : null,
            up: await linear(at('up')),
            down: await linear(at('down')),
          },
        ],
        router: null,
      });
    }
    return {
      family: model.architecture === 'gpt2' ? 'gpt2' : 'llama',
      headRows: readHeads(model.configs, checkpoint).headDim!,
      epsilon: Number(config['rms_norm_eps'] ?? config['layer_norm_epsilon'] ?? 1e-5),
      theta: Number(config['rope_theta'] ?? 1e4),
      embed: await must('embed'),
      head: await find('head'),
      position: await find('position'),
      normF: await norm('norm_f'),
      blocks,
      tokens: await model.tokens(),
    };
  } finally {
    await tree.close();
  }
}

/** A random start of the same shape: the cheapest stranger. Gains are scattered as training leaves them. */
export function stranger(like: Transformer, seed: number): Transformer {
  const { normal } = randomness(seed);
  const redraw = (values: Float64Array): Float64Array => {
    const size = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    return values.map(() => size * normal());
  };
  return mapMatrices(like, (m) => ({ ...m, data: redraw(m.data) }), {
    bias: redraw,
    gain: (values) => values.map(() => 1 + 0.1 * normal()),
  });
}

export interface VectorChange {
  readonly bias?: (values: Float64Array) => Float64Array;
  readonly gain?: (values: Float64Array) => Float64Array;
}

/** Applies `change` to every matrix, in a fixed order; vectors stay unless told. `slot` names the place: `embed`, `layers.2.up`. */
export function mapMatrices(
  model: Transformer,
  change: (m: Matrix, slot: string) => Matrix,
  { bias = (x) => x, gain = (x) => x }: VectorChange = {},
): Transformer {
  const linear = (m: Linear, slot: string): Linear => ({ ...change(m, slot), bias: m.bias && bias(m.bias) });
  const norm = (n: Norm): Norm => ({ gain: gain(n.gain), bias: n.bias && bias(n.bias) });
  return {
    ...model,
    embed: change(model.embed, 'embed'),
    position: model.position && change(model.position, 'position'),
    blocks: model.blocks.map((block, n) => ({
      normIn: norm(block.normIn),
      q: linear(block.q, `layers.${n}.q`),
      k: linear(block.k, `layers.${n}.k`),
      v: linear(block.v, `layers.${n}.v`),
      o: linear(block.o, `layers.${n}.o`),
      normMlp: norm(block.normMlp),
      experts: block.experts.map((mlp, e) => ({
        gate: mlp.gate && linear(mlp.gate, `layers.${n}.experts.${e}.gate`),
        up: linear(mlp.up, `layers.${n}.experts.${e}.up`),
        down: linear(mlp.down, `layers.${n}.experts.${e}.down`),
      })),
      router: block.router && change(block.router, `layers.${n}.router`),
    })),
    normF: norm(model.normF),
    head: model.head && change(model.head, 'head'),
  };
}

/** Only the blocks. */
export function mapBlocks(model: Transformer, change: (block: Block, n: number) => Block): Transformer {
  return { ...model, blocks: model.blocks.map(change) };
}

/** Only the MLPs; experts one by one. */
export function mapMlps(model: Transformer, change: (mlp: Mlp, n: number) => Mlp): Transformer {
  return mapBlocks(model, (block, n) => ({ ...block, experts: block.experts.map((mlp) => change(mlp, n)) }));
}
