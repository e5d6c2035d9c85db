/**
 * How many attention heads a layer has, from whichever place says so. Needed to take fused matrices apart.
 * @module
 */
import type { JsonValue } from '../base/index.ts';
import type { Checkpoint } from '../weights/index.ts';

export interface Heads {
  /** `model_type` or `general.architecture`, lower case; '' when unknown. */
  readonly architecture: string;
  readonly heads: (layer: number) => number | undefined;
  readonly kvHeads: (layer: number) => number | undefined;
  /** Rows of one head, when stated. */
  readonly headDim: number | undefined;
  readonly flag: (name: string) => boolean;
}

export type Configs = ReadonlyMap<string, { readonly [key: string]: JsonValue }>;

/** Heads above this are no attention layer (the widest published models have 128 to 256). (CWE-1284) */
const MAX_HEADS = 65_536;

const HEADS = ['num_attention_heads', 'n_head', 'n_heads', 'num_heads', 'encoder_attention_heads', 'decoder_attention_heads'];
const KV_HEADS = ['num_key_value_heads', 'n_kv_heads', 'num_kv_heads', 'n_head_kv', 'multi_query_group_num'];
const WIDTH = ['hidden_size', 'n_embd', 'd_model', 'dim', 'embed_dim'];

/** Reads config.json (its `text_config` for multimodal models), Meta's params.json, or GGUF keys. */
export function readHeads(configs: Configs, checkpoint: Checkpoint | null): Heads {
  if (checkpoint?.format === 'gguf') return ggufHeads(checkpoint);
  const outer = configs.get('config.json') ?? configs.get('params.json') ?? {};
  const text = outer['text_config'];
  const inner = outer['num_attention_heads'] === undefined && isObject(text) ? text : outer;
  const heads = firstNumber(inner, HEADS);
  const width = firstNumber(inner, WIDTH);
  const kv = firstNumber(inner, KV_HEADS) ?? (inner['multi_query'] === true ? 1 : heads);
  const stated = firstNumber(inner, ['head_dim', 'kv_channels', 'd_kv']);
  return {
    architecture: architectureOf(outer),
    heads: () => heads,
    kvHeads: () => kv,
    headDim: stated ?? wholeShare(width, heads),
    flag: (name) => inner[name] === true,
  };
}

function architectureOf(config: { readonly [key: string]: JsonValue }): string {
  const named = config['model_type'] ?? config['_class_name'];
  return typeof named === 'string' ? named.slice(0, 100).toLowerCase() : '';
}

function ggufHeads(checkpoint: Checkpoint): Heads {
  const named = checkpoint.metadata.get('general.architecture');
  const architecture = typeof named === 'string' ? named.slice(0, 100).toLowerCase() : '';
  const at =
    (key: string) =>
    (layer: number): number | undefined => {
      const value = checkpoint.metadata.get(`${architecture}.${key}`);
      return count(Array.isArray(value) ? value[layer] : value);
    };
  const heads = at('attention.head_count');
  const kv = at('attention.head_count_kv');
  return {
    architecture,
    heads,
    kvHeads: (layer) => kv(layer) ?? heads(layer),
    headDim: at('attention.key_length')(0) ?? wholeShare(at('embedding_length')(0), heads(0)),
    flag: () => false,
  };
}

/** Width over heads, when it divides. */
function wholeShare(width: number | undefined, heads: number | undefined): number | undefined {
  return width && heads && width % heads === 0 ? width / heads : undefined;
}

function firstNumber(config: { readonly [key: string]: JsonValue }, keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const value = count(config[key]);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** A usable count, or undefined: configurations are written by hand and by strangers. */
function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_HEADS ? value : undefined;
}

export function isObject(value: unknown): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
