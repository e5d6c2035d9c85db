import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeirloomError, memoryTree } from '../base/index.ts';
import { readModel } from './index.ts';
import { corpusPath } from './testing/corpora.ts';
import { counted, safetensors, text } from './testing/tiny.ts';

const weights = safetensors({
  'model.layers.0.self_attn.q_proj.weight': counted([4, 4], 1),
  'model.layers.0.mlp.up_proj.weight': counted([4, 4], 2),
});

/** Reads within 2 seconds, with a result or a typed error. */
async function survives(files: Record<string, Uint8Array>): Promise<void> {
  const start = performance.now();
  const error = await readAll(files).catch((caught: unknown) => caught);
  const seconds = (performance.now() - start) / 1000;
  if (error !== undefined && !(error instanceof HeirloomError)) throw new Error('an untyped error', { cause: error });
  if (seconds > 2) throw new Error(`took ${seconds} s`);
}

async function readAll(files: Record<string, Uint8Array>): Promise<void> {
  const model = await readModel(memoryTree('hostile', files));
  await model.tokens();
  JSON.stringify([model.card, [...model.configs], model.claims, model.findings]);
}

/** A valid file with bytes overwritten, dropped or doubled. */
function mutated(seed: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc
    .array(
      fc.record({
        at: fc.nat({ max: Math.max(0, seed.length - 1) }),
        what: fc.constantFrom('set', 'cut', 'double'),
        byte: fc.integer({ min: 0, max: 255 }),
        length: fc.nat({ max: 40 }),
      }),
      { minLength: 1, maxLength: 6 },
    )
    .map((edits) => {
      let bytes = [...seed];
      for (const { at, what, byte, length } of edits) {
        if (what === 'set') bytes[Math.min(at, bytes.length - 1)] = byte;
        else if (what === 'cut') bytes.splice(at, length);
        else bytes = [...bytes.slice(0, at + length), ...bytes.slice(at)];
      }
      return Uint8Array.from(bytes);
    });
}

const CARD = text(
  '---\nlicense: [mit, &a apache-2.0]\nlicense_name: *a\nbase_model:\n- a/b\n- {name: c}\ntags: !!set {x, y}\nlanguage: no\n? [k]\n: "v\\u0041"\nmodel-index:\n- name: n\n  results: |\n    text\n---\n# T\n',
);
const yamlish = fc.array(
  fc.constantFrom(
    '- ',
    '? ',
    ': ',
    '[',
    ']',
    '{',
    '}',
    '&a ',
    '*a ',
    '!!map ',
    '!x ',
    '|\n',
    '>-\n',
    '"',
    "'",
    '\n',
    '  ',
    '\t',
    '#',
    '%YAML 1.1\n',
    '---\n',
    '...\n',
    'a',
    'license: ',
    'base_model:',
    '<<: ',
    '~',
    '.nan',
    '0x1',
    '\u0000',
    '\ud800',
  ),
  { maxLength: 300 },
);

describe('files of strangers never crash the reader', () => {
  test('any text as a card', async () => {
    await expect(
      fc.assert(
        fc.asyncProperty(yamlish, (parts) =>
          survives({ 'model.safetensors': weights, 'README.md': text(`---\n${parts.join('')}\n---\nbody`) }),
        ),
        { numRuns: 100 },
      ),
    ).resolves.toBeUndefined();
    await expect(
      fc.assert(
        fc.asyncProperty(mutated(CARD), (card) => survives({ 'model.safetensors': weights, 'README.md': card })),
        { numRuns: 100 },
      ),
    ).resolves.toBeUndefined();
  });

  test('any bytes as configuration, tokenizer, license or merge recipe', async () => {
    const seeds = {
      'config.json':
        '{"model_type":"phi3","num_attention_heads":4,"num_key_value_heads":2,"hidden_size":8,"quantization_config":{"bits":4}}',
      'tokenizer.json': '{"model":{"vocab":{"a":0,"b":1}},"added_tokens":[{"id":2,"content":"c"}]}',
      'mergekit_config.yml': 'models:\n- model: a\n',
      LICENSE: 'MIT',
    };
    for (const [path, seed] of Object.entries(seeds)) {
      await expect(
        fc.assert(
          fc.asyncProperty(mutated(text(seed)), (bytes) => survives({ 'model.safetensors': weights, [path]: bytes })),
          { numRuns: 40 },
        ),
      ).resolves.toBeUndefined();
      await expect(
        fc.assert(
          fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => survives({ 'model.safetensors': weights, [path]: bytes })),
          { numRuns: 40 },
        ),
      ).resolves.toBeUndefined();
    }
  });

  test('any JSON value in the place of every configuration key', async () => {
    const keys = [
      'model_type',
      'num_attention_heads',
      'num_key_value_heads',
      'head_dim',
      'hidden_size',
      'text_config',
      'quantization_config',
      'multi_query',
      '_name_or_path',
      'base_model',
    ];
    const fused = safetensors({
      'model.layers.0.self_attn.qkv_proj.weight': counted([16, 4], 1),
      'model.layers.0.mlp.gate_up_proj.weight': counted([7, 4], 2),
      'model.layers.0.mlp.down_proj.weight': counted([4, 4], 3),
    });
    await expect(
      fc.assert(
        fc.asyncProperty(
          fc.dictionary(
            fc.constantFrom(...keys),
            fc.oneof(fc.jsonValue(), fc.integer(), fc.double(), fc.constantFrom(0, -1, 1e308, 2 ** 53)),
          ),
          (config) =>
            survives({
              'model.safetensors': fused,
              'config.json': text(JSON.stringify(config)),
              'adapter_config.json': text(JSON.stringify(config)),
            }),
        ),
        { numRuns: 120 },
      ),
    ).resolves.toBeUndefined();
  });

  test('mutated weights beside documents', async () => {
    await expect(
      fc.assert(
        fc.asyncProperty(mutated(weights), (bytes) => survives({ 'model.safetensors': bytes, 'README.md': CARD })),
        { numRuns: 100 },
      ),
    ).resolves.toBeUndefined();
    const real = readFileSync(corpusPath('lineage-corpus/a-lora/adapter_model.safetensors')).subarray(0, 6000);
    await expect(
      fc.assert(
        fc.asyncProperty(mutated(real), (bytes) => survives({ 'adapter_model.safetensors': bytes })),
        { numRuns: 60 },
      ),
    ).resolves.toBeUndefined();
  });

  test('any index over shards', async () => {
    const index = fc.oneof(
      fc.jsonValue(),
      fc.record({
        weight_map: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.constantFrom('../x', 'a.bin', '..', ''), fc.jsonValue())),
      }),
    );
    await expect(
      fc.assert(
        fc.asyncProperty(index, fc.constantFrom('model.safetensors.index.json', 'pytorch_model.bin.index.json'), (value, path) =>
          survives({ [path]: text(JSON.stringify(value)), 'a.bin': text('x'), 'README.md': CARD }),
        ),
        { numRuns: 100 },
      ),
    ).resolves.toBeUndefined();
  });
});

describe('texts made to be slow are read in time', () => {
  test.each([
    ['a million dashes', '-'.repeat(1_000_000)],
    ['many anchors', Array.from({ length: 29_000 }, (_, i) => `k${i}: &a${i} x`).join('\n')],
    ['more list entries than any card has', `a: [${'x,'.repeat(400_000)}]`],
    ['a long flow list', `a: [${'x, '.repeat(29_000)}]`],
    ['many keys', Array.from({ length: 29_000 }, (_, i) => `k${i}: ${i}`).join('\n')],
    ['many lists of one', Array.from({ length: 29_000 }, () => '- - a').join('\n')],
    ['deep flow without end', '[{'.repeat(200_000)],
    ['a long quoted text', `a: "${'\\u0041'.repeat(100_000)}"`],
    ['quotes never closed', `${"a: '".repeat(100_000)}`],
    ['spaces', ' '.repeat(1_000_000)],
    ['comments', '# x\n'.repeat(29_000)],
    ['growing indentation', Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['brackets that close nothing', '}'.repeat(400_000)],
    ['empty quotes', '"'.repeat(900_000)],
    ['question marks', '? '.repeat(300_000)],
  ])('%s', async (_, front) => {
    await expect(survives({ 'model.safetensors': weights, 'README.md': text(`---\n${front}\n---\n`) })).resolves.toBeUndefined();
    await expect(survives({ 'model.safetensors': weights, 'README.md': text(front) })).resolves.toBeUndefined();
  });
});
