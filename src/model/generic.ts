/**
 * Roles by name and shape alone, for convolutional networks and everything no scheme knows; and what is not a parameter.
 * @module
 */
import type { TensorInfo } from '../weights/index.ts';
import { isOptimizerState, type ParsedName } from './names.ts';
import type { Role } from './types.ts';

/** Registered buffers of the common libraries: running statistics, positions, masks, rotary tables, counters. */
const BUFFER_NAMES = new Set([
  'num_batches_tracked',
  'running_mean',
  'running_var',
  'position_ids',
  'token_type_ids',
  'inv_freq',
  'original_inv_freq',
  'rope_freqs',
  'freqs_cis',
  'cos_cached',
  'sin_cached',
  'masked_bias',
  'causal_mask',
  'attn_mask',
  'attention_mask',
  'relative_position_index',
  'relative_coords_table',
  'num_updates',
  'global_step',
  'epoch',
  'moving_mean',
  'moving_variance',
  'n_averaged',
  'sqrt_alphas_cumprod',
  'alphas_cumprod',
  'betas',
]);

/** Integer and boolean tensors are indices, counters and masks; packed weights are told by their suffix before this is asked. */
const INTEGERS = new Set(['I64', 'I32', 'I16', 'U64', 'U32', 'U16', 'BOOL']);

/** Whether a tensor is state beside the parameters: it is not counted, and no role but `buffer` fits it. */
export function isBuffer(parsed: ParsedName): boolean {
  const { tensor } = parsed;
  if (tensor.constant || isOptimizerState(tensor.name) || parsed.adapter === 'alpha') return true;
  const parts = tensor.name.split(/[./]/);
  if (parts.some((part, i) => i >= parts.length - 2 && BUFFER_NAMES.has(part))) return true;
  // GPT-2, GPT-Neo and GPT-NeoX keep their causal mask as `attn.bias`, `attention.bias` of shape [1, 1, n, n]
  if (/(^|\.)(attn|attention)\.bias$/.test(tensor.name) && tensor.shape.length > 1) return true;
  return parsed.param !== 'other' && INTEGERS.has(tensor.dtype);
}

/** The fallback: what a tensor does as far as its name and shape say. */
export function genericRole(parsed: ParsedName): Role {
  const { tensor, name, param } = parsed;
  if (isBuffer(parsed)) return 'buffer';
  if (parsed.adapter === 'lora_a' || parsed.adapter === 'lora_b') return parsed.adapter;
  if (param === 'other' || parsed.adapter) return 'other';
  const axes = tensor.shape.length;
  if (axes >= 3 && axes <= 5 && param !== 'bias') return axes === 3 && tensor.shape[0] === 1 ? 'other' : 'conv';
  if (axes === 2) {
    if (/(^|[._])(embed_tokens|tok_embeddings|token_embedding|word_embeddings|wte|embeddings?)$/.test(parsed.path.join('.')))
      return 'embed';
    return Math.min(...tensor.shape) > 1 ? 'linear' : 'other';
  }
  if (axes !== 1) return 'other';
  if (param === 'bias' || /(^|[._])(bias|beta|b|offset)(_?\d+)?$/i.test(name)) return 'bias';
  return /(^|[._])(alpha|prelu|slope)(_?\d+)?$/i.test(parsed.path.at(-1) ?? '') ? 'other' : 'norm';
}

/**
 * Parameters a tensor stands for; 0 for buffers and for the companions of packed weights.
 * @param bits of one packed value (GPTQ, AWQ), from `quantization_config`.
 * @param packed4 names of byte tensors that hold two 4-bit values each (bitsandbytes).
 */
export function parameterCount(parsed: ParsedName, bits: number | undefined, packed4: ReadonlySet<string>): number {
  const { tensor } = parsed;
  const values = tensor.shape.reduce((product, size) => product * size, 1);
  if (parsed.param === 'other') {
    const perValue = /^(qweight|weight_packed)$/.test(parsed.suffix) && tensor.dtype === 'I32' && bits ? 32 / bits : 0;
    return parsed.adapter ? values : Math.floor(values * perValue);
  }
  if (isBuffer(parsed)) return 0;
  return tensor.dtype === 'U8' && packed4.has(tensor.name) ? 2 * values : values;
}

/** Values of all parameters: a storage with two names once, buffers not. */
export function countParameters(names: readonly ParsedName[], bits: number | undefined): number {
  const packed4 = new Set(names.filter((name) => name.suffix === 'quant_map').map((name) => name.tensor.name.replace(/\.quant_map$/, '')));
  // Views of one storage may differ in size; the largest speaks for it.
  const shared = new Map<string, number>();
  let total = 0;
  for (const name of names) {
    const count = parameterCount(name, bits, packed4);
    const storage = storageKey(name.tensor);
    if (storage === undefined) total += count;
    else shared.set(storage, Math.max(shared.get(storage) ?? 0, count));
  }
  for (const count of shared.values()) total += count;
  return total;
}

function storageKey(tensor: TensorInfo): string | undefined {
  return tensor.storage === undefined ? undefined : `${tensor.file}\n${tensor.storage}`;
}
