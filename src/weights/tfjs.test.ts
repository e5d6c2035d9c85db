import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JsonValue, memoryTree } from '../base/index.ts';
import { kerasOutputFirst } from './keras-orientation.ts';
import { openCheckpoint } from './open.ts';
import { mutations, survives } from './testing/hostile.ts';
import { floats } from './testing/proto-writer.ts';
import { allRows } from './testing/shared-files.ts';
import { openTfjs } from './tfjs.ts';
import type { Checkpoint } from './types.ts';

const weight = (name: string, shape: number[], more: Record<string, JsonValue> = {}): JsonValue => ({
  name,
  shape,
  dtype: 'float32',
  ...more,
});
const json = (weights: JsonValue[], paths: JsonValue[] = ['a.bin', 'b.bin'], format = 'layers-model'): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ format, generatedBy: 'keras v2', modelTopology: {}, weightsManifest: [{ paths, weights }] }));
const shards = { 'm/a.bin': new Uint8Array(floats(1, 2, 3)), 'm/b.bin': new Uint8Array(floats(4, 5)), 'x.bin': new Uint8Array(64) };
const open = (model: Uint8Array, files: Record<string, Uint8Array> = shards): Promise<Checkpoint> =>
  openCheckpoint(memoryTree('m', { 'm/model.json': model, ...files }), 'm/model.json');

describe('a TensorFlow.js model', () => {
  test('is read across its shards', async () => {
    const checkpoint = await open(json([weight('dense/kernel', [2, 2]), weight('dense/bias', [1])]));
    expect(checkpoint.format).toBe('tfjs');
    expect(checkpoint.tensors.map((t) => [t.name, t.shape, t.offset, t.outputFirst])).toEqual([
      ['dense/kernel', [2, 2], -1, [1, 0]],
      ['dense/bias', [1], 4, undefined],
    ]);
    expect([...(await allRows(checkpoint, checkpoint.tensors[0]!))]).toEqual([1, 2, 3, 4]);
    expect([...(await checkpoint.readRows(checkpoint.tensors[0]!, 1, 1))]).toEqual([3, 4]);
    expect([...(await allRows(checkpoint, checkpoint.tensors[1]!))]).toEqual([5]);
  });
  test('quantized to bytes gives the numbers the bytes stand for', async () => {
    const quantization = { dtype: 'uint8', scale: 0.5, min: -1, original_dtype: 'float32' };
    const checkpoint = await open(json([weight('w', [4], { quantization })], ['q.bin']), { 'm/q.bin': new Uint8Array([0, 1, 2, 255]) });
    expect([...(await allRows(checkpoint, checkpoint.tensors[0]!))]).toEqual([-1, -0.5, 0, 126.5]);
  });
  test('with bytes that belong to no tensor is read with a warning', async () => {
    expect((await open(json([weight('w', [2])]))).findings.map((finding) => finding.rule)).toEqual(['weights/unclaimed-bytes']);
  });
  test.each<[string, Uint8Array, string]>([
    ['whose shards stand outside its folder', json([weight('w', [5])], ['../x.bin']), 'WEIGHTS_PATH'],
    ['whose shards are a URL', json([weight('w', [5])], ['http://host/x.bin']), 'WEIGHTS_PATH'],
    ['whose shard path is a number', json([weight('w', [5])], [7]), 'WEIGHTS_PATH'],
    ['that names one shard twice', json([weight('w', [6])], ['a.bin', 'a.bin']), 'WEIGHTS_DUPLICATE'],
    ['with a shard that is not there', json([weight('w', [5])], ['a.bin', 'c.bin']), 'WEIGHTS_MISSING_FILE'],
    ['with too few bytes', json([weight('w', [6])]), 'WEIGHTS_TRUNCATED'],
    ['with a weight twice', json([weight('w', [1]), weight('w', [1])]), 'WEIGHTS_DUPLICATE'],
    ['with a negative axis', json([weight('w', [-1])]), 'WEIGHTS_SHAPE'],
    ['with an unknown dtype', json([weight('w', [1], { dtype: 'toString' })]), 'WEIGHTS_HEADER'],
    ['quantized without a scale', json([weight('w', [1], { quantization: { dtype: 'uint8' } })]), 'WEIGHTS_HEADER'],
  ])('%s is refused', async (_, model, code) => {
    await expect(open(model)).rejects.toMatchObject({ code });
  });
  test('changed at random never crashes the reader', async () => {
    const codes = new Set<string>();
    const model = json([weight('w', [1, 2], { quantization: { dtype: 'uint8', scale: 1, min: 0 } })], []);
    await fc.assert(
      fc.asyncProperty(mutations(model), async (bytes) => void codes.add(await survives(openTfjs, 'model.json', bytes))),
      // Most damage is no JSON any more: of 300 inputs, all were in one run of two hundred.
      { numRuns: 2000 },
    );
    expect(codes.size).toBeGreaterThan(1);
  });
});

describe('the output axis of a Keras weight', () => {
  test.each<[string, number, readonly number[] | undefined]>([
    ['dense/kernel:0', 2, [1, 0]],
    ['conv2d_1/kernel', 4, [3, 2, 0, 1]],
    ['block_1/depthwise_kernel', 4, [2, 3, 0, 1]],
    ['conv2d_transpose/kernel', 4, [2, 3, 0, 1]],
    ['layers/conv2d/vars/0', 4, [3, 2, 0, 1]],
    ['layers/depthwise_conv2d/vars/0', 4, [2, 3, 0, 1]],
    ['layers/dense_3/vars/0', 2, [1, 0]],
    ['layers/multi_head_attention/query_dense/vars/0', 3, [1, 2, 0]],
    ['multi_head_attention/attention_output/kernel:0', 3, [2, 0, 1]],
    ['layers/einsum_dense/vars/0', 3, undefined],
    ['layers/conv1d/vars/0', 3, [2, 1, 0]],
    ['layers/embedding/vars/0', 2, undefined],
    ['embedding/embeddings:0', 2, undefined],
    ['dense/bias:0', 1, undefined],
  ])('of %s with %i axes', (path, rank, order) => {
    expect(kerasOutputFirst(path, rank)).toEqual(order);
  });
});
