import { describe, expect, test } from 'vitest';
import type { Model } from '../model/index.ts';
import { lookCloser, type Relation, relate, sketchModel } from './index.ts';
import { modelOf } from './testing/model-of.ts';
import { randomness } from './testing/synthetic.ts';

const [WIDTH, NEURONS, TOKENS, BLOCKS] = [32, 96, 200, 3];
const UNREACHABLE = 40;
const CONFIG = { model_type: 'llama', hidden_size: WIDTH, num_hidden_layers: BLOCKS, num_attention_heads: 4, intermediate_size: NEURONS };
type Tensors = Record<string, readonly [readonly number[], Float64Array]>;

/** `common` draws what both models have; each value is scaled by what its row or column is given. */
function matrix(rows: number, columns: number, common: () => number, own: () => number, size: (row: number) => number): Tensors[string] {
  return [[rows, columns], Float64Array.from({ length: rows * columns }, (_, at) => size(Math.floor(at / columns)) * (common() + own()))];
}

/**
 * Siblings of one start whose tables the same data pulled to the same places, as SGD and tied tables show at three times their size.
 * @param noise what each learned by itself in the blocks, over the start.
 */
function sibling(seed: number, own: number, noise: number): Promise<Model> {
  const [start, mine] = [randomness(seed), randomness(own)];
  const tensors: Tensors = {};
  const put = (name: string, rows: number, columns: number, apart: number): void => {
    tensors[name] = matrix(
      rows,
      columns,
      start.normal,
      () => apart * mine.normal(),
      () => 0.1,
    );
  };
  tensors['model.embed_tokens.weight'] = matrix(
    TOKENS,
    WIDTH,
    start.normal,
    () => 0.1 * mine.normal(),
    (row) => (row < UNREACHABLE ? 0.1 : 0.4),
  );
  const gain = (): Tensors[string] => [[WIDTH], Float64Array.from({ length: WIDTH }, () => 1 + 0.2 * start.normal() + 0.1 * mine.normal())];
  for (let n = 0; n < BLOCKS; n++) {
    const at = `model.layers.${n}`;
    tensors[`${at}.input_layernorm.weight`] = gain();
    tensors[`${at}.post_attention_layernorm.weight`] = gain();
    for (const name of ['q', 'k', 'v', 'o']) put(`${at}.self_attn.${name}_proj.weight`, WIDTH, WIDTH, noise);
    put(`${at}.mlp.gate_proj.weight`, NEURONS, WIDTH, noise);
    put(`${at}.mlp.up_proj.weight`, NEURONS, WIDTH, noise);
    put(`${at}.mlp.down_proj.weight`, WIDTH, NEURONS, noise);
  }
  const vocab = Object.fromEntries(Array.from({ length: TOKENS }, (_, id) => [id < UNREACHABLE ? `[unused${id}]` : `word${id}`, id]));
  return modelOf(tensors, CONFIG, 'config.json', {
    'tokenizer.json': { version: '1.0', added_tokens: [], model: { type: 'BPE', vocab, merges: [] } },
  });
}

async function compared(a: Model, b: Model): Promise<Relation> {
  const sketched = async (model: Model, name: string) => ({
    model,
    sketch: await sketchModel(model, { digest: { value: `sha256:${name}`, covers: 'its name' } }),
  });
  const [first, second] = [await sketched(a, 'a'), await sketched(b, 'b')];
  return lookCloser(relate(first.sketch, second.sketch), first, second);
}

describe('siblings of one start', () => {
  test('whose tables the same data moved alike are not derived, however closely heads and tokens follow', async () => {
    for (const noise of [0.6, 0.9, 1.2]) {
      const { verdict, tests } = await compared(await sibling(1, 11, noise), await sibling(1, 12, noise));
      expect(verdict).not.toBe('derived');
      // The case is the one meant: the votes after the map are won.
      expect(tests.find(({ test: name }) => name === 'learned-agreement-after-map')?.details['tokens']).toBeGreaterThan(0.85);
    }
  });
  test('of the base an adapter was trained on show its geometry while most of them is the start: that alone convicts no base', async () => {
    const [hidden, heads, rank] = [64, 2, 8];
    const { normal } = randomness(21);
    // What was trained writes to some channels more than to others.
    const trained = (row: number): number => 0.02 * Math.exp(Math.sin(row));
    for (const [size, verdict] of [
      [() => 0.02, 'shared-origin'],
      [trained, 'derived'],
    ] as const) {
      const tensors: Tensors = {};
      const factors: Tensors = {};
      const none = (): number => 0;
      tensors['model.embed_tokens.weight'] = matrix(TOKENS, hidden, normal, none, () => 0.02);
      for (let n = 0; n < BLOCKS; n++) {
        const at = `model.layers.${n}.self_attn`;
        for (const name of ['q', 'k', 'v', 'o']) tensors[`${at}.${name}_proj.weight`] = matrix(hidden, hidden, normal, none, size);
        const [, written] = tensors[`${at}.o_proj.weight`]!;
        const [, through] = matrix(rank, hidden, normal, none, () => 1);
        // Rows of B are gradients: what a value channel writes, seen through the rest of the network.
        const b = Float64Array.from({ length: hidden * rank }, (_, i) => {
          const [channel, r] = [Math.floor(i / rank), i % rank];
          let sum = 0;
          for (let j = 0; j < hidden; j++) sum += through[r * hidden + j]! * written[j * hidden + channel]!;
          return sum;
        });
        for (const name of ['q', 'k', 'v']) {
          factors[`base_model.model.${at}.${name}_proj.lora_A.weight`] = matrix(rank, hidden, normal, none, () => 0.1);
          factors[`base_model.model.${at}.${name}_proj.lora_B.weight`] =
            name === 'v' ? [[hidden, rank], b] : matrix(hidden, rank, normal, none, () => 0.01);
        }
      }
      const config = { model_type: 'llama', hidden_size: hidden, num_hidden_layers: BLOCKS, num_attention_heads: heads };
      const base = await modelOf(tensors, config, 'config.json');
      const adapter = await modelOf(factors, { peft_type: 'LORA', r: rank, lora_alpha: rank }, 'adapter_config.json');
      expect((await compared(base, adapter)).verdict).toBe(verdict);
    }
  });
});
