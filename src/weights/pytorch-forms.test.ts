import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeirloomError, memoryTree } from '../base/index.ts';
import { openCheckpoint, type Checkpoint } from './index.ts';
import { denseStrides } from './strided.ts';
import { joinBytes, latin1, zipBytes } from './testing/bytes.ts';
import {
  dictPickle,
  entry,
  floats,
  pickledText,
  tensorPickle,
  type TestTensor,
  torchLegacy,
  torchTar,
  torchZip,
} from './testing/torch-files.ts';

const CORPUS = new URL('../../../shared/safety-corpus/', import.meta.url);
const open = (bytes: Uint8Array, path = 'm.pt'): Promise<Checkpoint> => openCheckpoint(memoryTree('test', { [path]: bytes }), path);
const dense = (name: string, key: string, shape: readonly number[]): TestTensor => ({
  name,
  key,
  shape,
  numel: shape.reduce((product, size) => product * size, 1),
  stride: denseStrides(shape, false),
});
async function values(checkpoint: Checkpoint, name: string): Promise<number[]> {
  const tensor = checkpoint.tensors.find((one) => one.name === name)!;
  return [...(await checkpoint.readRows(tensor, 0, tensor.shape[0] ?? 1))];
}
const names = (checkpoint: Checkpoint): string[] => checkpoint.tensors.map((one) => one.name);
async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(
    await new Response(
      new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream('deflate-raw')),
    ).arrayBuffer(),
  );
}
const six = floats(1, 2, 3, 4, 5, 6);

describe('a PyTorch checkpoint', () => {
  test('whose pickle is named in other case is opened, as libtorch opens it', async () => {
    const file = zipBytes([
      { name: 'm/data.Pkl', data: latin1(dictPickle([dense('w', '0', [2, 3])])) },
      { name: 'm/data/0', data: six },
    ]);
    expect(await values(await open(file), 'w')).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('in the legacy stream, with views of a root storage, reads as PyTorch 1.13 reads it', async () => {
    const w: TestTensor = { name: 'w', key: '7', numel: 6, shape: [2, 2], stride: [1, 2], view: ['8', 2, 4] };
    const v: TestTensor = { name: 'v', key: '7', numel: 6, shape: [3], stride: [2] };
    const checkpoint = await open(torchLegacy(dictPickle([w, v], '', true), { 7: six }));
    expect(await values(checkpoint, 'w')).toEqual([3, 5, 4, 6]);
    expect(await values(checkpoint, 'v')).toEqual([1, 3, 5]);
    expect(checkpoint.tensors.map((one) => one.storage)).toEqual(['7', '7']);
  });
  test('in the tar of before 0.1.10 reads as PyTorch 1.13 reads it', async () => {
    const checkpoint = await open(torchTar(), 'm.tar');
    expect(checkpoint.formatVersion).toBe('PyTorch tar, protocol 2');
    expect(await values(checkpoint, 'weight')).toEqual([3, 4, 5, 6]);
  });
  test('saved on a big-endian machine has its values swapped', async () => {
    const swapped = new Uint8Array(six);
    for (let at = 0; at < swapped.length; at += 4) swapped.subarray(at, at + 4).reverse();
    const checkpoint = await open(
      torchZip(dictPickle([dense('w', '0', [2, 3])]), { 0: swapped }, [{ name: 'm/byteorder', data: latin1('big') }]),
    );
    expect(await values(checkpoint, 'w')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(checkpoint.tensors[0]!.offset).toBe(-1);
  });
  test('packed again with compression reads the same', async () => {
    const more = [{ name: 'm/data/0', data: await deflate(six), method: 8, size: six.length }];
    const checkpoint = await open(torchZip(dictPickle([dense('w', '0', [2, 3])]), {}, more));
    expect(await values(checkpoint, 'w')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(checkpoint.tensors[0]!.offset).toBe(-1);
  });
  test('says where a plain tensor stands in the file', async () => {
    const bytes = torchZip(dictPickle([dense('w', '0', [2, 3])]), { 0: six });
    const [tensor] = (await open(bytes)).tensors;
    expect([...new Float32Array(bytes.slice(tensor!.offset, tensor!.offset + tensor!.bytes).buffer)]).toEqual([1, 2, 3, 4, 5, 6]);
  });
  test('with tied weights lists both names on one storage', async () => {
    const checkpoint = await open(torchZip(dictPickle([dense('embed', '0', [2, 3]), dense('head', '0', [2, 3])]), { 0: six }));
    expect(checkpoint.tensors.map((one) => [one.name, one.storage])).toEqual([
      ['embed', '0'],
      ['head', '0'],
    ]);
  });
  test('keeps words and numbers beside the tensors', async () => {
    const extra =
      entry('license', pickledText('AGPL-3.0 License https://ultralytics.com/license')) +
      entry('epoch', 'K\x05') +
      entry('names', `](${pickledText('cat')}${pickledText('dog')}e`);
    const { metadata } = await open(torchZip(dictPickle([dense('w', '0', [6])], extra), { 0: six }));
    expect([...metadata]).toEqual([
      ['license', 'AGPL-3.0 License https://ultralytics.com/license'],
      ['epoch', 5],
      ['names', ['cat', 'dog']],
    ]);
  });
});

describe('the names of tensors', () => {
  const w = tensorPickle(dense('', '0', [6]));
  const named = async (pickle: string): Promise<string[]> => names(await open(torchZip(pickle, { 0: six })));
  test('leave out a holder that holds them all', async () => {
    expect(await named(`\x80\x02}${entry('state_dict', `}${entry('conv.weight', w)}`)}${entry('epoch', 'K\x05')}.`)).toEqual([
      'conv.weight',
    ]);
    expect(await named(`\x80\x02}${entry('model', `}${entry('module', `}${entry('a', w)}`)}`)}.`)).toEqual(['a']);
  });
  test('keep it when others hold tensors too, so that optimizer state is recognizable', async () => {
    const optimizer = `}${entry('state', `}K\x00}${entry('exp_avg', w)}s`)}`;
    expect(await named(`\x80\x02}${entry('state_dict', `}${entry('a', w)}`)}${entry('optimizer', optimizer)}.`)).toEqual([
      'state_dict.a',
      'optimizer.state.0.exp_avg',
    ]);
  });
  test('keep prefixes that are part of a key', async () => {
    expect(await named(`\x80\x02}${entry('model.layers.0.weight', w)}.`)).toEqual(['model.layers.0.weight']);
  });
  test('of a pickled module are those of its state dict', async () => {
    const inner = `cnet\nBlock\n)\x81}${entry('_parameters', `}${entry('weight', w)}`)}${entry('_modules', '}')}b`;
    const outer = `cnet\nNet\n)\x81}${entry('training', '\x88')}${entry('_modules', `}${entry('block', inner)}`)}b`;
    expect(await named(`\x80\x02${outer}.`)).toEqual(['block.weight']);
  });
  test('are numbered when they stand twice', async () => {
    const checkpoint = await open(torchZip(`\x80\x02}${entry('a.b', w)}${entry('a', `}${entry('b', w)}`)}.`, { 0: six }));
    expect(names(checkpoint)).toEqual(['a.b', 'a.b#2']);
    expect(checkpoint.findings.map((one) => one.rule)).toContain('weights/duplicate-name');
  });
});

describe('a view of a storage', () => {
  const axis = fc.record({ size: fc.integer({ min: 0, max: 4 }), stride: fc.integer({ min: 0, max: 9 }) });
  test('gives the values its offset and strides name, in any order of reading', async () => {
    const storage = Float32Array.from({ length: 200 }, (_, i) => i);
    await fc.assert(
      fc.asyncProperty(fc.array(axis, { maxLength: 4 }), fc.nat(20), fc.nat(3), async (axes, start, from) => {
        const shape = axes.map((one) => one.size);
        const stride = axes.map((one) => one.stride);
        const view: TestTensor = { name: 'w', key: '0', numel: 200, start, shape, stride };
        const checkpoint = await open(torchZip(dictPickle([view]), { 0: new Uint8Array(storage.buffer) }));
        const [tensor] = checkpoint.tensors;
        let expected = [start];
        axes.forEach((one) => {
          expected = expected.flatMap((at) => Array.from({ length: one.size }, (_, i) => at + i * one.stride));
        });
        const rows = shape[0] ?? 1;
        const first = Math.min(from, rows);
        const got = [...(await checkpoint.readRows(tensor!, 0, first)), ...(await checkpoint.readRows(tensor!, first, rows - first))];
        expect(got).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
  test('wider than one piece is gathered piece by piece, with little memory', async () => {
    const [rows, columns] = [3000, 3200];
    const storage = Float32Array.from({ length: rows * columns }, (_, i) => i);
    const transposed: TestTensor = { name: 'w', key: '0', numel: rows * columns, shape: [columns, rows], stride: [1, columns] };
    const checkpoint = await open(torchZip(dictPickle([transposed]), { 0: new Uint8Array(storage.buffer) }));
    const got = await checkpoint.readRows(checkpoint.tensors[0]!, 100, 3);
    for (const [at, value] of got.entries())
      if (value !== 100 + Math.floor(at / rows) + (at % rows) * columns) expect(value).toBe(`value ${at}`);
    expect(got.length).toBe(3 * rows);
  });
  test.each<[string, Partial<TestTensor>, string]>([
    ['that reaches behind it', { shape: [7] }, 'WEIGHTS_SHAPE'],
    ['that starts behind it', { start: 6 }, 'WEIGHTS_SHAPE'],
    ['whose strides leave it', { shape: [2], stride: [6] }, 'WEIGHTS_SHAPE'],
    ['with a negative stride', { shape: [2], stride: [-1] }, 'WEIGHTS_SHAPE'],
    ['with a negative size', { shape: [-2] }, 'WEIGHTS_SHAPE'],
    ['with 2^60 values', { shape: [2 ** 30, 2 ** 30], stride: [0, 0] }, 'WEIGHTS_SHAPE'],
    ['that repeats one value 2^40 times', { shape: [2 ** 40], stride: [0] }, 'WEIGHTS_LIMIT'],
    ['with more strides than axes', { shape: [2], stride: [1, 1] }, 'WEIGHTS_SHAPE'],
    ['of a storage larger than its record', { numel: 100 }, 'WEIGHTS_TRUNCATED'],
    ['of a storage that is not there', { key: '9' }, 'WEIGHTS_ARCHIVE'],
    ['of an unknown storage class', { type: 'EvilStorage' }, 'WEIGHTS_PICKLE'],
  ])('%s is refused', async (_, wrong, code) => {
    const tensor: TestTensor = { name: 'w', key: '0', numel: 6, shape: [1], stride: [1], ...wrong };
    await expect(open(torchZip(dictPickle([tensor]), { 0: six }))).rejects.toMatchObject({ code });
  });
});

describe('a hostile checkpoint', () => {
  test('that holds itself is read', async () => {
    const w = tensorPickle(dense('', '0', [6]));
    expect(names(await open(torchZip(`\x80\x02}q\x00${entry('self', 'h\x00')}${entry('w', w)}.`, { 0: six })))).toEqual(['w']);
  });
  test('that doubles a holder of tensors fifty times lists them once', async () => {
    const pickle = `\x80\x02](${tensorPickle(dense('', '0', [6]))}e${'2\x86'.repeat(50)}.`;
    expect(names(await open(torchZip(pickle, { 0: six }))).length).toBe(1);
  });
  test('nested ten thousand deep is read without its depths', async () => {
    await expect(open(torchZip(`\x80\x02${'('.repeat(10_000)}N${'t'.repeat(10_000)}.`, {}))).resolves.toMatchObject({ tensors: [] });
  });
  test.each<[string, Uint8Array, string]>([
    ['cut inside its values', torchLegacy(dictPickle([dense('w', '7', [6])], '', true), { 7: six }).slice(0, -4), 'WEIGHTS_TRUNCATED'],
    ['cut before its keys', torchLegacy(dictPickle([dense('w', '7', [6])], '', true), {}).slice(0, 60), 'WEIGHTS_TRUNCATED'],
    ['that is a tar of other things', joinBytes(torchTar().slice(0, 1024), new Uint8Array(1024)), 'WEIGHTS_NOT_A_MODEL'],
    ['that is a pickle of words', latin1('\x80\x02X\x05\x00\x00\x00hello.'), 'WEIGHTS_NOT_A_MODEL'],
  ])('%s is refused', async (_, bytes, code) => {
    await expect(open(bytes)).rejects.toMatchObject({ code });
  });
  test('with changed bytes, in every container, is refused with a typed error or read', async () => {
    const w = dense('w', '7', [2, 3]);
    const real = [
      torchZip(dictPickle([w, { ...w, name: 'x', shape: [3], stride: [2] }]), { 7: six }),
      torchLegacy(dictPickle([w], '', true), { 7: six }),
      torchTar(),
      new Uint8Array(await readFile(new URL('numpy/py2-objarr.npy', CORPUS))),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...real),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (bytes, changes) => {
          const changed = bytes.slice();
          for (const [at, value] of changes) changed[at % changed.length] = value;
          try {
            const checkpoint = await open(changed, 'm.bin');
            for (const tensor of checkpoint.tensors) if (tensor.bytes < 1 << 20) await checkpoint.readRows(tensor, 0, tensor.shape[0] ?? 1);
          } catch (error) {
            if (!(error instanceof HeirloomError)) throw error;
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
