import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { openCaffe } from './caffe.ts';
import { openCheckpoint } from './open.ts';
import { mutations, survives } from './testing/hostile.ts';
import { doubles, floats, int, len } from './testing/proto-writer.ts';
import { allRows, digestValues, sharedBytes, sharedTree } from './testing/shared-files.ts';
import { openTfGraphDef } from './tf-graphdef.ts';
import type { Checkpoint, TensorInfo } from './types.ts';

type Digests = { files: Record<string, [string, number, number[], string][]> };
const expected = JSON.parse(readFileSync(new URL('testing/proto-digests.json', import.meta.url), 'utf8')) as Digests;

async function openShared(path: string): Promise<Checkpoint> {
  const folder = path.slice(0, path.lastIndexOf('/'));
  return openCheckpoint(sharedTree(folder), path.slice(folder.length + 1));
}
const values = async (checkpoint: Checkpoint, name: string): Promise<number[]> => [
  ...(await allRows(
    checkpoint,
    checkpoint.tensors.find((t) => t.name === name)!,
  )),
];

describe('Caffe and TensorFlow values', () => {
  test.each(Object.keys(expected.files))('of %s are those a separate parser reads', async (path) => {
    const checkpoint = await openShared(path);
    const got = [];
    for (const tensor of checkpoint.tensors) got.push([tensor.shape, digestValues(await allRows(checkpoint, tensor))]);
    expect(got).toEqual(expected.files[path]!.map(([, , shape, digest]) => [shape, digest]));
    expect(checkpoint.findings).toEqual([]);
  });

  // One network published three times: trained in Caffe, converted to TensorFlow by others. Filters are compared output by output,
  // each with its values sorted, because the conversion turned the kernels.
  test.each([
    ['det1', 'pnet', 13, []],
    ['det2', 'rnet', 16, ['conv5-3']],
    ['det3', 'onet', 21, []],
  ])('of MTCNN %s are the same in Caffe and in the frozen %s, filter by filter', async (caffe, tf, count, absent) => {
    const a = await openShared(`real-models/TropComplique__mtcnn-pytorch__caffe_models-${caffe}/${caffe}.caffemodel`);
    const b = await openShared(`real-models/davidsandberg__facenet__model-ntcnn-${tf}/${tf}.pb`);
    const names: Record<string, string> = { weights: 'weight', biases: 'bias', alpha: 'weight' };
    const filters = new Map<string, string[]>();
    for (const tensor of b.tensors) {
      if (tensor.constant) continue;
      const [, layer, kind] = tensor.name.split('/') as [string, string, string];
      filters.set(`${layer}.${names[kind]}`, outputs(tensor, await allRows(b, tensor)));
    }
    let equal = 0;
    for (const tensor of a.tensors) {
      if (absent.some((layer) => tensor.name.startsWith(`${layer}.`))) continue;
      if (filters.get(tensor.name)?.join() === outputs(tensor, await allRows(a, tensor)).join()) equal++;
    }
    expect(equal).toBe(count);
  });
});

test.each([
  [
    'P-Net',
    [
      'TropComplique__mtcnn-pytorch__caffe_models-det1/det1.caffemodel',
      'davidsandberg__facenet__model-ntcnn-pnet/pnet.pb',
      'davidsandberg__facenet__src-align-det1/det1.npy',
      'TropComplique__mtcnn-pytorch__src-weights-pnet/pnet.npy',
    ],
  ],
  [
    'R-Net',
    [
      'davidsandberg__facenet__model-ntcnn-rnet/rnet.pb',
      'davidsandberg__facenet__src-align-det2/det2.npy',
      'TropComplique__mtcnn-pytorch__src-weights-rnet/rnet.npy',
    ],
  ],
  ['O-Net', ['davidsandberg__facenet__model-ntcnn-onet/onet.pb', 'TropComplique__mtcnn-pytorch__src-weights-onet/onet.npy']],
])('MTCNN %s holds the same values in every format it was published in', async (_, paths) => {
  const published = [];
  for (const path of paths) {
    const checkpoint = await openShared(`real-models/${path}`);
    const digests = [];
    for (const tensor of checkpoint.tensors)
      if (!tensor.constant) digests.push(digestValues((await allRows(checkpoint, tensor)).slice().sort()));
    published.push(digests.sort());
  }
  for (const digests of published) expect(digests).toEqual(published[0]);
  expect(published[0]!.length).toBeGreaterThan(12);
});

/** One digest per output: its values, sorted. */
function outputs(tensor: TensorInfo, all: Float32Array): string[] {
  const order = tensor.outputFirst ?? tensor.shape.map((_, i) => i);
  const axis = order[0]!;
  const stride = tensor.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const groups = Array.from({ length: tensor.shape[axis]! }, () => [] as number[]);
  for (let i = 0; i < all.length; i++) groups[Math.floor(i / stride) % tensor.shape[axis]!]!.push(all[i]!);
  return groups.map((group) => digestValues(Float32Array.from(group).sort()));
}

describe('a Caffe file', () => {
  const layer = (name: string, type: string, ...blobs: number[][]): number[] =>
    len(100, len(1, name), len(2, type), ...blobs.map((blob) => len(7, blob)));
  const v1 = (name: string, type: number, ...blobs: number[][]): number[] =>
    len(2, len(4, name), int(5, type), ...blobs.map((blob) => len(6, blob)));
  const shape = (...dims: number[]): number[] => len(7, len(1, dims));
  const legacy = (...dims: number[]): number[] => dims.flatMap((dim, i) => int(i + 1, dim));
  const open = (...fields: number[][]): Promise<Checkpoint> =>
    openCaffe(memoryTree('m', { 'a.caffemodel': new Uint8Array([...len(1, 'net'), ...fields.flat()]) }), 'a.caffemodel');

  test('of V1 layers has its padded shapes undone', async () => {
    const checkpoint = await open(
      v1('fc', 14, [...legacy(1, 1, 2, 3), ...len(5, floats(1, 2, 3, 4, 5, 6))], [...legacy(1, 1, 1, 2), ...len(5, floats(7, 8))]),
      v1('conv', 4, [...legacy(1, 1, 1, 2), ...len(5, floats(1, 2))]),
    );
    expect(checkpoint.tensors.map((t) => [t.name, t.shape])).toEqual([
      ['fc.weight', [2, 3]],
      ['fc.bias', [2]],
      ['conv.weight', [1, 1, 1, 2]],
    ]);
    expect(checkpoint.formatVersion).toBe('Caffe, V1 layers');
  });
  test('may hold doubles, and Deconvolution stores inputs first', async () => {
    const checkpoint = await open(layer('up', 'Deconvolution', [...shape(2, 1, 1, 1), ...len(8, doubles(0.5, 2))]));
    expect(checkpoint.tensors[0]).toMatchObject({ name: 'up.weight', dtype: 'F64', outputFirst: [1, 0, 2, 3] });
    expect(await values(checkpoint, 'up.weight')).toEqual([0.5, 2]);
  });
  test('whose blob does not fill its shape is refused', async () => {
    await expect(open(layer('c', 'Convolution', [...shape(3), ...len(5, floats(1, 2))]))).rejects.toMatchObject({ code: 'WEIGHTS_HEADER' });
  });
  test('with a layer twice is refused', async () => {
    const twice = layer('c', 'Scale', [...shape(1), ...len(5, floats(1))]);
    await expect(open(twice, twice)).rejects.toMatchObject({ code: 'WEIGHTS_DUPLICATE' });
  });
  test('of the 2013 form is refused by name', async () => {
    await expect(open(len(2, len(1, len(1, 'conv'))))).rejects.toMatchObject({ code: 'WEIGHTS_NOT_READ_YET' });
  });
  test('changed at random never crashes the reader', async () => {
    const real = sharedBytes('real-models/TropComplique__mtcnn-pytorch__caffe_models-det1/det1.caffemodel');
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(mutations(real), async (bytes) => void codes.add(await survives(openCaffe, 'a.caffemodel', bytes))),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        async (tail) => void (await survives(openCaffe, 'a', new Uint8Array(len(100, tail)))),
      ),
      { numRuns: 200 },
    );
    expect(codes.size).toBeGreaterThan(1);
  });
});

describe('a frozen TensorFlow graph', () => {
  const dims = (...sizes: number[]): number[] => len(2, ...sizes.map((size) => len(2, int(1, size))));
  const attr = (key: string, value: number[]): number[] => len(5, len(1, key), len(2, value));
  const constant = (name: string, ...tensor: number[][]): number[] =>
    len(1, len(1, name), len(2, 'Const'), attr('value', len(8, ...tensor)));
  const node = (name: string, op: string, inputs: string[], ...attrs: number[][]): number[] =>
    len(1, len(1, name), len(2, op), ...inputs.map((input) => len(3, input)), ...attrs);
  const open = (...fields: number[][]): Promise<Checkpoint> =>
    openTfGraphDef(memoryTree('m', { 'a.pb': new Uint8Array(fields.flat()) }), 'a.pb');

  test('repeats the last value of a short list, and zero for an empty one', async () => {
    const checkpoint = await open(
      constant('one', int(1, 1), dims(4), len(5, floats(1, 2))),
      constant('zero', int(1, 1), dims(2)),
      constant('half', int(1, 19), dims(3), len(13, [0x80, 0x78])),
      constant('ints', int(1, 3), dims(2), int(7, -1), int(7, 5)),
    );
    expect(await values(checkpoint, 'one')).toEqual([1, 2, 2, 2]);
    expect(await values(checkpoint, 'zero')).toEqual([0, 0]);
    expect(await values(checkpoint, 'half')).toEqual([1, 1, 1]);
    expect(await values(checkpoint, 'ints')).toEqual([-1, 5]);
    expect(checkpoint.tensors.map((t) => t.constant ?? false)).toEqual([false, false, false, true]);
  });
  test('does not turn one value into gigabytes', async () => {
    const checkpoint = await open(constant('huge', int(1, 1), dims(1 << 27), len(5, floats(1))));
    await expect(checkpoint.readRows(checkpoint.tensors[0]!, 0, 1 << 27)).rejects.toMatchObject({ code: 'WEIGHTS_LIMIT' });
    expect(await checkpoint.readRows(checkpoint.tensors[0]!, (1 << 27) - 2, 2)).toEqual(new Float32Array([1, 1]));
  });
  test('says where the outputs of a matrix are, whether it is used before or after it is listed', async () => {
    const w = constant('w', int(1, 1), dims(2, 1), len(4, floats(1, 2)));
    expect((await open(node('y', 'MatMul', ['x', 'r']), w, node('r', 'Identity', ['w:0']))).tensors[0]!.outputFirst).toEqual([1, 0]);
    expect((await open(w, node('y', 'MatMul', ['x', 'w'], attr('transpose_b', int(5, 1))))).tensors[0]!.outputFirst).toBeUndefined();
  });
  test('with more values than its shape asks for, or too few bytes, is refused', async () => {
    await expect(open(constant('w', int(1, 1), dims(1), len(5, floats(1, 2))))).rejects.toMatchObject({ code: 'WEIGHTS_HEADER' });
    await expect(open(constant('w', int(1, 1), dims(2), len(4, floats(1))))).rejects.toMatchObject({ code: 'WEIGHTS_HEADER' });
  });
  test('with a node twice is refused', async () => {
    await expect(open(node('a', 'NoOp', []), node('a', 'NoOp', []))).rejects.toMatchObject({ code: 'WEIGHTS_DUPLICATE' });
  });
  test('inside a SavedModel is refused by name', async () => {
    const saved = new Uint8Array([...int(1, 1), ...len(2, len(1, int(4, 1)))]);
    await expect(openCheckpoint(memoryTree('m', { 'saved_model.pb': saved }), 'saved_model.pb')).rejects.toMatchObject({
      code: 'WEIGHTS_NOT_READ_YET',
    });
  });
  test('changed at random never crashes the reader', async () => {
    const real = sharedBytes('real-models/davidsandberg__facenet__model-ntcnn-pnet/pnet.pb');
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(mutations(real), async (bytes) => void codes.add(await survives(openTfGraphDef, 'a.pb', bytes))),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        async (tail) => void (await survives(openTfGraphDef, 'a', new Uint8Array(len(1, tail)))),
      ),
      { numRuns: 200 },
    );
    expect(codes.size).toBeGreaterThan(1);
  });
});

test('a TFLite file is refused by name', async () => {
  const bytes = new Uint8Array(64);
  bytes.set(new TextEncoder().encode('TFL3'), 4);
  await expect(openCheckpoint(memoryTree('m', { 'm.tflite': bytes }), 'm.tflite')).rejects.toMatchObject({ code: 'WEIGHTS_NOT_READ_YET' });
});

describe('the format of a bare protobuf', () => {
  const onnx = sharedBytes('safety-corpus/onnx/backend_test_Conv1d_groups_model.onnx');
  const caffe = sharedBytes('real-models/TropComplique__mtcnn-pytorch__caffe_models-det1/det1.caffemodel');
  const tf = sharedBytes('real-models/davidsandberg__facenet__model-ntcnn-pnet/pnet.pb');
  test.each([
    ['ONNX', 'x.pb', onnx, 'onnx'],
    ['ONNX', 'x.caffemodel', onnx, 'onnx'],
    ['ONNX', 'x', onnx, 'onnx'],
    ['Caffe', 'x.onnx', caffe, 'caffe'],
    ['Caffe', 'x.bin', caffe, 'caffe'],
    ['TensorFlow', 'x.onnx', tf, 'tf-graphdef'],
    ['TensorFlow', 'x.caffemodel', tf, 'tf-graphdef'],
  ])('is told by its content: %s named %s', async (_, name, bytes, format) => {
    expect((await openCheckpoint(memoryTree('m', { [name]: bytes }), name)).format).toBe(format);
  });
  test.each([
    ['a web page', '<!DOCTYPE html><html><body>Not found</body></html>'],
    ['an error message', 'Not Found'],
    ['JSON', '{"error": "Repository not found"}'],
    ['prose', '# A model\n\nThis is the card of a model.\n'],
    ['zeros', '\0'.repeat(100)],
  ])('is not claimed for %s saved as .onnx, .pb or .caffemodel', async (_, text) => {
    for (const name of ['x.onnx', 'x.pb', 'x.caffemodel'])
      await expect(openCheckpoint(memoryTree('m', { [name]: new TextEncoder().encode(text) }), name)).rejects.toMatchObject({
        code: 'WEIGHTS_NOT_A_MODEL',
      });
  });
});
