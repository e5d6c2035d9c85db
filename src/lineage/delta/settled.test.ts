import { describe, expect, test } from 'vitest';
import { modelOf, type Tensors } from '../testing/model-of.ts';
import { randomness } from '../testing/synthetic.ts';
import { pairSlots } from './pairs.ts';
import { measurePairs } from './refine.ts';

const WIDTH = 32;
const BLOCKS = 12;
const CONFIG = { model_type: 'llama', hidden_size: WIDTH, num_hidden_layers: BLOCKS, num_attention_heads: 4, intermediate_size: 2 * WIDTH };

function weights(change: (name: string, values: Float32Array) => Float32Array): Tensors {
  const draw = (seed: number, rows: number, columns: number): Float32Array =>
    Float32Array.from({ length: rows * columns }, randomness(seed).normal);
  const shapes: [string, number, number][] = [['model.embed_tokens.weight', 64, WIDTH]];
  for (let block = 0; block < BLOCKS; block++) {
    for (const part of ['q', 'k', 'v', 'o']) shapes.push([`model.layers.${block}.self_attn.${part}_proj.weight`, WIDTH, WIDTH]);
    for (const part of ['gate', 'up']) shapes.push([`model.layers.${block}.mlp.${part}_proj.weight`, 2 * WIDTH, WIDTH]);
    shapes.push([`model.layers.${block}.mlp.down_proj.weight`, WIDTH, 2 * WIDTH]);
  }
  return Object.fromEntries(
    shapes.map(([name, rows, columns], at) => [name, [[rows, columns], change(name, draw(at + 1, rows, columns))] as const]),
  );
}

/** A learned change: a few directions carry most of it. */
function tuned(_: string, values: Float32Array): Float32Array {
  const { normal } = randomness(values.length + 77);
  const [u, v] = [Array.from({ length: WIDTH * 2 }, normal), Array.from({ length: WIDTH * 2 }, normal)];
  return values.map((value, at) => value + 0.02 * normal() + 0.05 * u[Math.floor(at / WIDTH) % (2 * WIDTH)]! * v[at % WIDTH]!);
}

const measured = async (change: (name: string, values: Float32Array) => Float32Array, mayStop: boolean) => {
  const a = await modelOf(
    weights((_, values) => values),
    CONFIG,
    'config.json',
  );
  const b = await modelOf(weights(change), CONFIG, 'config.json');
  const { pairs } = pairSlots(a, b, {});
  return { pairs, ...(await measurePairs(a, b, mayStop)(pairs, {})) };
};

describe('a comparison of files too large to be read for nothing', () => {
  test('stops once the answer is certain, and says how much it read', async () => {
    const { pairs, tensors, readShare, stopped } = await measured(tuned, true);
    expect(stopped).toMatch(/^all \d+ matrices read so far, of every kind and depth, tie and changed densely/);
    expect(tensors.length).toBeLessThan(pairs.length);
    expect(readShare).toBeGreaterThanOrEqual(0.2);
    expect(readShare).toBeLessThan(1);
  });

  test('reads all when it was not asked to stop', async () => {
    expect(await measured(tuned, false)).toMatchObject({ readShare: 1, stopped: null });
  });

  test.each<[string, (name: string, values: Float32Array) => Float32Array]>([
    ['some matrices were left alone', (name, values) => (name.includes('q_proj') ? values : tuned(name, values))],
    ['weights were set to zero', (name, values) => tuned(name, values).map((value, at) => (at % 10 === 0 ? 0 : value))],
    ['one block is another’s', (name, values) => (name.includes('layers.5.') ? values.toReversed() : tuned(name, values))],
    ['only noise was added', (_, values) => values.map((value, at) => value + 0.02 * randomness(at + values[0]! * 1000).normal())],
  ])('reads on while %s', async (_, change) => {
    const { stopped } = await measured(change, true);
    expect(stopped).toBeNull();
  });
});
