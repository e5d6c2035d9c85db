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
  if (isRecurrent(parsed)) return 'linear';
  if (axes === 3 && tensor.shape[0] === 1)
    return /(^|[._])pos(ition)?(_?(embed(ding)?s?|enc(oding)?))?([._]|$)/.test(name) ? 'position' : 'other';
  if (axes >= 3 && axes <= 5 && param !== 'bias') return 'conv';
  if (axes === 2) {
    if (/(^|[._])(embed_tokens|tok_embeddings|token_embedding|word_embeddings|wte|embeddings?)$/.test(parsed.path.join('.')))
      return 'embed';
    return Math.min(...tensor.shape) > 1 ? 'linear' : 'other';
  }
  if (axes !== 1) return 'other';
  if (param === 'bias' || /(^|[._])(bias|beta|b|offset|add)(_?\d+)?(\.|$)/i.test(name)) return 'bias';
  if (/(^|[._])p?relu|(^|[._])(alpha|slope)(_?\d+)?$/i.test(parsed.path.join('.'))) return 'other';
  return parsed.path.join('.') !== name || /(norm|bn|gamma|scale|weight)/i.test(name) ? 'norm' : 'other';
}

/** ONNX keeps a recurrent layer's matrices as `[directions, gates * hidden, inputs]`; each direction is a matrix of its own. */
export function isRecurrent({ tensor, param }: ParsedName): boolean {
  return (
    param === 'weight' &&
    tensor.shape.length === 3 &&
    tensor.shape[0]! > 0 &&
    tensor.shape[0]! <= 2 &&
    /(^|[^a-z])(gru|lstm|rnn)/i.test(tensor.name)
  );
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
  const shared = new Map<string, { tensor: TensorInfo; count: number }[]>();
  let total = 0;
  for (const name of names) {
    const { tensor } = name;
    const count = parameterCount(name, bits, packed4);
    if (tensor.storage === undefined) total += count;
    else if (count > 0) {
      const key = `${tensor.file}\n${tensor.storage}`;
      if (!shared.has(key)) shared.set(key, []);
      shared.get(key)!.push({ tensor, count });
    }
  }
  for (const group of shared.values()) total += countShared(group);
  return total;
}

/**
 * Values of the tensors of one storage together. Recurrent layers keep all their matrices side by side in one, tied weights one matrix
 * under two names: the ranges tell. A view that is no single range (a transpose) speaks only when it is the largest.
 */
function countShared(group: readonly { tensor: TensorInfo; count: number }[]): number {
  const largest = group.reduce((most, one) => Math.max(most, one.count), 0);
  const ranges = group.filter((one) => one.tensor.offset >= 0 && one.tensor.bytes > 0).sort((a, b) => a.tensor.offset - b.tensor.offset);
  let end = -1;
  let total = 0;
  for (const { tensor, count } of ranges) {
    const to = tensor.offset + tensor.bytes;
    const fresh = Math.max(0, to - Math.max(end, tensor.offset));
    total += Math.round((count * fresh) / tensor.bytes);
    end = Math.max(end, to);
  }
  return Math.max(largest, total);
}
