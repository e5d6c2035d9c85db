import { describe, expect, test } from 'vitest';
import { type FileTree, HeirloomError, memoryTree, SourceError } from '../base/index.ts';
import { ModelError, readModel } from './index.ts';
import { counted, safetensors, text, treeOf } from './testing/tiny.ts';

const weights = { 'model.safetensors': safetensors({ 'conv.weight': counted([2, 2, 3, 3], 1) }) };
function folder(files: Record<string, string | Uint8Array>): FileTree {
  return memoryTree(
    'folder',
    Object.fromEntries(Object.entries(files).map(([path, content]) => [path, typeof content === 'string' ? text(content) : content])),
  );
}
async function card(content: string): Promise<Awaited<ReturnType<typeof readModel>>> {
  return readModel(folder({ ...weights, 'README.md': content }));
}

describe('the model card', () => {
  test('gives license, bases, relation, datasets, tags and title, each with its source', async () => {
    const model = await card(
      '---\r\nlicense: [mit, apache-2.0]\r\nlicense_name: mine\r\nlicense_link: LICENSE\r\nbase_model:\r\n- a/b\r\n- c/d\r\nbase_model_relation: merge\r\ndatasets: e/f\r\ntags: [x, y, x]\r\n---\r\n# Title of it\r\n\r\nProse.\r\n',
    );
    expect(model.claims).toEqual({
      licenses: [
        { value: 'mit', from: 'README.md: license' },
        { value: 'apache-2.0', from: 'README.md: license' },
      ],
      licenseName: { value: 'mine', from: 'README.md: license_name' },
      licenseLink: { value: 'LICENSE', from: 'README.md: license_link' },
      baseModels: [
        { value: 'a/b', from: 'README.md: base_model' },
        { value: 'c/d', from: 'README.md: base_model' },
      ],
      relation: { value: 'merge', from: 'README.md: base_model_relation' },
      datasets: [{ value: 'e/f', from: 'README.md: datasets' }],
      tags: ['x', 'y'],
      names: [{ value: 'Title of it', from: 'README.md: title' }],
    });
    expect(model.card?.body).toBe('# Title of it\r\n\r\nProse.\r\n');
    expect(model.findings).toEqual([]);
  });

  test('without front matter is all prose', async () => {
    const model = await card('# Only prose\n---\nnot: front matter\n---\n');
    expect(model.card?.data).toEqual({});
    expect(model.card?.body).toContain('not: front matter');
  });

  test.each([
    ['never closed', '---\nlicense: mit\n'],
    ['broken', '---\nlicense: [mit\n---\n'],
    ['a list', '---\n- mit\n---\n'],
    ['nested too deep', `---\na: ${'['.repeat(100)}${']'.repeat(100)}\n---\n`],
    ['nested too deep by dashes', `---\na:\n  ${'- '.repeat(100)}x\n---\n`],
    [
      'an alias bomb',
      `---\na0: &a0 [x,x,x,x,x,x,x,x,x]\n${[1, 2, 3, 4, 5, 6, 7].map((i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`).join('\n')}\n---\n`,
    ],
    ['an alias to itself', '---\na: &a [*a]\n---\n'],
  ])('whose front matter is %s is a finding, and its claims count as not said', async (_, content) => {
    const model = await card(content);
    expect(model.findings.map((finding) => finding.rule)).toContain('model/card-front-matter');
    expect(model.claims.licenses).toEqual([]);
  });

  test('with a custom tag is data all the same, and a finding', async () => {
    const model = await card('---\nlicense: !!python/object/apply:os.system [ls]\ntags: [a]\n---\n');
    expect(model.findings.map((finding) => finding.rule)).toContain('model/card-front-matter');
    expect(model.claims.tags).toEqual(['a']);
  });

  test('that says a key twice: the last counts, and a finding tells', async () => {
    const model = await card('---\nlicense: mit\nlicense: cc-by-nc-4.0\n---\n');
    expect(model.claims.licenses.map((claim) => claim.value)).toEqual(['cc-by-nc-4.0']);
    expect(model.findings).toMatchObject([{ rule: 'model/duplicate-key', where: { file: 'README.md', field: 'license' } }]);
  });

  test('that writes `no` without quotes keeps the text, and a note tells that other readers see false', async () => {
    const model = await card('---\nlanguage: no\n---\n');
    expect(model.card?.data).toEqual({ language: 'no' });
    expect(model.findings).toMatchObject([{ rule: 'model/card-yaml-version', severity: 'note' }]);
  });

  test('cannot reach the prototype of anything', async () => {
    const model = await card('---\n__proto__: {polluted: yes1}\nconstructor: x\n---\n');
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
    expect(Object.keys(model.card!.data)).toEqual(['__proto__', 'constructor']);
  });

  test('is looked for under its usual names, and an empty one gives way', async () => {
    expect((await readModel(folder({ ...weights, 'Readme.md': '\n', 'REPO_README.md': '# Repository' }))).card?.file).toBe(
      'REPO_README.md',
    );
    expect((await readModel(folder({ ...weights, 'readme.md': '# a', 'MODEL_CARD.md': '# b' }))).card?.file).toBe('readme.md');
  });
});

describe('license, notice and policy files', () => {
  test('are found in the root and one folder down, in any case, and decoded', async () => {
    const model = await readModel(
      folder({
        ...weights,
        LICENSE: 'one',
        'licence.TXT': 'two',
        COPYING: 'three',
        'LICENSES/MIT.txt': 'four',
        'REPO_LICENSE.md': 'five',
        'LICENSE-MODEL': Uint8Array.of(0xff, 0xfe, 0x36, 0),
        'Notice.md': 'n1',
        'THIRD_PARTY_NOTICES.txt': 'n2',
        'USE_POLICY.md': 'p1',
        'Acceptable-Use.txt': 'p2',
        'deep/er/LICENSE': 'no',
        'license.py': 'print()',
        'unlicensed_data.csv': 'x',
      }),
    );
    expect(model.licenseFiles.map((file) => [file.file, file.text])).toEqual([
      ['COPYING', 'three'],
      ['LICENSE', 'one'],
      ['LICENSE-MODEL', '6'],
      ['LICENSES/MIT.txt', 'four'],
      ['REPO_LICENSE.md', 'five'],
      ['licence.TXT', 'two'],
    ]);
    expect(model.noticeFiles.map((file) => file.text)).toEqual(['n1', 'n2']);
    expect(model.policyFiles.map((file) => file.text)).toEqual(['p2', 'p1']);
  });

  test('that are no text are a note; over 1 MiB only the start is read, and a note says so', async () => {
    const model = await readModel(folder({ ...weights, 'LICENSE.pdf': '%PDF-1.4', LICENSE: 'x'.repeat((1 << 20) + 9) }));
    expect(model.licenseFiles.map((file) => file.text.length)).toEqual([1 << 20]);
    expect(model.findings.map((finding) => finding.rule).sort()).toEqual(['model/license-not-text', 'model/text-cut']);
  });
});

test('documents that cannot be had are findings and do not hide the weights', async () => {
  const tree = folder({ ...weights, 'README.md': '# It', LICENSE: 'x', 'config.json': '{}' });
  const model = await readModel({
    ...tree,
    open: async (path) => {
      if (path !== 'model.safetensors') throw new SourceError('SOURCE_UNREADABLE', `${path} may not be read`);
      return tree.open(path);
    },
  });
  expect(model.parameters).toBe(36);
  expect(model.findings.map((finding) => finding.rule).sort()).toEqual([
    'model/config-unreadable',
    'model/text-unreadable',
    'model/text-unreadable',
  ]);
});

describe('configurations and metadata', () => {
  test('a broken configuration is a finding that names the file, the others still count', async () => {
    const model = await readModel(
      folder({ ...weights, 'config.json': '{"model_type": "llama"', 'generation_config.json': '{"a": 1}', 'adapter_config.json': '[1]' }),
    );
    expect([...model.configs.keys()]).toEqual(['generation_config.json']);
    expect(model.findings.map((finding) => [finding.rule, finding.where.file])).toEqual([
      ['model/config-unreadable', 'adapter_config.json'],
      ['model/config-unreadable', 'config.json'],
    ]);
  });

  test('claims come from configurations, adapter configurations, merges and the header of the weights', async () => {
    const model = await readModel(
      folder({
        'model.safetensors': safetensors(
          { w: counted([2, 2], 1) },
          { 'modelspec.license': 'CreativeML Open RAIL', ss_sd_model_name: 'sd15', 'modelspec.title': 'T' },
        ),
        'config.json': '{"_name_or_path": "x/y"}',
        'adapter_config.json': '{"base_model_name_or_path": "p/q"}',
        'mergekit_config.yml': 'merge_method: slerp\nslices:\n- sources:\n  - model: m/1\n  - model: m/2\n',
      }),
    );
    expect(model.claims.baseModels).toEqual([
      { value: 'p/q', from: 'adapter_config.json: base_model_name_or_path' },
      { value: 'm/1', from: 'mergekit_config.yml: models' },
      { value: 'm/2', from: 'mergekit_config.yml: models' },
      { value: 'sd15', from: 'model.safetensors: ss_sd_model_name' },
    ]);
    expect(model.claims.relation).toEqual({ value: 'merge', from: 'mergekit_config.yml: merge_method' });
    expect(model.claims.licenses).toEqual([{ value: 'CreativeML Open RAIL', from: 'model.safetensors: modelspec.license' }]);
    expect(model.claims.names.map((claim) => claim.value)).toEqual(['x/y', 'T']);
  });
});

describe('which file is the model', () => {
  const one = safetensors({ 'a.weight': counted([2, 2], 1) });
  const two = safetensors({ 'b.weight': counted([3, 3], 2) });
  const index = JSON.stringify({
    weight_map: { 'a.weight': 'model-00001-of-00002.safetensors', 'b.weight': 'model-00002-of-00002.safetensors' },
  });

  test('the usual name before others, the root before folders; the rest are alternates', async () => {
    const model = await readModel(
      folder({
        'model.safetensors': one,
        'other.safetensors': two,
        'sub/big.safetensors': two,
        'model.gguf': 'GGUF',
        'training_args.bin': 'x',
      }),
    );
    expect(model.checkpoint?.files).toEqual(['model.safetensors']);
    expect(model.alternates).toEqual(['other.safetensors', 'model.gguf', 'sub/big.safetensors']);
    expect(model.findings).toMatchObject([
      {
        rule: 'model/other-weights',
        severity: 'note',
        what: 'only model.safetensors was judged; weights stand in other.safetensors, model.gguf, sub/big.safetensors as well',
      },
    ]);
  });

  test('among equals the largest', async () => {
    expect((await readModel(folder({ 'x.safetensors': one, 'y.safetensors': two }))).checkpoint?.files).toEqual(['y.safetensors']);
  });

  test('shards are one model, with an index and without', async () => {
    const shards = { 'model-00001-of-00002.safetensors': one, 'model-00002-of-00002.safetensors': two };
    const indexed = await readModel(folder({ ...shards, 'model.safetensors.index.json': index }));
    expect([indexed.parameters, indexed.alternates]).toEqual([13, []]);
    const loose = await readModel(folder(shards));
    expect([loose.parameters, loose.alternates, loose.findings]).toEqual([13, [], []]);
    expect([...(await loose.checkpoint!.readRows(loose.checkpoint!.tensors[1]!, 2, 1))]).toEqual([8198, 8199, 8200].map((value) => value));
  });

  test('a missing shard, a truncated file, a saved web page: the next candidate is read and a finding tells', async () => {
    const model = await readModel(
      folder({ 'model.safetensors': one.slice(0, -3), 'model-00001-of-00003.safetensors': one, 'other.safetensors': two }),
    );
    expect(model.checkpoint?.files).toEqual(['other.safetensors']);
    expect(model.findings).toMatchObject([
      { rule: 'model/checkpoint-unreadable', severity: 'error', where: { file: 'model.safetensors' } },
      { rule: 'model/other-weights', where: { file: 'model-00001-of-00003.safetensors' } },
    ]);
  });

  test('nothing readable: a model without weights when documents stand there, the error when not', async () => {
    const model = await readModel(folder({ 'model.safetensors': '<html>', 'README.md': '# It' }));
    expect(model.checkpoint).toBeNull();
    expect(model.findings[0]?.rule).toBe('model/checkpoint-unreadable');
    await expect(readModel(folder({ 'model.safetensors': '<html>', 'x.csv': 'y' }))).rejects.toMatchObject({ code: 'WEIGHTS_NOT_A_MODEL' });
  });

  test('documents alone are a model without weights; nothing at all is an error', async () => {
    const model = await readModel(folder({ 'README.md': '# It' }));
    expect([model.checkpoint, model.findings.map((finding) => finding.rule), model.parameters]).toEqual([null, ['model/no-weights'], 0]);
    await expect(readModel(folder({ 'a.csv': 'b', 'c.csv': 'd' }))).rejects.toBeInstanceOf(ModelError);
    await expect(readModel(folder({}))).rejects.toMatchObject({ code: 'MODEL_EMPTY' });
  });

  test('a single file is a model without documents, whatever it is called', async () => {
    const model = await readModel(memoryTree('weights.dat', { 'weights.dat': one }));
    expect([model.parameters, model.card, model.alternates]).toEqual([4, null, []]);
    await expect(readModel(memoryTree('x', { x: text('nothing') }))).rejects.toBeInstanceOf(HeirloomError);
  });

  test('bytes of another format than the name promises are a finding', async () => {
    const model = await readModel(folder({ 'model.gguf': one, 'config.json': '{}' }));
    expect(model.findings.map((finding) => finding.rule)).toEqual(['model/format-mismatch']);
  });
});

describe('tokens', () => {
  const tokensOf = async (files: Record<string, string>): Promise<readonly string[] | null> =>
    (await readModel(folder({ ...weights, ...files }))).tokens();

  test('come from tokenizer.json, vocab.json or vocab.txt', async () => {
    expect(
      await tokensOf({ 'tokenizer.json': '{"model": {"vocab": {"a": 1, "b": 0}}, "added_tokens": [{"id": 3, "content": "<s>"}]}' }),
    ).toEqual(['b', 'a', '', '<s>']);
    expect(await tokensOf({ 'tokenizer.json': '{"model": {"vocab": [["x", -1.5], ["y", 0]]}}' })).toEqual(['x', 'y']);
    expect(await tokensOf({ 'vocab.json': '{"a": 0}', 'added_tokens.json': '{"z": 2}' })).toEqual(['a', '', 'z']);
    expect(await tokensOf({ 'vocab.txt': 'a\r\nb\r\n' })).toEqual(['a', 'b']);
    expect(await tokensOf({})).toBeNull();
  });

  test('a broken or hostile tokenizer is none: ids out of bounds are ignored', async () => {
    expect(await tokensOf({ 'tokenizer.json': '{"model": {"vocab": {"a": 1e12, "b": -1, "c": 0.5, "d": "0", "e": 4194304}}}' })).toBeNull();
    expect(await tokensOf({ 'tokenizer.json': '{"model"', 'vocab.txt': 'a' })).toEqual(['a']);
  });
});

test('buffers, counters and shared storages are not counted as parameters', async () => {
  const model = await readModel(
    treeOf({
      'bn.weight': counted([4], 1),
      'bn.bias': counted([4], 2),
      'bn.running_mean': counted([4], 3),
      'bn.running_var': counted([4], 4),
      'bn.num_batches_tracked': counted([], 5),
      'h.attn.bias': counted([1, 1, 3, 3], 6),
      'rotary_emb.inv_freq': counted([8], 7),
      'embeddings.position_ids': counted([1, 9], 8),
      'optimizer.state.0.exp_avg': counted([4], 9),
      'conv.weight': counted([2, 1, 3, 3], 10),
    }),
  );
  expect(model.parameters).toBe(4 + 4 + 18);
  const roles = Object.fromEntries(model.roles.map((role) => [role.slot, role.role]));
  expect(roles).toMatchObject({
    'bn.weight': 'norm',
    'bn.bias': 'bias',
    'bn.running_mean': 'buffer',
    'h.attn.bias': 'buffer',
    'conv.weight': 'conv',
    'optimizer.state.0.exp_avg': 'buffer',
  });
});

test('wrappers of training code do not change the slots', async () => {
  const plain = { 'layer1.0.conv1.weight': counted([2, 2, 3, 3], 1), 'fc.weight': counted([4, 2], 2), 'fc.bias': counted([4], 3) };
  for (const lead of ['module.', 'state_dict.module.', 'model.', 'module._orig_mod.', 'ema.']) {
    const model = await readModel(treeOf(Object.fromEntries(Object.entries(plain).map(([name, m]) => [lead + name, m]))));
    expect(model.roles.map((role) => [role.slot, role.role])).toEqual([
      ['layer1.0.conv1.weight', 'conv'],
      ['fc.weight', 'linear'],
      ['fc.bias', 'bias'],
    ]);
  }
  const both = await readModel(treeOf({ 'model.fc.weight': counted([4, 2], 1), 'ema.fc.weight': counted([4, 2], 2) }));
  expect(both.roles.map((role) => role.slot)).toEqual(['model.fc.weight', 'ema.fc.weight']);
});
