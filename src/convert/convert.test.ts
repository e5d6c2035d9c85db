import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryTree, type NewHasher } from '../base/index.ts';
import { type Checkpoint, openCheckpoint } from '../weights/index.ts';
import { dictPickle, entry, floats, safetensorsFile, torchZip } from '../weights/testing/index.ts';
import { planSafetensors, verifyCopy, writeSafetensors } from './index.ts';

const tensorPart = (storage: string): string =>
  `((X\x07\0\0\0storagectorch\n${storage}\nX\x01\0\0\x000X\x03\0\0\0cpuK\x02tQK\0K\x02\x85K\x01\x85`;
/** As torch/_tensor.py (2.x) writes `x.conj()`, a `torch.qint8` tensor and a sparse one. */
const lazy = `ctorch._utils\n_rebuild_tensor_v2\n${tensorPart('FloatStorage')}\x89N}X\x04\0\0\0conj\x88stR`;
const quantized = `ctorch._utils\n_rebuild_qtensor\n${tensorPart('QInt8Storage')}(ctorch\nper_tensor_affine\nG\x3f\xb9\x99\x99\x99\x99\x99\x9aK\x03t\x89NtR`;
const sparse = 'ctorch._utils\n_rebuild_sparse_tensor\n(ctorch\nsparse_coo\n)tR';
const newHasher: NewHasher = () => createHash('sha256');

async function opened(name: string, bytes: Uint8Array): Promise<Checkpoint> {
  return openCheckpoint(memoryTree('made', { [name]: bytes }), name);
}

async function copyOf(source: Checkpoint, sourceBytes: number): Promise<{ bytes: Uint8Array; copy: Checkpoint }> {
  const plan = planSafetensors(source, sourceBytes);
  const blocks: Uint8Array[] = [];
  const copied = await writeSafetensors(source, plan, newHasher, async (block) => void blocks.push(block));
  const bytes = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
  blocks.reduce((at, block) => (bytes.set(block, at), at + block.length), 0);
  const copy = await opened('copy.safetensors', bytes);
  await verifyCopy(copy, copied, newHasher);
  return { bytes, copy };
}

describe('a safetensors copy', () => {
  test('holds dense values of views that are transposed, offset or share a storage', async () => {
    const storage = floats(...Array.from({ length: 12 }, (_, i) => i));
    const file = torchZip(
      dictPickle([
        { name: 'whole', key: '0', numel: 12, shape: [3, 4], stride: [4, 1] },
        { name: 'turned', key: '0', numel: 12, shape: [4, 3], stride: [1, 4] },
        { name: 'part', key: '0', numel: 12, start: 5, shape: [2], stride: [1] },
        { name: 'repeated', key: '0', numel: 12, start: 7, shape: [3], stride: [0] },
      ]),
      { '0': storage },
    );
    const source = await opened('model.pt', file);
    const { copy } = await copyOf(source, file.length);
    const values = async (name: string): Promise<number[]> => {
      const tensor = copy.tensors.find((one) => one.name === name)!;
      return [...(await copy.readRows(tensor, 0, tensor.shape[0]!))];
    };
    expect(await values('turned')).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    expect(await values('part')).toEqual([5, 6]);
    expect(await values('repeated')).toEqual([7, 7, 7]);
    expect(planSafetensors(source, file.length).shared).toEqual([
      { storage: '0', names: expect.arrayContaining(['whole', 'turned', 'part', 'repeated']) },
    ]);
    // Transformers loads nothing that does not say of which framework it is.
    expect(copy.metadata.get('format')).toBe('pt');
  });

  test('has every value of any views of any storages, bit for bit', async () => {
    const view = fc.record({
      shape: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
      stride: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 3 }),
      start: fc.integer({ min: 0, max: 5 }),
      key: fc.integer({ min: 0, max: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(view, { minLength: 1, maxLength: 6 }),
        fc.array(fc.float(), { minLength: 60, maxLength: 60 }),
        async (views, numbers) => {
          const storages = Object.fromEntries(
            [0, 1, 2].map((key) => [String(key), floats(...numbers.slice(key).map(Math.fround), ...new Array<number>(key).fill(0))]),
          );
          const tensors = views.map(({ shape, stride, start, key }, i) => ({
            name: `t${i}`,
            key: String(key),
            numel: 60,
            start,
            shape,
            stride: stride.slice(0, shape.length),
          }));
          const file = torchZip(dictPickle(tensors), storages);
          const { copy } = await copyOf(await opened('model.pt', file), file.length);
          for (const { name, key, shape, stride, start } of tensors) {
            const held = new Float32Array(storages[key]!.buffer);
            const expected: number[] = [];
            const walk = (axis: number, at: number): void => {
              if (axis === shape.length) expected.push(held[at]!);
              else for (let i = 0; i < shape[axis]!; i++) walk(axis + 1, at + i * stride[axis]!);
            };
            walk(0, start);
            const tensor = copy.tensors.find((one) => one.name === name)!;
            expect(tensor.shape).toEqual(shape);
            expect([...(await copy.readBytes(tensor, 0, shape[0] ?? 1))]).toEqual([...floats(...expected)]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('is the same bytes every time, without holes, wide numbers first, and opens aligned', async () => {
    const source = safetensorsFile(
      {
        b: { dtype: 'U8', shape: [3], data_offsets: [0, 3] },
        a: { dtype: 'F32', shape: [2], data_offsets: [3, 11] },
        __metadata__: { author: 'Ann "é"' },
      },
      new Uint8Array([1, 2, 3, ...floats(1.5, -2)]),
    );
    const [one, two] = [
      await copyOf(await opened('m.safetensors', source), source.length),
      await copyOf(await opened('m.safetensors', source), source.length),
    ];
    expect(one.bytes).toEqual(two.bytes);
    expect(one.copy.tensors.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(one.copy.tensors[0]!.offset % 8).toBe(0);
    expect(one.copy.metadata.get('author')).toBe('Ann "é"');
    expect(one.copy.findings).toEqual([]);
  });

  test('is refused when a few bytes claim to be gigabytes', async () => {
    const file = torchZip(
      dictPickle(Array.from({ length: 40 }, (_, i) => ({ name: `t${i}`, key: '0', numel: 1, shape: [1 << 12, 1 << 12], stride: [0, 0] }))),
      { '0': floats(1) },
    );
    const source = await opened('model.pt', file);
    expect(() => planSafetensors(source, file.length)).toThrow(/claim 2684354560 bytes/);
  });

  test('says of every tensor whose stored numbers are not its values that it, or what is beside it, stays behind', async () => {
    const tensor = { name: 'w', key: '0', numel: 2, shape: [2], stride: [1] };
    const pickle = dictPickle([tensor], entry('conj', lazy) + entry('q', quantized) + entry('s', sparse) + entry('s2', sparse));
    const source = await opened('model.pt', torchZip(pickle, { '0': floats(1, 2) }));
    const { tensors, leftOut } = planSafetensors(source, 1000);
    expect(tensors.map(({ name }) => name)).toEqual(['w', 'q']);
    expect(leftOut.filter(({ name }) => name !== '').map(({ name }) => name)).toEqual(['conj', 'q', 's', 's2']);
    expect(leftOut.find(({ name }) => name === 'conj')!.why).toContain('conjugated');
    expect(leftOut.find(({ name }) => name === 'q')!.why).toContain('zero point');
  });

  test('that differs from its source in one bit is caught', async () => {
    const file = safetensorsFile({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, floats(1, 2));
    const source = await opened('m.safetensors', file);
    const copied = await writeSafetensors(source, planSafetensors(source, file.length), newHasher, async () => {});
    const spoiled = file.slice();
    spoiled[spoiled.length - 1]! ^= 1;
    await expect(verifyCopy(await opened('copy.safetensors', spoiled), copied, newHasher)).rejects.toMatchObject({
      code: 'CONVERT_MISMATCH',
      where: { field: 'a' },
    });
    await expect(verifyCopy(await opened('copy.safetensors', file), [{ name: 'b', sha256: '' }], newHasher)).rejects.toThrow(/"b"/);
  });
});
