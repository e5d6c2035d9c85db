/**
 * Puts a taken-apart transformer back into files, under the names of whichever library the disguise pretends to come from.
 * @module
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBfloat16 } from '../../rounding.ts';
import { transposed } from './matrices.ts';
import { type Block, type Linear, type Matrix, type Norm, type Transformer } from './transformer.ts';

/**
 * `native`: the family's own names. `prefixed`: those under an unknown prefix. `fused`: qkv and gate_up in one (Phi-3). `renamed`: other words
 * for every module. `unknown`: names that no scheme knows.
 */
export type Naming = 'native' | 'prefixed' | 'fused' | 'renamed' | 'unknown';

export interface WriteOptions {
  readonly naming?: Naming;
  readonly dtype?: 'BF16' | 'F32';
}

/** A tensor as a file holds it. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Writes `model` under the names of `options`, hands its folder to `work`, and removes it. */
export async function withFolder<T>(
  model: Transformer,
  { naming = 'native', dtype = 'BF16' }: WriteOptions,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const named = model.family === 'gpt2' ? gpt2Tensors(model) : llamaTensors(model, naming === 'fused');
  const tensors = named.map((tensor) => ({ ...tensor, name: rename(tensor.name, naming) }));
  return withFiles(tensors, configOf(model, naming), model.tokens, dtype, work);
}

/** safetensors, config.json and, where there are tokens, tokenizer.json in a new folder under the system's temporary one, removed after `work`. */
export async function withFiles<T>(
  tensors: readonly Tensor[],
  config: unknown,
  tokens: readonly string[] | null,
  dtype: 'BF16' | 'F32',
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const top = await mkdtemp(join(tmpdir(), 'heirloom-surgery-'));
  try {
    const folder = join(top, 'model');
    await mkdir(folder);
    await writeFile(join(folder, 'model.safetensors'), safetensorsBytes(tensors, dtype));
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    if (tokens) await writeFile(join(folder, 'tokenizer.json'), tokenizerOf(tokens));
    return await work(folder);
  } finally {
    await rm(top, { recursive: true });
  }
}

function llamaTensors(model: Transformer, fused: boolean): Tensor[] {
  const out: Tensor[] = [matrixAs('model.embed_tokens.weight', model.embed)];
  model.blocks.forEach((block, n) => {
    const at = (name: string): string => `model.layers.${n}.${name}`;
    out.push(...normAs(at('input_layernorm'), block.normIn), ...normAs(at('post_attention_layernorm'), block.normMlp));
    if (fused) out.push(...linearAs(at('self_attn.qkv_proj'), stack([block.q, block.k, block.v])));
    else
      out.push(
        ...linearAs(at('self_attn.q_proj'), block.q),
        ...linearAs(at('self_attn.k_proj'), block.k),
        ...linearAs(at('self_attn.v_proj'), block.v),
      );
    out.push(...linearAs(at('self_attn.o_proj'), block.o));
    if (block.router) out.push(...mixtralExperts(block, at));
    else {
      const [{ gate, up, down }] = block.experts as [Block['experts'][number]];
      if (fused && gate) out.push(...linearAs(at('mlp.gate_up_proj'), stack([gate, up])));
      else out.push(...(gate ? linearAs(at('mlp.gate_proj'), gate) : []), ...linearAs(at('mlp.up_proj'), up));
      out.push(...linearAs(at('mlp.down_proj'), down));
    }
  });
  out.push(...normAs('model.norm', model.normF));
  if (model.head) out.push(matrixAs('lm_head.weight', model.head));
  return out;
}

function mixtralExperts(block: Block, at: (name: string) => string): Tensor[] {
  return [
    matrixAs(at('block_sparse_moe.gate.weight'), block.router!),
    ...block.experts.flatMap(({ gate, up, down }, e) => [
      ...linearAs(at(`block_sparse_moe.experts.${e}.w1`), gate!),
      ...linearAs(at(`block_sparse_moe.experts.${e}.w2`), down),
      ...linearAs(at(`block_sparse_moe.experts.${e}.w3`), up),
    ]),
  ];
}

/** Conv1D stores `[in, out]`. */
function gpt2Tensors(model: Transformer): Tensor[] {
  const conv = (name: string, m: Linear): Tensor[] => linearAs(name, { ...transposed(m), bias: m.bias });
  const out: Tensor[] = [matrixAs('wte.weight', model.embed)];
  if (model.position) out.push(matrixAs('wpe.weight', model.position));
  model.blocks.forEach((block, n) => {
    const at = (name: string): string => `h.${n}.${name}`;
    const [{ up, down }] = block.experts as [Block['experts'][number]];
    out.push(
      ...normAs(at('ln_1'), block.normIn),
      ...conv(at('attn.c_attn'), stack([block.q, block.k, block.v])),
      ...conv(at('attn.c_proj'), block.o),
      ...normAs(at('ln_2'), block.normMlp),
      ...conv(at('mlp.c_fc'), up),
      ...conv(at('mlp.c_proj'), down),
    );
  });
  out.push(...normAs('ln_f', model.normF));
  if (model.head) out.push(matrixAs('lm_head.weight', model.head));
  return out;
}

function stack(parts: readonly Linear[]): Linear {
  const join = (arrays: readonly Float64Array[]): Float64Array => {
    const out = new Float64Array(arrays.reduce((sum, array) => sum + array.length, 0));
    let at = 0;
    for (const array of arrays) {
      out.set(array, at);
      at += array.length;
    }
    return out;
  };
  return {
    rows: parts.reduce((sum, part) => sum + part.rows, 0),
    columns: parts[0]!.columns,
    data: join(parts.map((part) => part.data)),
    bias: parts[0]!.bias && join(parts.map((part) => part.bias!)),
  };
}

function matrixAs(name: string, { rows, columns, data }: Matrix): Tensor {
  return { name, shape: [rows, columns], data };
}
function linearAs(name: string, m: Linear): Tensor[] {
  return [matrixAs(`${name}.weight`, m), ...(m.bias ? [{ name: `${name}.bias`, shape: [m.bias.length], data: m.bias }] : [])];
}
function normAs(name: string, { gain, bias }: Norm): Tensor[] {
  return [
    { name: `${name}.weight`, shape: [gain.length], data: gain },
    ...(bias ? [{ name: `${name}.bias`, shape: [bias.length], data: bias }] : []),
  ];
}

const OTHER_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^model\./, ''],
  [/layers\./, 'blocks.'],
  [/self_attn\./, 'attention.'],
  [/mlp\./, 'ffn.'],
  [/embed_tokens/, 'token_embedding'],
  [/^norm\./, 'final_norm.'],
  [/lm_head/, 'output'],
];
const NO_WORDS: readonly (readonly [RegExp, string])[] = [
  [/(model\.)?layers\.|^h\./, 'cell_'],
  [/self_attn\.q_proj/, 'aa'],
  [/self_attn\.k_proj/, 'ab'],
  [/self_attn\.v_proj/, 'ac'],
  [/self_attn\.o_proj|attn\.c_proj/, 'ad'],
  [/attn\.c_attn/, 'ae'],
  [/mlp\.gate_proj/, 'ba'],
  [/mlp\.up_proj|mlp\.c_fc/, 'bb'],
  [/mlp\.down_proj|mlp\.c_proj/, 'bc'],
  [/input_layernorm|ln_1/, 'ca'],
  [/post_attention_layernorm|ln_2/, 'cb'],
  [/model\.embed_tokens|wte/, 'xa'],
  [/model\.norm|ln_f/, 'xb'],
  [/wpe/, 'xd'],
  [/lm_head/, 'xc'],
];

function rename(name: string, naming: Naming): string {
  if (naming === 'prefixed') return `net.backbone.${name}`;
  const words = naming === 'renamed' ? OTHER_WORDS : naming === 'unknown' ? NO_WORDS : [];
  return words.reduce((made, [from, to]) => made.replace(from, to), name);
}

function configOf(model: Transformer, naming: Naming): unknown {
  const { embed, blocks, headRows } = model;
  const first = blocks[0]!;
  const common = { vocab_size: embed.rows, tie_word_embeddings: model.head === null, torch_dtype: 'bfloat16' };
  if (naming === 'unknown') return { hidden_size: embed.columns };
  if (model.family === 'gpt2')
    return {
      ...common,
      architectures: ['GPT2LMHeadModel'],
      model_type: 'gpt2',
      n_embd: embed.columns,
      n_layer: blocks.length,
      n_head: first.q.rows / headRows,
      n_positions: model.position?.rows,
      layer_norm_epsilon: model.epsilon,
    };
  return {
    ...common,
    architectures: [first.router ? 'MixtralForCausalLM' : naming === 'fused' ? 'Phi3ForCausalLM' : 'LlamaForCausalLM'],
    model_type: first.router ? 'mixtral' : naming === 'fused' ? 'phi3' : 'llama',
    hidden_size: embed.columns,
    num_hidden_layers: blocks.length,
    num_attention_heads: first.q.rows / headRows,
    num_key_value_heads: first.k.rows / headRows,
    head_dim: headRows,
    intermediate_size: first.experts[0]!.up.rows,
    rms_norm_eps: model.epsilon,
    rope_theta: model.theta,
    ...(first.router && { num_local_experts: first.experts.length, num_experts_per_tok: 2 }),
  };
}

function tokenizerOf(tokens: readonly string[]): string {
  const vocab = Object.fromEntries(tokens.flatMap((token, id) => (token === '' ? [] : [[token, id]])));
  return JSON.stringify({ version: '1.0', added_tokens: [], model: { type: 'BPE', vocab, merges: [] } });
}

function safetensorsBytes(tensors: readonly Tensor[], dtype: 'BF16' | 'F32'): Uint8Array {
  const size = dtype === 'BF16' ? 2 : 4;
  let end = 0;
  const header = Object.fromEntries(
    tensors.map(({ name, shape, data }) => [name, { dtype, shape, data_offsets: [end, (end += size * data.length)] }]),
  );
  const json = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(json.length + ((8 - (json.length % 8)) % 8)).fill(0x20);
  head.set(json);
  const out = new Uint8Array(8 + head.length + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(head.length), true);
  out.set(head, 8);
  const values = new Uint8Array(end);
  const view = new DataView(values.buffer);
  let at = 0;
  for (const { data } of tensors)
    for (const value of data) {
      if (dtype === 'BF16') view.setUint16(at, toBfloat16(value), true);
      else view.setFloat32(at, value, true);
      at += size;
    }
  out.set(values, 8 + head.length);
  return out;
}
