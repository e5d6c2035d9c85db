import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { openKerasH5 } from './keras.ts';
import { openCheckpoint } from './open.ts';
import { mutations, survives } from './testing/hostile.ts';
import { allRows, digestValues, sharedBytes, sharedPaths } from './testing/shared-files.ts';
import type { Checkpoint, WeightsError } from './types.ts';

type Row = [string, number[], string];
const fixture = JSON.parse(readFileSync(new URL('testing/hdf5-files.json', import.meta.url), 'utf8')) as {
  files: Record<string, { gzip: string; tensors: Row[] }>;
  corpus: Record<string, Row[]>;
};
const bytesOf = (name: string): Uint8Array =>
  new Uint8Array(gunzipSync(Uint8Array.from(atob(fixture.files[name]!.gzip), (c) => c.charCodeAt(0))));
const open = (bytes: Uint8Array, name = 'm.h5'): Promise<Checkpoint> => openCheckpoint(memoryTree('m', { [name]: bytes }), name);
async function rowsOf(checkpoint: Checkpoint): Promise<Row[]> {
  const rows: Row[] = [];
  for (const tensor of checkpoint.tensors) rows.push([tensor.name, [...tensor.shape], digestValues(await allRows(checkpoint, tensor))]);
  return rows.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

describe('HDF5 values', () => {
  test.each(['chunks', 'three hundred groups', 'the newest layout', 'attributes without values'])(
    'of a file with %s are those h5py reads',
    async (name) => {
      const checkpoint = await open(bytesOf(name));
      expect(checkpoint.format).toBe('keras-h5');
      expect(await rowsOf(checkpoint)).toEqual(fixture.files[name]!.tensors);
    },
  );
  test('of every kind of number are those h5py reads; links, texts and second names are reported', async () => {
    const checkpoint = await open(bytesOf('kinds of numbers'));
    const [alias] = fixture.files['kinds of numbers']!.tensors.filter(([name]) => name === 'model_weights/dense/bias:0');
    // One array under two names is listed once, under the name met first.
    const wanted = fixture.files['kinds of numbers']!.tensors.filter(([name]) => name !== 'alias' && name !== alias?.[0]);
    const got = await rowsOf(checkpoint);
    expect(got.filter(([name]) => name !== 'alias' && name !== 'model_weights/dense/bias:0')).toEqual(wanted);
    expect(got.length).toBe(wanted.length + 1);
    expect(checkpoint.metadata.get('h5.keras_version')).toBe('2.4.0');
    expect(checkpoint.metadata.get('h5.fixed')).toBe('ten bytes');
    expect(checkpoint.findings.map((finding) => finding.severity).sort()).toEqual(['note', 'note', 'note', 'warning']);
  });
  test.each(Object.keys(fixture.corpus))('of %s are those h5py reads', async (path) => {
    expect(await rowsOf(await open(sharedBytes(path), path.slice(path.lastIndexOf('/') + 1)))).toEqual(fixture.corpus[path]);
  });
  test('of a chunked dataset can be read a few rows at a time', async () => {
    const checkpoint = await open(bytesOf('chunks'));
    for (const tensor of checkpoint.tensors) {
      const all = await allRows(checkpoint, tensor);
      const length = all.length / tensor.shape[0]!;
      for (let row = 0; row < Math.min(tensor.shape[0]!, 20); row++)
        expect([...(await checkpoint.readRows(tensor, row, 1))]).toEqual([...all.subarray(row * length, (row + 1) * length)]);
    }
  });
});

describe('a Keras archive', () => {
  test('hands on its configuration as text and says where outputs are', async () => {
    const checkpoint = await open(sharedBytes('safety-corpus/generated-benign/functional.keras'), 'functional.keras');
    expect(checkpoint.format).toBe('keras-zip');
    expect(JSON.parse(checkpoint.metadata.get('keras.config') as string)).toHaveProperty('class_name', 'Functional');
    expect(checkpoint.tensors.map((t) => [t.name, t.outputFirst])).toEqual([
      ['layers/conv2d/vars/0', [3, 2, 0, 1]],
      ['layers/conv2d/vars/1', undefined],
      ['layers/dense/vars/0', [1, 0]],
      ['layers/dense/vars/1', undefined],
    ]);
  });
  test('without weights is answered with a note, and without a configuration is no model', async () => {
    const paths = sharedPaths('safety-corpus/modelaudit', '.keras');
    expect(paths.length).toBeGreaterThan(10);
    const answers: [string, string[] | string][] = [];
    for (const path of paths)
      answers.push([
        path,
        await open(sharedBytes(path), 'm.keras').then(
          (checkpoint) => checkpoint.findings.map((finding) => finding.rule),
          (error: WeightsError) => error.code,
        ),
      ]);
    expect(answers.filter(([path]) => path.includes('missing_config')).map(([, answer]) => answer)).toEqual(['WEIGHTS_NOT_A_MODEL']);
    expect(answers.filter(([path, rules]) => !path.includes('missing_config') && !rules.includes('weights/no-weights'))).toEqual([]);
  });
});

describe('hostile HDF5', () => {
  test.each([
    ['kinds of numbers', 400],
    ['chunks', 300],
    ['the newest layout', 300],
  ])('made from a file with %s never crashes the reader', async (name, numRuns) => {
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(mutations(bytesOf(name)), async (bytes) => void codes.add(await survives(openKerasH5, 'm.h5', bytes))),
      { numRuns },
    );
    expect(codes.size).toBeGreaterThan(1);
  });
  test('whose root group holds itself is walked once', async () => {
    const bytes = bytesOf('three hundred groups');
    const view = new DataView(bytes.buffer);
    const root = view.getBigUint64(64, true);
    // Every symbol-table entry of the first node points back to the root.
    const node = new TextDecoder('latin1').decode(bytes).indexOf('SNOD');
    for (let i = 0; i < view.getUint16(node + 6, true); i++) view.setBigUint64(node + 8 + i * 40 + 8, root, true);
    expect((await open(bytes)).findings.length).toBeGreaterThan(0);
  });
  test('that claims a huge dataset and writes none of it is not unpacked into memory', async () => {
    const bytes = bytesOf('kinds of numbers');
    const view = new DataView(bytes.buffer);
    // The dataspace of `unwritten`, 4 × 2: the one place where these two sizes follow one another.
    const at = [...bytes.keys()].find(
      (i) => i + 16 <= bytes.length && view.getBigUint64(i, true) === 4n && view.getBigUint64(i + 8, true) === 2n,
    )!;
    view.setBigUint64(at, 1n << 28n, true);
    const checkpoint = await open(bytes);
    const tensor = checkpoint.tensors.find((t) => t.name === 'unwritten')!;
    expect(tensor.shape).toEqual([2 ** 28, 2]);
    await expect(checkpoint.readRows(tensor, 0, 1 << 26)).rejects.toMatchObject({ code: 'WEIGHTS_LIMIT' });
    expect([...(await checkpoint.readRows(tensor, 5, 1))]).toEqual([0, 0]);
  });
  test('with addresses of four bytes or an unknown superblock is refused by name', async () => {
    for (const at of [8, 13]) {
      const bytes = bytesOf('chunks');
      bytes[at] = 4;
      await expect(open(bytes)).rejects.toMatchObject({ code: 'WEIGHTS_NOT_READ_YET' });
    }
  });
});
