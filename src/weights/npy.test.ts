import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeirloomError, memoryTree } from '../base/index.ts';
import { openCheckpoint, type Checkpoint } from './index.ts';
import { joinBytes, latin1, le, zipBytes } from './testing/bytes.ts';
import { floats } from './testing/torch-files.ts';

const SHARED = new URL('../../../shared/', import.meta.url);
const open = (bytes: Uint8Array, path = 'w.npy'): Promise<Checkpoint> => openCheckpoint(memoryTree('test', { [path]: bytes }), path);
function npy(header: string, data: Uint8Array, version: 1 | 2 | 3 = 1): Uint8Array {
  const length = version === 1 ? le(2, header.length) : le(4, header.length);
  return joinBytes(latin1(`\x93NUMPY${String.fromCharCode(version)}\0`), length, latin1(header), data);
}
const header = (descr: string, shape: string, fortran = false): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shape}, }\n`;
async function values(checkpoint: Checkpoint, index = 0): Promise<number[]> {
  const tensor = checkpoint.tensors[index]!;
  return [...(await checkpoint.readRows(tensor, 0, tensor.shape[0] ?? 1))];
}
const six = floats(1, 2, 3, 4, 5, 6);

describe('an .npy file', () => {
  test.each([1, 2, 3] as const)('of version %i gives its values', async (version) => {
    const checkpoint = await open(npy(header('<f4', '(2, 3)'), six, version));
    expect(checkpoint.tensors[0]).toMatchObject({ name: 'w', dtype: 'F32', shape: [2, 3] });
    expect(await values(checkpoint)).toEqual([1, 2, 3, 4, 5, 6]);
  });
  test('in Fortran order gives rows all the same', async () => {
    const checkpoint = await open(npy(header('<f4', '(2, 3)', true), six));
    expect(await values(checkpoint)).toEqual([1, 3, 5, 2, 4, 6]);
    expect([...(await checkpoint.readRows(checkpoint.tensors[0]!, 1, 1))]).toEqual([2, 4, 6]);
  });
  test('of big-endian numbers has them swapped', async () => {
    expect(await values(await open(npy(header('>i2', '(2,)'), latin1('\x01\x00\x00\x02'))))).toEqual([256, 2]);
  });
  test.each([
    ['a type of no meaning', header('zz', '(2,)')],
    ['seventy axes', header('<f4', `(${'1, '.repeat(70)})`)],
    ['a field without a type', "{'descr': [('a',)], 'fortran_order': False, 'shape': (2,), }\n"],
  ])('with %s is refused', async (_, head) => {
    await expect(open(npy(head, six))).rejects.toMatchObject({ code: 'WEIGHTS_HEADER' });
  });
  test('of a scalar is one row', async () => {
    expect(await values(await open(npy(header('<f4', '()'), floats(7))))).toEqual([7]);
  });
  test('of a dictionary of arrays names them by their keys', async () => {
    const path = 'real-models/davidsandberg__facenet__src-align-det1/det1.npy';
    const checkpoint = await open(new Uint8Array(await readFile(new URL(path, SHARED))), 'det1.npy');
    expect(checkpoint.tensors.map((one) => one.name)).toContain('conv4-2.weights');
  });
  test.each<[string, Uint8Array, string]>([
    ['shorter than its shape', npy(header('<f4', '(2, 4)'), six), 'WEIGHTS_TRUNCATED'],
    ['with a negative size', npy(header('<f4', '(-2, 3)'), six), 'WEIGHTS_HEADER'],
    ['with more than 2^53 values', npy(header('<f4', '(9007199254740991, 9007199254740991)'), six), 'WEIGHTS_SHAPE'],
    ['of text', npy(header('<U5', '(2,)'), new Uint8Array(40)), 'WEIGHTS_NOT_DECODABLE'],
    ['whose header calls a function', npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}", six), 'WEIGHTS_HEADER'],
    ['whose header has a fourth key', npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", six), 'WEIGHTS_HEADER'],
    [
      'whose header nests a thousand deep',
      npy(`{'descr': ${'['.repeat(1000)}${']'.repeat(1000)}, 'fortran_order': False, 'shape': (1,)}`, six),
      'WEIGHTS_HEADER',
    ],
    ['with a header of four gigabytes', joinBytes(latin1('\x93NUMPY\x02\0\xff\xff\xff\xff'), six), 'WEIGHTS_LIMIT'],
    ['of version 9', joinBytes(latin1('\x93NUMPY\x09\0\x02\0{}'), six), 'WEIGHTS_HEADER'],
  ])('%s is refused', async (_, bytes, code) => {
    await expect(open(bytes)).rejects.toMatchObject({ code });
  });
  test('says when bytes follow the array', async () => {
    expect((await open(npy(header('<f4', '(5,)'), six))).findings).toMatchObject([{ rule: 'weights/unclaimed-bytes' }]);
  });
  test('with changed bytes is refused with a typed error or read', async () => {
    const real = npy(header('<f4', '(2, 3)'), six);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }), async (changes) => {
        const bytes = real.slice();
        for (const [at, value] of changes) bytes[at] = value;
        await open(bytes)
          .then(values)
          .catch((error: unknown) => expect(error).toBeInstanceOf(HeirloomError));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('an .npz file', () => {
  test('lists its arrays by name and keeps single strings', async () => {
    const license = npy(header('<U3', '()'), joinBytes(latin1('M\0\0\0I\0\0\0T\0\0\0')));
    const checkpoint = await open(
      zipBytes([
        { name: 'a.npy', data: npy(header('<f4', '(6,)'), six) },
        { name: 'license.npy', data: license },
      ]),
      'w.npz',
    );
    expect(checkpoint.tensors.map((one) => one.name)).toEqual(['a']);
    expect(checkpoint.metadata.get('license')).toBe('MIT');
    expect(await values(checkpoint)).toEqual([1, 2, 3, 4, 5, 6]);
  });
  test('with two arrays of one name is refused', async () => {
    const member = { name: 'a.npy', data: npy(header('<f4', '(6,)'), six) };
    await expect(open(zipBytes([member, member]), 'w.npz')).rejects.toMatchObject({ code: 'WEIGHTS_DUPLICATE' });
  });
});
