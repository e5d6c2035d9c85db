import { describe, expect, test } from 'vitest';
import { type FileTree, memoryTree } from '../base/index.ts';
import { dictPickle, floats, ggufText, latin1, writeGguf, zipBytes } from '../weights/testing/index.ts';
import { readModel, readRoleRows } from './index.ts';
import { counted, safetensors, text } from './testing/tiny.ts';

/** A PyTorch file with one matrix. */
function torchPart(name: string, ...values: number[]): Uint8Array {
  const tensor = { name, key: '0', numel: values.length, shape: [2, values.length / 2], stride: [values.length / 2, 1] };
  return zipBytes([
    { name: 'archive/data.pkl', data: latin1(dictPickle([tensor])) },
    { name: 'archive/data/0', data: floats(...values) },
  ]);
}
const UP = 'model.layers.0.mlp.up_proj.weight';
const DOWN = 'model.layers.0.mlp.down_proj.weight';
const parts = {
  'pytorch_model-00001-of-00002.bin': torchPart(UP, 1, 2, 3, 4),
  'pytorch_model-00002-of-00002.bin': torchPart(DOWN, 5, 6, 7, 8),
};
const index = { weight_map: { [UP]: 'pytorch_model-00001-of-00002.bin', [DOWN]: 'pytorch_model-00002-of-00002.bin' } };
const folder = (files: Record<string, Uint8Array>): FileTree => ({ ...memoryTree('set', files), kind: 'folder' });
const indexed = (value: unknown, files: Record<string, Uint8Array> = parts): FileTree =>
  folder({ ...files, 'pytorch_model.bin.index.json': text(JSON.stringify(value)) });

describe('a PyTorch model in two parts', () => {
  test.each([
    ['with its index', indexed(index)],
    ['without an index', folder(parts)],
  ])('%s is one model', async (_, tree) => {
    const model = await readModel(tree);
    expect(model.checkpoint!.formatVersion).toMatch(/, 2 parts$/);
    expect(model.checkpoint!.tensors.map((tensor) => tensor.name)).toEqual([UP, DOWN]);
    expect(model.alternates).toEqual([]);
    expect(model.findings).toEqual([]);
    const values = await Promise.all(model.roles.map(async (role) => [...(await readRoleRows(model.checkpoint!, role, 0, 2))]));
    expect(values).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
  });

  const [[first, one]] = Object.entries(parts) as [[string, Uint8Array]];
  test.each<[string, FileTree, string]>([
    ['whose second part is missing', indexed(index, { [first]: one }), 'is not there'],
    ['whose parts hold one tensor twice', indexed(index, { ...parts, 'pytorch_model-00002-of-00002.bin': one }), 'stands in two parts'],
    ['whose index climbs out', indexed({ weight_map: { a: '../x.bin' } }), 'outside its folder'],
    ['whose index has no map', indexed({}), 'no "weight_map"'],
    ['whose index is empty', indexed({ weight_map: {} }), 'lists no tensors'],
  ])('%s is refused, and why is told', async (_, tree, what) => {
    const refusal = await readModel(tree).then(
      (model) => model.findings.map((finding) => finding.what).join(),
      (error: Error) => error.message,
    );
    expect(refusal).toContain(what);
  });
});

describe('a single file of a set', () => {
  const shard = safetensors({ [UP]: counted([4, 4], 1) });

  test('is read, and said to be one part of several', async () => {
    const model = await readModel({ ...memoryTree('m', { 'model-00002-of-00003.safetensors': shard }), kind: 'file' });
    expect(model.checkpoint!.tensors).toHaveLength(1);
    expect(model.findings).toMatchObject([{ rule: 'model/one-part', what: expect.stringContaining('part 2 of 3') }]);
  });

  test.each(['model.safetensors', 'model-00001-of-00001.safetensors'])('%s is whole', async (name) => {
    expect((await readModel({ ...memoryTree('m', { [name]: shard }), kind: 'file' })).findings).toEqual([]);
  });

  test.each(['model.safetensors.index.json', 'pytorch_model.bin.index.json'])('%s alone asks for its folder', async (name) => {
    await expect(readModel({ ...memoryTree('m', { [name]: text(JSON.stringify(index)) }), kind: 'file' })).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING_FILE',
      hint: expect.stringContaining('folder'),
    });
  });
});

describe('gains that llama.cpp stores plus one', () => {
  const gguf = (architecture: string, name: string): FileTree =>
    memoryTree('m', {
      'm.gguf': writeGguf({
        keys: [['general.architecture', ggufText(architecture)]],
        tensors: [
          { name, dims: [2], type: 0, offset: 0 },
          { name: 'blk.0.ffn_up.weight', dims: [2, 2], type: 0, offset: 32 },
          { name: 'blk.0.attn_q.weight', dims: [2, 2], type: 0, offset: 64 },
        ],
        data: floats(1.25, 0.5, ...Array.from({ length: 18 }, () => 0)),
      }),
    });
  const gains = async (tree: FileTree): Promise<number[]> => {
    const model = await readModel(tree);
    expect(model.scheme).toBe('gguf');
    return [
      ...(await readRoleRows(
        model.checkpoint!,
        model.roles.find((role) => /norm/.test(role.tensor.name))!,
        0,
        2,
      )),
    ];
  };

  test.each(['gemma', 'gemma2', 'gemma3', 'qwen3next'])('%s: read as published', async (architecture) => {
    expect(await gains(gguf(architecture, 'blk.0.attn_norm.weight'))).toEqual([0.25, -0.5]);
  });
  test.each([
    ['llama', 'blk.0.attn_norm.weight'],
    ['gemma3n', 'blk.0.attn_norm.weight'],
    ['qwen3next', 'blk.0.ssm_norm.weight'],
    ['gemma', 'blk.0.attn_norm.bias'],
  ])('%s: %s is left as it is', async (architecture, name) => {
    expect(await gains(gguf(architecture, name))).toEqual([1.25, 0.5]);
  });
});
