import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { openOnnx } from './onnx.ts';
import { openCheckpoint } from './open.ts';
import { mutations, survives } from './testing/hostile.ts';
import { doubles, float, floats, int, len } from './testing/proto-writer.ts';
import { allRows, digest, digestValues, sharedBytes, sharedTree } from './testing/shared-files.ts';
import type { Checkpoint } from './types.ts';

type Digests = { files: Record<string, [number, number, string]>; made: { gzip: string; tensors: [string, number[], string][] } };
const expected = JSON.parse(readFileSync(new URL('testing/onnx-digests.json', import.meta.url), 'utf8')) as Digests;

const tensor = (name: string, type: number, dims: number[], ...fields: number[][]): number[] => [
  ...dims.flatMap((dim) => int(1, dim)),
  ...int(2, type),
  ...len(8, name),
  ...fields.flat(),
];
const node = (op: string, inputs: string[], outputs: string[], ...attributes: number[][]): number[] =>
  len(
    1,
    ...inputs.map((name) => len(1, name)),
    ...outputs.map((name) => len(2, name)),
    len(4, op),
    ...attributes.map((attribute) => len(5, attribute)),
  );
const graph = (...fields: number[][]): Uint8Array => new Uint8Array([...int(1, 8), ...len(7, ...fields), ...len(8, int(2, 17))]);
const open = (bytes: Uint8Array, beside: Record<string, Uint8Array> = {}): Promise<Checkpoint> =>
  openOnnx(memoryTree('m', { 'm/a.onnx': bytes, ...beside }), 'm/a.onnx');
const values = async (checkpoint: Checkpoint, name: string): Promise<number[]> => [
  ...(await allRows(
    checkpoint,
    checkpoint.tensors.find((t) => t.name === name)!,
  )),
];

describe('ONNX values', () => {
  test.each(Object.keys(expected.files))('of %s are those the onnx package reads', async (path) => {
    const folder = path.slice(0, path.lastIndexOf('/'));
    const checkpoint = await openCheckpoint(sharedTree(folder), path.slice(folder.length + 1));
    const rows = [];
    for (const t of checkpoint.tensors) {
      const external = t.file !== path.slice(folder.length + 1);
      rows.push([t.name, t.shape, external ? 'external' : digestValues(await allRows(checkpoint, t)), t.constant ?? false]);
    }
    rows.sort((a, b) => (a[0]! < b[0]! ? -1 : 1));
    expect([rows.length, rows.filter((row) => row[3]).length, digest(new TextEncoder().encode(JSON.stringify(rows)))]).toEqual(
      expected.files[path],
    );
  });

  test('of every type, raw or typed, in graphs, branches and functions, are those the onnx package reads', async () => {
    const bytes = new Uint8Array(gunzipSync(Uint8Array.from(atob(expected.made.gzip), (c) => c.charCodeAt(0))));
    const checkpoint = await open(bytes);
    const rows = [];
    for (const t of checkpoint.tensors) rows.push([t.name, t.shape, digestValues(await allRows(checkpoint, t))]);
    expect(rows.sort((a, b) => (a[0]! < b[0]! ? -1 : 1))).toEqual(expected.made.tensors);
    expect(checkpoint.findings.map((finding) => finding.rule)).toEqual(['weights/string-tensor', 'weights/sparse-tensor']);
    expect(checkpoint.metadata.get('onnx.functions')).toEqual([['my.domain', 'F']]);
    expect(checkpoint.metadata.get('onnx.metadata_props.license')).toBe('MIT');
    expect(checkpoint.tensors.find((t) => t.name === 'FLOAT_raw')!.outputFirst).toEqual([1, 0]);
  });

  test('are read from every typed field, packed or one by one', async () => {
    const checkpoint = await open(
      graph(
        len(5, tensor('packed', 1, [3], len(4, floats(1, 2, 3)))),
        len(5, tensor('single', 1, [3], float(4, 1), float(4, 2), float(4, 3))),
        len(5, tensor('mixed', 1, [3], float(4, 1), len(4, floats(2, 3)))),
        len(5, tensor('double', 11, [2], len(10, doubles(0.5, -4)))),
        len(5, tensor('half', 10, [2], len(5, [0x80, 0x78, 0x80, 0xf8, 0x02]))), // 0x3C00 = 1, 0xBC00 = −1
        len(5, tensor('bfloat', 16, [1], int(5, 0x4000))),
        len(5, tensor('byte', 3, [2], int(5, -1), int(5, 7))),
        len(5, tensor('bool', 9, [2], int(5, 1), int(5, 0))),
        len(5, tensor('long', 7, [2], len(7, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 5]))),
        len(5, tensor('unsigned', 13, [1], int(11, 2n ** 40n))),
        len(5, tensor('nibbles', 22, [4], len(9, [0xf1, 0x27]))),
        len(5, tensor('raw', 1, [], len(9, floats(9)))),
        len(5, tensor('none', 1, [0])),
      ),
    );
    const got: Record<string, number[]> = {};
    for (const t of checkpoint.tensors) got[t.name] = await values(checkpoint, t.name);
    expect(got).toEqual({
      packed: [1, 2, 3],
      single: [1, 2, 3],
      mixed: [1, 2, 3],
      double: [0.5, -4],
      half: [1, -1],
      bfloat: [2],
      byte: [-1, 7],
      bool: [1, 0],
      long: [-1, 5],
      unsigned: [2 ** 40],
      nibbles: [1, -1, 7, 2],
      raw: [9],
      none: [],
    });
  });

  test('of Constant nodes are marked constant, and inline ones are read too', async () => {
    const checkpoint = await open(
      graph(
        node('Constant', [], ['t'], [...len(1, 'value'), ...len(5, tensor('', 1, [2], len(9, floats(1, 2))))]),
        node('Constant', [], ['f'], [...len(1, 'value_float'), ...float(2, 1.5)]),
        node('Constant', [], ['fs'], [...len(1, 'value_floats'), ...float(7, 1), ...float(7, 2)]),
        node('Constant', [], ['i'], [...len(1, 'value_int'), ...int(3, -3)]),
        node('Constant', [], ['is'], [...len(1, 'value_ints'), ...int(8, 4), ...int(8, -5)]),
      ),
    );
    const got = [];
    for (const t of checkpoint.tensors) got.push([t.name, t.constant, t.shape, await values(checkpoint, t.name)]);
    expect(got).toEqual([
      ['t', true, [2], [1, 2]],
      ['f', true, [], [1.5]],
      ['fs', true, [2], [1, 2]],
      ['i', true, [], [-3]],
      ['is', true, [2], [4, -5]],
    ]);
  });

  test('of subgraphs are listed under the path to them', async () => {
    const branch = [...len(5, tensor('w', 1, [1], len(9, floats(7)))), ...len(2, 'then')];
    const checkpoint = await open(
      graph(len(5, tensor('w', 1, [1], len(9, floats(1)))), node('If', ['c'], ['y'], [...len(1, 'then_branch'), ...len(6, branch)])),
    );
    expect(checkpoint.tensors.map((t) => t.name)).toEqual(['w', 'y.then_branch/w']);
    expect(await values(checkpoint, 'y.then_branch/w')).toEqual([7]);
  });
});

describe('the output axis of an ONNX weight', () => {
  const w = len(5, tensor('w', 1, [2, 3], len(9, floats(1, 2, 3, 4, 5, 6))));
  const order = async (...nodes: number[][]): Promise<readonly number[] | undefined> =>
    (await open(graph(w, ...nodes))).tensors[0]!.outputFirst;
  const transpose = (from: string, to: string): number[] =>
    node('Transpose', [from], [to], [...len(1, 'perm'), ...int(8, 1), ...int(8, 0)]);

  test('is the last for the right side of MatMul and of Gemm', async () => {
    expect(await order(node('MatMul', ['x', 'w'], ['y']))).toEqual([1, 0]);
    expect(await order(node('Gemm', ['x', 'w'], ['y']))).toEqual([1, 0]);
  });
  test('is the first for Gemm with transB, for the left side, and for MatMul behind a Transpose', async () => {
    expect(await order(node('Gemm', ['x', 'w'], ['y'], [...len(1, 'transB'), ...int(3, 1)]))).toBeUndefined();
    expect(await order(node('MatMul', ['w', 'x'], ['y']))).toBeUndefined();
    expect(await order(transpose('w', 'v'), node('MatMul', ['x', 'v'], ['y']))).toBeUndefined();
  });
  test('is followed through Cast, Identity and two Transposes', async () => {
    expect(
      await order(
        node('Cast', ['w'], ['a']),
        transpose('a', 'b'),
        node('Identity', ['b'], ['c']),
        transpose('c', 'd'),
        node('MatMul', ['x', 'd'], ['y']),
      ),
    ).toEqual([1, 0]);
  });
  test('is the second for ConvTranspose', async () => {
    const checkpoint = await open(
      graph(len(5, tensor('k', 1, [2, 1, 1, 1], len(9, floats(1, 2)))), node('ConvTranspose', ['x', 'k'], ['y'])),
    );
    expect(checkpoint.tensors[0]!.outputFirst).toEqual([1, 0, 2, 3]);
  });
  test('is not claimed when two users disagree', async () => {
    expect(await order(node('MatMul', ['x', 'w'], ['y']), transpose('w', 'v'), node('MatMul', ['x', 'v'], ['z']))).toBeUndefined();
  });
});

describe('ONNX external data', () => {
  const external = (location: string, offset?: string, length?: string): Uint8Array => {
    const entry = (key: string, value: string | undefined): number[] => (value === undefined ? [] : len(13, len(1, key), len(2, value)));
    return graph(len(5, tensor('w', 1, [2], entry('location', location), entry('offset', offset), entry('length', length), int(14, 1))));
  };
  const beside = {
    'm/data.bin': new Uint8Array(floats(0, 1, 2, 3)),
    'm/sub/d.bin': new Uint8Array(floats(8, 9)),
    'other.bin': new Uint8Array(64),
  };

  test('is read from the file, at its offset', async () => {
    const checkpoint = await open(external('data.bin', '8', '8'), beside);
    expect(checkpoint.files).toEqual(['m/a.onnx', 'm/data.bin']);
    expect(checkpoint.metadata.get('onnx.external_data')).toEqual(['m/data.bin']);
    expect(await values(checkpoint, 'w')).toEqual([2, 3]);
    expect(await values(await open(external('./sub/d.bin'), beside), 'w')).toEqual([8, 9]);
  });
  test.each([
    '../other.bin',
    '/etc/passwd',
    'sub/../../other.bin',
    'sub/../data.bin',
    '..',
    'C:/data.bin',
    'sub\\d.bin',
    '',
    'http://host/x',
  ])('outside the folder, at %j, is refused', async (location) => {
    await expect(open(external(location), beside)).rejects.toMatchObject({ code: 'WEIGHTS_PATH' });
  });
  test('past the end of its file is refused', async () => {
    await expect(open(external('data.bin', '12', '8'), beside)).rejects.toMatchObject({ code: 'WEIGHTS_TRUNCATED' });
  });
  test.each([
    ['-4', '8'],
    ['1e3', '8'],
    ['99999999999999999999', '8'],
    ['0', '4'],
    ['0', '16'],
  ])('at %s for %s bytes is refused', async (offset, length) => {
    await expect(open(external('data.bin', offset, length), beside)).rejects.toMatchObject({ code: 'WEIGHTS_HEADER' });
  });
  test('that is missing is a finding, and an error only when its values are asked for', async () => {
    const checkpoint = await open(external('gone.bin'));
    expect(checkpoint.findings.map((finding) => finding.rule)).toEqual(['weights/external-data-missing']);
    await expect(values(checkpoint, 'w')).rejects.toMatchObject({ code: 'WEIGHTS_MISSING_FILE' });
  });
  test.each(['bad_30_check_model', 'bad_31_check_model_relative'])('of the published attack %s is refused', async (name) => {
    await expect(openCheckpoint(sharedTree('safety-corpus/onnx'), `${name}.onnx`)).rejects.toMatchObject({ code: 'WEIGHTS_PATH' });
  });
});

describe('an ONNX file', () => {
  test('says who made it, its operators and its publisher’s words, and its weights are skipped', async () => {
    const folder = 'real-models/fwartner__home-assistant-wakewords-collection__en-TARS-TARS';
    const tree = sharedTree(folder);
    const { metadata, formatVersion } = await openCheckpoint(tree, 'TARS.onnx');
    expect(formatVersion).toBe('ONNX IR 8');
    expect(metadata.get('onnx.producer_name')).toBe('tf2onnx');
    expect(metadata.get('onnx.ops')).toContainEqual(['', 'Gemm', 3]);
    expect(tree.stats.bytes).toBeLessThan(20_000);
  });
  test.each<[string, number[][], string]>([
    ['with a tensor twice', [len(5, tensor('w', 1, [0])), len(5, tensor('w', 1, [0]))], 'WEIGHTS_DUPLICATE'],
    ['with too few bytes', [len(5, tensor('w', 1, [4], len(9, floats(1))))], 'WEIGHTS_HEADER'],
    ['with too few typed values', [len(5, tensor('w', 1, [4], len(4, floats(1))))], 'WEIGHTS_HEADER'],
    ['with no values at all', [len(5, tensor('w', 1, [4]))], 'WEIGHTS_HEADER'],
    ['with a negative axis', [len(5, tensor('w', 1, [-1]))], 'WEIGHTS_SHAPE'],
    ['with axes that overflow', [len(5, [...int(1, 2n ** 40n), ...int(1, 2n ** 40n), ...int(2, 1)])], 'WEIGHTS_SHAPE'],
    ['with an unknown type', [len(5, tensor('w', 99, [1]))], 'WEIGHTS_HEADER'],
    ['with a name of a megabyte', [len(5, tensor('w'.repeat(1 << 20), 1, [0]))], 'WEIGHTS_LIMIT'],
  ])('%s is refused', async (_, fields, code) => {
    await expect(open(graph(...fields))).rejects.toMatchObject({ code });
  });
  test('with two graphs is refused', async () => {
    await expect(open(new Uint8Array([...graph(), ...len(7, len(2, 'b'))]))).rejects.toMatchObject({ code: 'WEIGHTS_DUPLICATE' });
  });
  test('whose varint values are fewer than their bytes promise is refused when read', async () => {
    const checkpoint = await open(graph(len(5, tensor('w', 7, [3], len(7, [0x80, 0x80, 0x01, 5])))));
    await expect(values(checkpoint, 'w')).rejects.toMatchObject({ code: 'WEIGHTS_SHAPE' });
  });
  test('nested sixty subgraphs deep is refused', async () => {
    let inner: number[] = len(2, 'leaf');
    for (let i = 0; i < 60; i++) inner = node('If', [], ['y'], [...len(1, 'b'), ...len(6, inner)]);
    await expect(open(graph(inner))).rejects.toMatchObject({ code: 'WEIGHTS_LIMIT' });
  });
  test('cut anywhere is refused or answered, never more', async () => {
    const whole = graph(len(5, tensor('w', 1, [2], len(9, floats(1, 2)))), node('MatMul', ['x', 'w'], ['y']));
    const codes = new Set<string>();
    for (let length = 0; length < whole.length; length++) codes.add(await survives(openOnnx, 'a.onnx', whole.slice(0, length)));
    expect(codes).toContain('WEIGHTS_TRUNCATED');
  });
  test('of random bytes is refused by its header', async () => {
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (tail) => {
        codes.add(await survives(openOnnx, 'a.onnx', tail));
        codes.add(await survives(openOnnx, 'a.onnx', new Uint8Array(len(7, tail))));
      }),
      { numRuns: 300 },
    );
    expect(codes).toContain('WEIGHTS_HEADER');
  });
  test('changed at random never crashes the reader', async () => {
    const real = sharedBytes('real-models/fwartner__home-assistant-wakewords-collection__dk-hey_leo-hey_leo/hey_leo.onnx');
    const small = sharedBytes('safety-corpus/onnx/ok_20_convert_model_to_external_data_converts_attri.onnx');
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(mutations(real), async (bytes) => void codes.add(await survives(openOnnx, 'a.onnx', bytes))),
      { numRuns: 100 },
    );
    await fc.assert(
      fc.asyncProperty(mutations(small), async (bytes) => void codes.add(await survives(openOnnx, 'a.onnx', bytes))),
      { numRuns: 400 },
    );
    expect(codes.size).toBeGreaterThan(2);
  });
});
