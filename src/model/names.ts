/**
 * Tensor names taken apart: wrappers off, parameter suffix off, adapter suffix off.
 * @module
 */
import type { TensorInfo } from '../weights/index.ts';

/** Which parameter of a module a tensor is. `other`: packed weights, scales, magnitudes; listed, never compared. */
export type Param = 'weight' | 'bias' | 'other';
export type AdapterPart = 'lora_a' | 'lora_b' | 'alpha' | 'other';

export interface ParsedName {
  readonly tensor: TensorInfo;
  /** The name without wrappers: the slot of a generic role. */
  readonly name: string;
  /** Path of the module, split; digits stay digits. */
  readonly path: readonly string[];
  /** How `path` was joined: kohya's adapters write `_` where everyone writes `.`. */
  readonly joint: '.' | '_';
  readonly param: Param;
  /** The suffix that made `param` `other`: `qweight`, `scales`... */
  readonly suffix: string;
  readonly adapter?: AdapterPart;
  /** Axes in the order that puts outputs first, as the format or the name's convention says; absent when rows already are outputs. */
  readonly outputFirst?: readonly number[];
}

/** Left by torch.compile, FSDP, activation checkpointing and PEFT wherever they wrapped a module. */
const INNER_WRAPPERS = new Set(['_orig_mod', '_fsdp_wrapped_module', '_checkpoint_wrapped_module', 'base_layer']);
/** Stripped only when every tensor carries it, so that `model.x` beside `ema.x` stays apart. */
const OUTER_WRAPPERS = [
  'module',
  'state_dict',
  'model_state_dict',
  'model_state',
  'params',
  'ema',
  'ema_model',
  'model_ema',
  'net',
  'network',
  'model',
  'weights',
];

const SUFFIXES: ReadonlyMap<string, Param> = new Map<string, Param>([
  ['weight', 'weight'],
  ['kernel', 'weight'],
  ['gamma', 'weight'],
  ['g', 'weight'],
  ['weights', 'weight'],
  ['biases', 'bias'],
  ['embedding', 'weight'],
  ['bias', 'bias'],
  ['beta', 'bias'],
  // GPTQ/AWQ, compressed-tensors, FP8 and bitsandbytes companions (their repositories' checkpoint formats)
  ['qweight', 'other'],
  ['qzeros', 'other'],
  ['scales', 'other'],
  ['g_idx', 'other'],
  ['weight_packed', 'other'],
  ['weight_scale', 'other'],
  ['weight_scale_inv', 'other'],
  ['weight_shape', 'other'],
  ['weight_zero_point', 'other'],
  ['input_scale', 'other'],
  ['absmax', 'other'],
  ['quant_map', 'other'],
  ['nested_absmax', 'other'],
  ['nested_quant_map', 'other'],
  ['SCB', 'other'],
]);

/** PEFT, kohya-ss and older adapter names (PEFT checkpoint format page; kohya-ss sd-scripts networks/lora.py). */
const ADAPTER_PARTS: ReadonlyMap<string, AdapterPart> = new Map<string, AdapterPart>([
  ['lora_A', 'lora_a'],
  ['lora_B', 'lora_b'],
  ['lora_down', 'lora_a'],
  ['lora_up', 'lora_b'],
  ['lora_embedding_A', 'lora_a'],
  ['lora_embedding_B', 'lora_b'],
  ['lora_magnitude_vector', 'other'],
  ['dora_scale', 'other'],
  ['lora_mid', 'other'],
  ['hada_w1_a', 'other'],
  ['hada_w1_b', 'other'],
  ['hada_w2_a', 'other'],
  ['hada_w2_b', 'other'],
]);

/** Optimizer entries of training checkpoints; never parameters and never a reason to keep a wrapper. */
export function isOptimizerState(name: string): boolean {
  return /(^|[./])(optimizer|optim|optimizer_states?|optimizer_state_dict|exp_avg|exp_avg_sq|max_exp_avg_sq|momentum_buffer)([./]|$)/.test(
    name,
  );
}

/**
 * TensorFlow, Keras and Flax call it `kernel` and store outputs last; so do `weights` in NumPy dumps (caffe-tensorflow).
 * Formats that know their axes have said so in `TensorInfo.outputFirst`.
 */
function outputOrder(tensor: TensorInfo, last: string | undefined, format: string): readonly number[] | undefined {
  if (tensor.outputFirst) return tensor.outputFirst;
  const dump = format === 'npy' || format === 'npz';
  const outputsLast = (last === 'kernel' && (dump || format === 'safetensors')) || (last === 'weights' && dump);
  return outputsLast ? OUTPUTS_LAST[tensor.shape.length] : undefined;
}
const OUTPUTS_LAST: Readonly<Record<number, readonly number[]>> = { 2: [1, 0], 3: [2, 1, 0], 4: [3, 2, 0, 1], 5: [4, 3, 0, 1, 2] };

/** All names of a checkpoint, wrappers stripped consistently. Order is kept. */
export function parseNames(tensors: readonly TensorInfo[], format: string): ParsedName[] {
  const split = tensors.map((tensor) =>
    tensor.name
      .replace(/:0$/, '')
      .split(/[./]/)
      .filter((part) => part !== '' && !INNER_WRAPPERS.has(part)),
  );
  const counted = split.filter((_, i) => !isOptimizerState(tensors[i]!.name));
  let strip = 0;
  for (let again = counted.length > 0; again;) {
    const lead = counted[0]![strip];
    again =
      lead !== undefined && OUTER_WRAPPERS.includes(lead) && counted.every((parts) => parts[strip] === lead && parts.length > strip + 1);
    if (again) strip++;
  }
  return tensors.map((tensor, i) => {
    const order = outputOrder(tensor, split[i]!.at(-1), format);
    return {
      ...parseName(tensor, isOptimizerState(tensor.name) ? split[i]! : split[i]!.slice(strip)),
      ...(order && { outputFirst: order }),
    };
  });
}

function parseName(tensor: TensorInfo, given: readonly string[]): ParsedName {
  let parts = given[0] === 'base_model' && given[1] === 'model' ? given.slice(2) : given;
  const name = parts.join('.') || tensor.name;
  let param: Param = 'weight';
  let suffix = '';
  const last = parts.at(-1);
  const known = last === undefined ? undefined : SUFFIXES.get(last);
  if (last !== undefined && parts.length > 1 && known) {
    param = known;
    if (known === 'other') suffix = last;
    parts = parts.slice(0, -1);
    // bitsandbytes hangs its companions below the weight: `q_proj.weight.absmax`
    if (known === 'other' && parts.at(-1) === 'weight') parts = parts.slice(0, -1);
  } else if (last !== undefined && /_(weight|bias)$/.test(last)) {
    // torch.nn.MultiheadAttention: `in_proj_weight`, `in_proj_bias`
    param = last.endsWith('_bias') ? 'bias' : 'weight';
    parts = [...parts.slice(0, -1), last.replace(/_(weight|bias)$/, '')];
  }
  // A PReLU has an `alpha` too; an adapter's is a scalar under a name that says so.
  const hasAlpha = /^(lora|lycoris)_|\.lora/.test(name) && tensor.shape.every((size) => size === 1);
  const adapterAt = parts.findIndex((part, at) => at > 0 && (ADAPTER_PARTS.has(part) || (hasAlpha && part === 'alpha')));
  if (adapterAt < 0) return { tensor, name, path: parts, joint: '.', param, suffix };
  const adapter = ADAPTER_PARTS.get(parts[adapterAt]!) ?? 'alpha';
  const owner = parts.slice(0, adapterAt);
  const kohya = owner.length === 1 && owner[0]!.startsWith('lora_');
  const path = kohya ? owner[0]!.replace(/^lora_/, '').split('_') : owner;
  return { tensor, name, path, joint: kohya ? '_' : '.', param, suffix, adapter };
}
