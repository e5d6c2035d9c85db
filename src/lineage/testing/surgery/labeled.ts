/**
 * Synthetic networks of other families as tensors with labeled axes: axes of one label carry the same units, so that a change
 * of their basis or order is one change everywhere. Values are a random start plus a random walk; nothing here computes.
 * @module
 */
import { multiply } from '../../../math/index.ts';
import { randomness } from '../synthetic.ts';
import { rotation, shuffled, transposed } from './matrices.ts';

export interface Labeled {
  readonly name: string;
  readonly shape: readonly number[];
  /** One label an axis; '' for axes that stay. */
  readonly axes: readonly string[];
  readonly data: Float64Array;
  /** Of a norm's gain: tensors that read what it scales, along their last axis. */
  readonly readers?: readonly string[];
}
export interface LabeledModel {
  readonly tensors: readonly Labeled[];
  readonly config: { readonly [key: string]: unknown };
  readonly tokens: readonly string[] | null;
  /** Whether norms stand before what they feed, so that the hidden space may be turned. */
  readonly turns: boolean;
}

export type Family = 'bert' | 't5' | 'vit' | 'unet';

const WIDTH = 64;
const NEURONS = 192;
const LAYERS = 3;
const TOKENS = 400;

/** A random model of the family; `start` seeds its start, `walk` what training added (about twice the start). */
export function labeledModel(family: Family, start: number, walk: number): LabeledModel {
  const [s, w] = [randomness(start), randomness(walk)];
  const tensors: Labeled[] = [];
  const draw = (count: number): Float64Array => Float64Array.from({ length: count }, () => 0.02 * s.normal() + 0.04 * w.normal());
  const put = (name: string, shape: readonly number[], axes: readonly string[]): void => {
    tensors.push({ name, shape, axes, data: draw(shape.reduce((product, size) => product * size, 1)) });
  };
  const bias = (name: string, size: number, axis: string): void => put(name, [size], [axis]);
  const norm = (name: string, readers: readonly string[], shift: boolean): void => {
    tensors.push({
      name: `${name}.weight`,
      shape: [WIDTH],
      axes: ['d'],
      data: Float64Array.from({ length: WIDTH }, () => 1 + 0.2 * w.normal()),
      readers,
    });
    if (shift) bias(`${name}.bias`, WIDTH, 'd');
  };
  const linear = (name: string, [rows, row]: Axis, [columns, column]: Axis, shift = false): void => {
    put(`${name}.weight`, [rows, columns], [row, column]);
    if (shift) bias(`${name}.bias`, rows, row);
  };
  const d: Axis = [WIDTH, 'd'];
  const inner: Axis = [WIDTH, ''];
  const make: Record<Family, () => LabeledModel> = {
    bert: () => {
      put('bert.embeddings.word_embeddings.weight', [TOKENS, WIDTH], ['', 'd']);
      put('bert.embeddings.position_embeddings.weight', [64, WIDTH], ['', 'd']);
      put('bert.embeddings.token_type_embeddings.weight', [2, WIDTH], ['', 'd']);
      norm('bert.embeddings.LayerNorm', [], true);
      for (let n = 0; n < LAYERS; n++) {
        const at = `bert.encoder.layer.${n}`;
        for (const role of ['query', 'key', 'value']) linear(`${at}.attention.self.${role}`, inner, d, true);
        linear(`${at}.attention.output.dense`, d, inner, true);
        norm(`${at}.attention.output.LayerNorm`, [], true);
        linear(`${at}.intermediate.dense`, [NEURONS, `n${n}`], d, true);
        linear(`${at}.output.dense`, d, [NEURONS, `n${n}`], true);
        norm(`${at}.output.LayerNorm`, [], true);
      }
      linear('bert.pooler.dense', [WIDTH, ''], d, true);
      return finish({ model_type: 'bert', hidden_size: WIDTH, num_attention_heads: 4 }, true, false);
    },
    t5: () => {
      put('shared.weight', [TOKENS, WIDTH], ['', 'd']);
      for (const stack of ['encoder', 'decoder'])
        for (let n = 0; n < LAYERS; n++) {
          const at = `${stack}.block.${n}.layer`;
          const attention = ['SelfAttention', ...(stack === 'decoder' ? ['EncDecAttention'] : [])];
          attention.forEach((kind, i) => {
            for (const role of ['q', 'k', 'v']) linear(`${at}.${i}.${kind}.${role}`, inner, d);
            linear(`${at}.${i}.${kind}.o`, d, inner);
            norm(
              `${at}.${i}.layer_norm`,
              (i === 0 ? ['q', 'k', 'v'] : ['q']).map((role) => `${at}.${i}.${kind}.${role}.weight`),
              false,
            );
          });
          const mlp = `${at}.${attention.length}`;
          const wide: Axis = [NEURONS, `${stack}${n}`];
          linear(`${mlp}.DenseReluDense.wi_0`, wide, d);
          linear(`${mlp}.DenseReluDense.wi_1`, wide, d);
          linear(`${mlp}.DenseReluDense.wo`, d, wide);
          norm(
            `${mlp}.layer_norm`,
            [0, 1].map((i) => `${mlp}.DenseReluDense.wi_${i}.weight`),
            false,
          );
        }
      linear('lm_head', [TOKENS, ''], d);
      norm('decoder.final_layer_norm', ['lm_head.weight'], false);
      return finish({ model_type: 't5', d_model: WIDTH, num_heads: 4, d_kv: 16 }, true, true);
    },
    vit: () => {
      put('vit.embeddings.cls_token', [1, 1, WIDTH], ['', '', 'd']);
      put('vit.embeddings.position_embeddings', [1, 50, WIDTH], ['', '', 'd']);
      put('vit.embeddings.patch_embeddings.projection.weight', [WIDTH, 3, 8, 8], ['d', '', '', '']);
      bias('vit.embeddings.patch_embeddings.projection.bias', WIDTH, 'd');
      for (let n = 0; n < LAYERS; n++) {
        const at = `vit.encoder.layer.${n}`;
        for (const role of ['query', 'key', 'value']) linear(`${at}.attention.attention.${role}`, inner, d, true);
        linear(`${at}.attention.output.dense`, d, inner, true);
        norm(
          `${at}.layernorm_before`,
          ['query', 'key', 'value'].map((role) => `${at}.attention.attention.${role}.weight`),
          true,
        );
        linear(`${at}.intermediate.dense`, [NEURONS, `n${n}`], d, true);
        linear(`${at}.output.dense`, d, [NEURONS, `n${n}`], true);
        norm(`${at}.layernorm_after`, [`${at}.intermediate.dense.weight`], true);
      }
      linear('classifier', [100, ''], d, true);
      norm('vit.layernorm', ['classifier.weight'], true);
      return finish({ model_type: 'vit', hidden_size: WIDTH, num_attention_heads: 4 }, false, true);
    },
    unet: () => {
      put('conv_in.weight', [WIDTH, 4, 3, 3], ['r', '', '', '']);
      put('conv_out.weight', [4, WIDTH, 3, 3], ['', 'r', '', '']);
      ['down_blocks.0', 'mid_block', 'up_blocks.0'].forEach((level, n) => {
        put(`${level}.resnets.0.conv1.weight`, [WIDTH, WIDTH, 3, 3], [`c${n}`, 'r', '', '']);
        put(`${level}.resnets.0.conv2.weight`, [WIDTH, WIDTH, 3, 3], ['r', `c${n}`, '', '']);
        linear(`${level}.resnets.0.time_emb_proj`, [WIDTH, `c${n}`], [4 * WIDTH, 't'], true);
        // Inside a transformer the channels are its own: proj_in and proj_out stand between.
        put(`${level}.attentions.0.proj_in.weight`, [WIDTH, WIDTH], [`d${n}`, 'r']);
        put(`${level}.attentions.0.proj_out.weight`, [WIDTH, WIDTH], ['r', `d${n}`]);
        const at = `${level}.attentions.0.transformer_blocks.0`;
        const own: Axis = [WIDTH, `d${n}`];
        for (const [kind, read] of [
          ['attn1', own],
          ['attn2', [96, '']],
        ] as const) {
          linear(`${at}.${kind}.to_q`, inner, own);
          linear(`${at}.${kind}.to_k`, inner, read as Axis);
          linear(`${at}.${kind}.to_v`, inner, read as Axis);
          linear(`${at}.${kind}.to_out.0`, own, inner, true);
        }
        linear(`${at}.ff.net.0.proj`, [2 * NEURONS, `n${n}`], own);
        linear(`${at}.ff.net.2`, own, [NEURONS, `n${n}`], true);
      });
      return finish({ _class_name: 'UNet2DConditionModel' }, false, false);
    },
  };
  function finish(config: LabeledModel['config'], tokens: boolean, turns: boolean): LabeledModel {
    return {
      tensors,
      config,
      turns,
      tokens: tokens ? Array.from({ length: TOKENS }, (_, i) => (i < 60 ? `[unused${i}]` : `word${i}`)) : null,
    };
  }
  return make[family]();
}

type Axis = readonly [size: number, label: string];

export function noisy(model: LabeledModel, amount: number, seed: number): LabeledModel {
  const { normal } = randomness(seed);
  return withTensors(model, (t) => ({ ...t, data: t.data.map((x) => x + amount * (t.axes.length === 1 ? 0.005 : 0.045) * normal()) }));
}

/** Every axis whose label fits, in another order. */
export function permuteAxes(model: LabeledModel, label: RegExp, seed: number): LabeledModel {
  const orders = new Map<string, readonly number[]>();
  const orderOf = (name: string, size: number): readonly number[] => {
    const key = `${name}/${size}`;
    // A fused gate and value hold each neuron twice: both halves follow one order.
    const half = [...orders.entries()].find(([known]) => known.startsWith(`${name}/`))?.[1];
    const made =
      orders.get(key) ??
      (half && half.length * 2 === size
        ? [...half, ...half.map((i) => i + half.length)]
        : half && half.length === size * 2
          ? half.slice(0, size)
          : fusedOrder(size, name.startsWith('n') && size === 2 * NEURONS, seed + orders.size));
    orders.set(key, made);
    return made;
  };
  return withTensors(model, (t) =>
    t.axes.reduce((made, axis, at) => (axis !== '' && label.test(axis) ? reorder(made, at, orderOf(axis, t.shape[at]!)) : made), t),
  );
}

function fusedOrder(size: number, fused: boolean, seed: number): readonly number[] {
  if (!fused) return shuffled(size, seed);
  const half = shuffled(size / 2, seed);
  return [...half, ...half.map((i) => i + size / 2)];
}

/** Gains folded into their readers, then the hidden space turned; for families whose norms stand in front. */
export function turnHidden(model: LabeledModel, seed: number): LabeledModel {
  const gains = new Map(model.tensors.flatMap((t) => (t.readers ?? []).map((reader) => [reader, t.data] as const)));
  const r = rotation(WIDTH, seed, true);
  const back = transposed(r);
  return withTensors(model, (t) => {
    if (t.readers) return { ...t, data: t.data.map(() => 1) };
    const gain = gains.get(t.name);
    const data = gain ? t.data.map((x, i) => x * gain[i % WIDTH]!) : t.data;
    const at = t.axes.indexOf('d');
    if (at < 0) return { ...t, data };
    // The hidden axis is the last of what reads or lies in the space, the first of what writes it.
    return at === t.axes.length - 1
      ? { ...t, data: multiply(data, r.data, data.length / WIDTH, WIDTH, WIDTH) }
      : { ...t, data: multiply(back.data, data, WIDTH, WIDTH, data.length / WIDTH) };
  });
}

function reorder(t: Labeled, axis: number, order: readonly number[]): Labeled {
  const inside = t.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const size = t.shape[axis]!;
  const data = new Float64Array(t.data.length);
  for (let outer = 0; outer < t.data.length; outer += size * inside)
    order.forEach((from, to) => data.set(t.data.subarray(outer + from * inside, outer + (from + 1) * inside), outer + to * inside));
  return { ...t, data };
}

function withTensors(model: LabeledModel, change: (t: Labeled) => Labeled): LabeledModel {
  return { ...model, tensors: model.tensors.map(change) };
}
