import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileTree, memoryTree } from '../base/index.ts';
import { openCheckpoint } from './open.ts';
import { openSafetensors } from './safetensors.ts';
import { mutations, survives } from './testing/hostile.ts';
import { safetensorsFile, safetensorsHeader } from './testing/safetensors-writer.ts';
import { allRows, sharedBytes } from './testing/shared-files.ts';
import { sparseTree } from './testing/sparse.ts';

const four = new Uint8Array(Float32Array.of(1, -2, 0.5, 1e-40).buffer);
const tensor = (shape: readonly unknown[], begin: unknown, end: unknown, dtype: unknown = 'F32'): unknown => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const one = (bytes: Uint8Array): FileTree => memoryTree('m', { 'm.safetensors': bytes });
const open = (header: unknown, data?: Uint8Array): ReturnType<typeof openSafetensors> =>
  openSafetensors(one(safetensorsFile(header, data)), 'm.safetensors');

describe('a safetensors file', () => {
  test('of half bytes has two values to each', async () => {
    const checkpoint = await open({ a: tensor([2, 2], 0, 2, 'F4') }, Uint8Array.of(0x21, 0xf7));
    expect([...(await checkpoint.readRows(checkpoint.tensors[0]!, 0, 2))]).toEqual([0.5, 1, 6, -6]);
  });
  test('gives names, types, shapes, metadata and values; its header may be padded with spaces', async () => {
    const header = `${JSON.stringify({ __metadata__: { format: 'pt' }, a: tensor([2, 1], 0, 8), b: tensor([], 8, 12), c: tensor([0, 3], 12, 12), d: tensor([1], 12, 16) })}   `;
    const checkpoint = await open(header, four);
    expect(checkpoint.tensors.map(({ name, dtype, shape, bytes }) => [name, dtype, shape, bytes])).toEqual([
      ['a', 'F32', [2, 1], 8],
      ['b', 'F32', [], 4],
      ['c', 'F32', [0, 3], 0],
      ['d', 'F32', [1], 4],
    ]);
    expect([...checkpoint.metadata]).toEqual([['format', 'pt']]);
    expect(checkpoint.findings).toEqual([]);
    const values = await Promise.all(checkpoint.tensors.map(async (info) => [...(await allRows(checkpoint, info))]));
    expect(values).toEqual([[1, -2], [0.5], [], [Math.fround(1e-40)]]);
    expect([...(await checkpoint.readRows(checkpoint.tensors[0]!, 1, 1))]).toEqual([-2]);
  });

  test.each([
    ['shorter than its length field', Uint8Array.of(1, 0, 0, 0, 0, 0, 0), 'WEIGHTS_TRUNCATED'],
    ['that claims a header over 100 MB', new Uint8Array([1, 225, 245, 5, 0, 0, 0, 0, 0x7b]), 'WEIGHTS_LIMIT'],
    ['that claims a header of 2^64 - 1 bytes', new Uint8Array([...Array.from({ length: 8 }, () => 255), 0x7b]), 'WEIGHTS_LIMIT'],
    ['shorter than its header', safetensorsFile('{}').subarray(0, 9), 'WEIGHTS_TRUNCATED'],
    ['with an empty header', new Uint8Array(8), 'WEIGHTS_HEADER'],
    ['whose header begins with a space', safetensorsFile(' {}'), 'WEIGHTS_HEADER'],
    ['whose header is no JSON', safetensorsFile('{"a"'), 'JSON_INVALID'],
    ['whose header is no UTF-8', new Uint8Array([4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x7d]), 'JSON_INVALID'],
    ['whose header nests without end', safetensorsFile('{"a":'.repeat(5000)), 'JSON_INVALID'],
    ['that names a tensor twice', safetensorsFile('{"a":{},"\\u0061":{}}'), 'WEIGHTS_DUPLICATE'],
    [
      'that gives a dtype twice',
      safetensorsFile('{"a":{"dtype":"F32","dtype":"F16","shape":[],"data_offsets":[0,4]}}', four),
      'WEIGHTS_DUPLICATE',
    ],
    ['whose tensor is a list', safetensorsFile({ a: [] }), 'WEIGHTS_HEADER'],
    ['whose tensor is null', safetensorsFile({ a: null }), 'WEIGHTS_HEADER'],
    ['with an odd number of half bytes', safetensorsFile({ a: tensor([3], 0, 2, 'F4') }, four), 'WEIGHTS_SHAPE'],
    ['with an unknown dtype', safetensorsFile({ a: tensor([1], 0, 4, 'F31') }, four), 'WEIGHTS_HEADER'],
    ['with a dtype that every object has', safetensorsFile({ a: tensor([1], 0, 4, 'toString') }, four), 'WEIGHTS_HEADER'],
    ['with a block quantization as dtype', safetensorsFile({ a: tensor([32], 0, 18, 'Q4_0') }, new Uint8Array(18)), 'WEIGHTS_HEADER'],
    ['whose shape is a word', safetensorsFile({ a: tensor('4' as never, 0, 16) }, four), 'WEIGHTS_SHAPE'],
    ['whose shape holds a word', safetensorsFile({ a: tensor(['4'], 0, 16) }, four), 'WEIGHTS_SHAPE'],
    ['with a negative axis', safetensorsFile({ a: tensor([-4], 0, 16) }, four), 'WEIGHTS_SHAPE'],
    ['with half an axis', safetensorsFile({ a: tensor([0.5], 0, 2) }, four), 'WEIGHTS_SHAPE'],
    ['with an infinite axis', safetensorsFile('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', four), 'WEIGHTS_SHAPE'],
    ['whose axes multiply past 2^53', safetensorsFile({ a: tensor([2 ** 30, 2 ** 30], 0, 16) }, four), 'WEIGHTS_SHAPE'],
    ['whose values take more than 2^53 bytes', safetensorsFile({ a: tensor([2 ** 52], 0, 16) }, four), 'WEIGHTS_SHAPE'],
    [
      'with 65 axes',
      safetensorsFile(
        {
          a: tensor(
            Array.from({ length: 65 }, () => 1),
            0,
            4,
          ),
        },
        four,
      ),
      'WEIGHTS_SHAPE',
    ],
    ['with three offsets', safetensorsFile({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, four), 'WEIGHTS_HEADER'],
    ['without offsets', safetensorsFile({ a: { dtype: 'F32', shape: [1] } }, four), 'WEIGHTS_HEADER'],
    ['with a negative offset', safetensorsFile({ a: tensor([1], -4, 0) }, four), 'WEIGHTS_HEADER'],
    [
      'with an offset of 2^53',
      safetensorsFile('{"a":{"dtype":"F32","shape":[1],"data_offsets":[9007199254740992,9007199254740996]}}', four),
      'WEIGHTS_HEADER',
    ],
    ['with offsets the wrong way round', safetensorsFile({ a: tensor([1], 4, 0) }, four), 'WEIGHTS_HEADER'],
    ['whose offsets hold more than the shape', safetensorsFile({ a: tensor([1], 0, 8) }, four), 'WEIGHTS_HEADER'],
    ['whose values end before the tensor', safetensorsFile({ a: tensor([5], 0, 20) }, four), 'WEIGHTS_TRUNCATED'],
    ['whose values lie just below 2^53', safetensorsFile({ a: tensor([1], 2 ** 53 - 5, 2 ** 53 - 1) }, four), 'WEIGHTS_TRUNCATED'],
    ['whose tensors share a byte', safetensorsFile({ a: tensor([2], 0, 8), b: tensor([2], 4, 12) }, four), 'WEIGHTS_OVERLAP'],
    ['whose tensors are one', safetensorsFile({ a: tensor([4], 0, 16), b: tensor([4], 0, 16) }, four), 'WEIGHTS_OVERLAP'],
    ['whose metadata is a list', safetensorsFile({ __metadata__: [] }), 'WEIGHTS_HEADER'],
    ['whose metadata holds a number', safetensorsFile({ __metadata__: { a: 1 } }), 'WEIGHTS_HEADER'],
  ])('%s is refused', async (_, bytes, code) => {
    await expect(openSafetensors(one(bytes), 'm.safetensors')).rejects.toMatchObject({ code, where: { file: 'm.safetensors' } });
  });

  test('that lists over a million tensors is refused', async () => {
    const header = `{${Array.from({ length: 1_000_001 }, (_, i) => `"${i}":0`).join(',')}}`;
    await expect(open(header)).rejects.toMatchObject({ code: 'WEIGHTS_LIMIT' });
  });

  test('whose bytes belong to no tensor is read, and says where they are', async () => {
    const checkpoint = await open({ b: tensor([1], 12, 16), a: tensor([1], 4, 8) }, new Uint8Array(20));
    const start = safetensorsHeader({ b: tensor([1], 12, 16), a: tensor([1], 4, 8) }).length;
    expect(checkpoint.findings.map(({ rule, where }) => [rule, where.byte])).toEqual([
      ['weights/unclaimed-bytes', start],
      ['weights/unclaimed-bytes', start + 8],
      ['weights/unclaimed-bytes', start + 16],
    ]);
  });

  test('keeps names that JavaScript objects have of their own', async () => {
    const checkpoint = await open(
      '{"__proto__":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"constructor":{"dtype":"F32","shape":[0],"data_offsets":[16,16]}}',
      four,
    );
    expect(checkpoint.tensors.map((info) => info.name)).toEqual(['__proto__', 'constructor']);
  });
});

describe('a set of shards', () => {
  const shards = {
    'x/m-00001-of-00002.safetensors': safetensorsFile({ a: tensor([1], 0, 4) }, four.slice(0, 4)),
    'x/m-00002-of-00002.safetensors': safetensorsFile({ __metadata__: { k: 'v' }, b: tensor([1], 0, 4) }, four.slice(4, 8)),
  };
  const indexed = (index: unknown, files: Record<string, Uint8Array> = shards): FileTree =>
    memoryTree('set', { ...files, 'x/m.safetensors.index.json': new TextEncoder().encode(JSON.stringify(index)) });
  const map = { a: 'm-00001-of-00002.safetensors', b: 'm-00002-of-00002.safetensors' };

  test('is one checkpoint through its index', async () => {
    const checkpoint = await openCheckpoint(indexed({ weight_map: map }), 'x/m.safetensors.index.json');
    expect(checkpoint.formatVersion).toBe('safetensors, 2 shards');
    expect(checkpoint.files).toEqual(['x/m.safetensors.index.json', ...Object.keys(shards)]);
    expect(checkpoint.metadata.get('k')).toBe('v');
    expect(await Promise.all(checkpoint.tensors.map(async (info) => [...(await allRows(checkpoint, info))]))).toEqual([[1], [-2]]);
  });

  test.each<[string, unknown, Record<string, Uint8Array>, string]>([
    ['that is no object', [], shards, 'WEIGHTS_HEADER'],
    ['without a weight_map', { metadata: {} }, shards, 'WEIGHTS_HEADER'],
    ['that lists nothing', { weight_map: {} }, shards, 'WEIGHTS_HEADER'],
    ['that climbs out of its folder', { weight_map: { a: '../m.safetensors' } }, shards, 'WEIGHTS_PATH'],
    ['that names its parent', { weight_map: { a: '..' } }, shards, 'WEIGHTS_PATH'],
    ['that climbs as Windows does', { weight_map: { a: '..\\m.safetensors' } }, shards, 'WEIGHTS_PATH'],
    ['that names an absolute file', { weight_map: { a: '/etc/passwd' } }, shards, 'WEIGHTS_PATH'],
    ['that names a number', { weight_map: { a: 1 } }, shards, 'WEIGHTS_PATH'],
    ['that names a file that is not there', { weight_map: { a: 'n.safetensors' } }, shards, 'WEIGHTS_MISSING_FILE'],
    [
      'whose shards hold one tensor twice',
      { weight_map: map },
      { ...shards, 'x/m-00002-of-00002.safetensors': shards['x/m-00001-of-00002.safetensors'] },
      'WEIGHTS_DUPLICATE',
    ],
    [
      'whose second shard is cut',
      { weight_map: map },
      { ...shards, 'x/m-00002-of-00002.safetensors': new Uint8Array(4) },
      'WEIGHTS_TRUNCATED',
    ],
  ])('with an index %s is refused', async (_, index, files, code) => {
    await expect(openSafetensors(indexed(index, files), 'x/m.safetensors.index.json')).rejects.toMatchObject({ code });
  });

  test('with an index over 100 MB is refused unread', async () => {
    const tree = sparseTree({ 'm.safetensors.index.json': { size: 100_000_001, pieces: [] } });
    await expect(openSafetensors(tree, 'm.safetensors.index.json')).rejects.toMatchObject({ code: 'WEIGHTS_LIMIT' });
    expect(tree.stats.bytes).toBe(0);
  });
});

describe('a file larger than memory', () => {
  test('is read at offsets above 2^32, and only where asked', async () => {
    const size = 2 ** 46;
    const header = safetensorsHeader({ far: tensor([2, 1], size, size + 8), big: tensor([2 ** 22, 2 ** 22], 0, size) });
    const tree = sparseTree({
      'm.safetensors': {
        size: header.length + size + 8,
        pieces: [
          [0, header],
          [header.length + size, four.slice(0, 8)],
          [header.length + 2 ** 33 + 4, four.slice(8, 12)],
        ],
      },
    });
    const checkpoint = await openCheckpoint(tree, 'm.safetensors');
    const [far, big] = checkpoint.tensors;
    expect([...(await checkpoint.readRows(far!, 0, 2))]).toEqual([1, -2]);
    // 2^33 + 4 bytes are row 512 of 2^24 bytes, value 1.
    expect((await checkpoint.readRows(big!, 512, 1))[1]).toBe(0.5);
    expect(tree.stats.bytes).toBeLessThan(2 ** 24 + 10_000);
    await expect(checkpoint.readRows(big!, 0, 65)).rejects.toMatchObject({ code: 'WEIGHTS_LIMIT' });
    await expect(checkpoint.readRows(big!, 2 ** 22, 1)).rejects.toMatchObject({ code: 'WEIGHTS_ROWS' });
    await expect(checkpoint.readRows(big!, 0.5, 1)).rejects.toMatchObject({ code: 'WEIGHTS_ROWS' });
  });
});

const known = JSON.parse(readFileSync(new URL('testing/safetensors-digests.json', import.meta.url), 'utf8')) as {
  files: Record<string, [count: number, sha256: string]>;
};

test('every value of the corpus is the one NumPy reads', async () => {
  expect(Object.keys(known.files).length).toBeGreaterThan(40);
  for (const [path, [count, sha256]] of Object.entries(known.files)) {
    const checkpoint = await openSafetensors(one(sharedBytes(path)), 'm.safetensors');
    const hash = createHash('sha256');
    for (const info of checkpoint.tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
      hash.update(`${info.name}\0`).update(new Uint8Array((await allRows(checkpoint, info)).buffer));
    expect([checkpoint.tensors.length, hash.digest('hex')], path).toEqual([count, sha256]);
  }
});

test('any damage is refused with a typed error, in time', async () => {
  const seeds = [
    safetensorsFile(
      { __metadata__: { format: 'pt' }, a: tensor([2, 1], 0, 8), b: tensor([2], 8, 12, 'BF16'), c: tensor([1], 12, 16) },
      four,
    ),
    sharedBytes('lineage-corpus/a-lora/adapter_model.safetensors').subarray(0, 20_000),
  ];
  const codes = new Set<string>();
  for (const seed of seeds)
    await fc.assert(
      fc.asyncProperty(mutations(seed, 600), async (bytes) => void codes.add(await survives(openSafetensors, 'm.safetensors', bytes))),
      { numRuns: 300 },
    );
  await fc.assert(
    fc.asyncProperty(
      fc.jsonValue(),
      async (header) => void codes.add(await survives(openSafetensors, 'm.safetensors', safetensorsFile(header, four))),
    ),
    { numRuns: 200 },
  );
  expect(codes).toContain('opened');
  expect(codes).toContain('WEIGHTS_HEADER');
  expect(codes).toContain('JSON_INVALID');
  expect(codes).toContain('WEIGHTS_TRUNCATED');
});
