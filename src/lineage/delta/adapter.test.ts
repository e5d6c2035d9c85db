import { describe, expect, test } from 'vitest';
import type { Model } from '../../model/index.ts';
import { modelOf, type Tensors } from '../testing/model-of.ts';
import { randomness } from '../testing/synthetic.ts';
import { proveAdapter } from './adapter.ts';

const WIDTH = 16;
const NEURONS = 32;
const RANK = 4;
const INPUTS = { a: 'base', b: 'merged' };
const CONFIG = { model_type: 'llama', hidden_size: WIDTH, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: NEURONS };
const UP = 'model.layers.0.mlp.up_proj';
const QUERY = 'model.layers.0.self_attn.q_proj';

function draw(seed: number, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: rows * columns }, randomness(seed).normal);
}

const WEIGHTS: Record<string, readonly [readonly number[], Float32Array]> = {
  'model.embed_tokens.weight': [[8, WIDTH], draw(1, 8, WIDTH)],
  ...Object.fromEntries(
    ['q', 'k', 'v', 'o'].map((name, i) => [
      `model.layers.0.self_attn.${name}_proj.weight`,
      [[WIDTH, WIDTH], draw(2 + i, WIDTH, WIDTH)] as const,
    ]),
  ),
  'model.layers.0.mlp.gate_proj.weight': [[NEURONS, WIDTH], draw(6, NEURONS, WIDTH)],
  [`${UP}.weight`]: [[NEURONS, WIDTH], draw(7, NEURONS, WIDTH)],
  'model.layers.0.mlp.down_proj.weight': [[WIDTH, NEURONS], draw(8, WIDTH, NEURONS)],
};
const FACTORS = {
  [UP]: { a: draw(9, RANK, WIDTH), b: draw(10, NEURONS, RANK), rows: NEURONS },
  [QUERY]: { a: draw(11, RANK, WIDTH), b: draw(12, WIDTH, RANK), rows: WIDTH },
} as const;

/** The base with B A added to the two touched matrices, each with its own scale. */
function merged(scales: Readonly<Record<keyof typeof FACTORS, number>>): Promise<Model> {
  const tensors: Record<string, readonly [readonly number[], Float32Array]> = { ...WEIGHTS };
  for (const [module, { a, b, rows }] of Object.entries(FACTORS)) {
    const [shape, before] = WEIGHTS[`${module}.weight`]!;
    const after = Float32Array.from(before, (value, at) => {
      const [i, j] = [Math.floor(at / WIDTH), at % WIDTH];
      let sum = 0;
      for (let r = 0; r < RANK; r++) sum += b[i * RANK + r]! * a[r * WIDTH + j]!;
      return value + scales[module as keyof typeof FACTORS] * sum;
    });
    expect(after.length).toBe(rows * WIDTH);
    tensors[`${module}.weight`] = [shape, after];
  }
  return modelOf(tensors, CONFIG, 'config.json');
}

/** As PEFT names the halves; `extra` adds tensors such as kohya's alpha. */
function adapter(config: object, extra: Tensors = {}): Promise<Model> {
  const tensors = Object.fromEntries(
    Object.entries(FACTORS).flatMap(([module, { a, b, rows }]) => [
      [`base_model.model.${module}.lora_A.weight`, [[RANK, WIDTH], a] as const],
      [`base_model.model.${module}.lora_B.weight`, [[rows, RANK], b] as const],
    ]),
  );
  return modelOf({ ...tensors, ...extra }, { peft_type: 'LORA', r: RANK, ...config }, 'adapter_config.json');
}

const base = modelOf(WEIGHTS, CONFIG, 'config.json');

describe('an adapter added to its base is its merged model', () => {
  const cases: [string, object, Record<keyof typeof FACTORS, number>][] = [
    ['lora_alpha over the rank', { lora_alpha: 6 }, { [UP]: 1.5, [QUERY]: 1.5 }],
    ['lora_alpha over its root with rsLoRA', { lora_alpha: 6, use_rslora: true }, { [UP]: 3, [QUERY]: 3 }],
    ['an alpha of the module’s own', { lora_alpha: 6, alpha_pattern: { 'mlp.up_proj': 2 } }, { [UP]: 0.5, [QUERY]: 1.5 }],
    [
      'an alpha pattern with the mark of a beginning',
      { lora_alpha: 6, alpha_pattern: { '^self_attn\\.q_proj': 8 } },
      { [UP]: 1.5, [QUERY]: 2 },
    ],
    ['a rank of the module’s own', { lora_alpha: 6, rank_pattern: { q_proj: 2 } }, { [UP]: 1.5, [QUERY]: 3 }],
  ];
  test.each(cases)('at the scale of %s', async (_, config, scales) => {
    const proof = await proveAdapter(await base, await merged(scales), await adapter(config), INPUTS);
    expect(proof).toMatchObject({ proved: true, rank: RANK, evidence: { details: { scaleStated: 'by the adapter' } } });
    expect(proof!.evidence.statistic.value).toBeGreaterThan(0.999);
  });

  test('at a scale that is nowhere stated, which is found and told', async () => {
    const proof = await proveAdapter(await base, await merged({ [UP]: 0.75, [QUERY]: 0.75 }), await adapter({}), INPUTS);
    expect(proof).toMatchObject({ evidence: { details: { scaleStated: 'fitted' } } });
    expect(proof!.scale).toBeCloseTo(0.75, 5);
  });

  test('and not at another scale than the one it states', async () => {
    const proof = await proveAdapter(await base, await merged({ [UP]: 1.4, [QUERY]: 1.4 }), await adapter({ lora_alpha: 6 }), INPUTS);
    expect(proof!.proved).toBe(false);
  });

  test('and not when the base was changed elsewhere too', async () => {
    const [shape, values] = WEIGHTS['model.layers.0.mlp.gate_proj.weight']!;
    const other = { ...WEIGHTS, 'model.layers.0.mlp.gate_proj.weight': [shape, values.map((value) => value * 1.01)] as const };
    const proof = await proveAdapter(
      await modelOf(other, CONFIG, 'config.json'),
      await merged({ [UP]: 1.5, [QUERY]: 1.5 }),
      await adapter({ lora_alpha: 6 }),
      INPUTS,
    );
    expect(proof!.proved).toBe(false);
  });

  test('while DoRA, which is no sum, is left alone', async () => {
    expect(await proveAdapter(await base, await base, await adapter({ lora_alpha: 6, use_dora: true }), INPUTS)).toBeNull();
  });
});
