import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource, type ReadStats } from '../base/index.ts';
import type { Checkpoint, TensorInfo } from '../weights/index.ts';
import { ModelError, readModel, readRoleBlock, readRoleRows, roleShape, type RoleTensor, type TensorView } from './index.ts';
import { counted, matrixAt, slotOf, tinyModel, treeOf } from './testing/tiny.ts';

/** A role over values held in memory, whatever its shape and view. */
function role(
  shape: readonly number[],
  view: TensorView,
): { checkpoint: Checkpoint; rt: RoleTensor; values: Float32Array; stats: ReadStats } {
  const { values } = counted(shape, 1);
  const stats: ReadStats = { bytes: 0, requests: 0 };
  const source = memorySource('t', new Uint8Array(values.buffer), stats);
  const tensor: TensorInfo = { name: 't', dtype: 'F32', shape, file: 't', offset: 0, bytes: values.byteLength };
  const rowLength = (of: TensorInfo): number => of.shape.slice(1).reduce((product, size) => product * size, 1);
  const readBytes = (of: TensorInfo, start: number, count: number): Promise<Uint8Array> =>
    source.read(start * rowLength(of) * 4, count * rowLength(of) * 4);
  const checkpoint: Checkpoint = {
    format: 'safetensors',
    formatVersion: '',
    files: ['t'],
    tensors: [tensor],
    metadata: new Map(),
    findings: [],
    readBytes,
    readRows: async (of, start, count) => new Float32Array((await readBytes(of, start, count)).slice().buffer),
  };
  return { checkpoint, rt: { slot: 't', role: 'linear', stack: '', block: null, tensor, view }, values, stats };
}

/** The definition of a view, one value at a time: where output r, input c stands in the stored array. */
function stored(shape: readonly number[], view: TensorView, r: number, c: number): number {
  const matrix = view.slice === undefined ? shape : shape.slice(1);
  const sizes = matrix.map((size, i) => (i === 0 && view.rows ? view.rows[1] : i === 1 && view.columns ? view.columns[1] : size));
  const order = view.outputFirst ?? (view.transpose ? [1, 0] : matrix.map((_, i) => i));
  const index: number[] = Array.from({ length: matrix.length }, () => 0);
  let left = c;
  for (const axis of order.slice(1).reverse()) {
    index[axis] = left % sizes[axis]!;
    left = Math.floor(left / sizes[axis]!);
  }
  let out = r;
  const head = view.ropeInterleavedHeadRows;
  if (head) out = r - (r % head) + (r % head < head / 2 ? 2 * (r % head) : 2 * ((r % head) - head / 2) + 1);
  if (view.outputGroups) out = Math.floor(out / view.outputGroups[0]) * view.outputGroups[1] + (out % view.outputGroups[0]);
  index[order[0]!] = out;
  const at = index.map((i, axis) => i + ((axis === 0 ? view.rows : axis === 1 ? view.columns : undefined)?.[0] ?? 0));
  return at.reduce((sum, i, axis) => sum * matrix[axis]! + i, view.slice ?? 0);
}

const CASES: readonly (readonly [what: string, shape: readonly number[], view: TensorView])[] = [
  ['a plain matrix', [7, 5], {}],
  ['a vector', [9], {}],
  ['a slice of rows', [9, 4], { rows: [3, 4] }],
  ['a transposed matrix', [6, 8], { transpose: true }],
  ['a slice of columns, transposed', [5, 12], { columns: [4, 4], transpose: true }],
  ['rows in groups', [12, 3], { rows: [2, 4], outputGroups: [2, 6] }],
  ['columns in groups, transposed', [3, 12], { columns: [1, 6], transpose: true, outputGroups: [1, 2] }],
  ['interleaved rotary rows', [8, 3], { ropeInterleavedHeadRows: 4 }],
  ['filters', [4, 3, 2, 2], {}],
  ['gains stored plus one', [9], { add: -1 }],
  ['gains of half a matrix stored plus one', [6, 8], { transpose: true, add: -1 }],
  ['filters stored HWIO', [2, 3, 4, 5], { outputFirst: [3, 2, 0, 1] }],
  ['filters with inputs first', [3, 4, 2], { outputFirst: [1, 0, 2] }],
  ['filters with only the inner axes moved', [3, 4, 2], { outputFirst: [0, 2, 1] }],
  ['one expert of a stack', [3, 4, 5], { slice: 1 }],
  ['half of a transposed expert', [3, 4, 6], { slice: 2, transpose: true, columns: [3, 3] }],
];

describe('a role is read as its view says', () => {
  test.each(CASES)('%s: any rows, any columns', async (_, shape, view) => {
    const { checkpoint, rt, values } = role(shape, view);
    const [rows, columns] = roleShape(rt);
    await expect(
      fc.assert(
        fc.asyncProperty(
          fc.nat({ max: rows - 1 }),
          fc.nat({ max: rows }),
          fc.array(fc.nat({ max: columns - 1 }), { maxLength: 12 }),
          async (start, wanted, picked) => {
            const count = Math.min(wanted, rows - start);
            const block = await readRoleBlock(checkpoint, rt, start, count, Int32Array.from(picked));
            expect([...block]).toEqual(
              Array.from({ length: count }, (__, r) =>
                picked.map((c) => values[stored(shape, view, start + r, c)]! + (view.add ?? 0)),
              ).flat(),
            );
            const whole = await readRoleRows(checkpoint, rt, start, count);
            expect([...whole]).toEqual(
              Array.from(
                { length: count * columns },
                (__, i) => values[stored(shape, view, start + Math.floor(i / columns), i % columns)]! + (view.add ?? 0),
              ),
            );
          },
        ),
        { numRuns: 60 },
      ),
    ).resolves.toBeUndefined();
  });

  test('of a matrix stored transposed only the stored rows asked for are read, neighbors together', async () => {
    const { checkpoint, rt, stats } = role([100, 50], { transpose: true });
    await readRoleBlock(checkpoint, rt, 10, 3, Int32Array.from([40, 7, 41, 42, 7]));
    expect(stats).toEqual({ bytes: 4 * 50 * 4, requests: 2 });
  });

  test('reads of one block are under way together, so that a remote source can merge them', async () => {
    const { checkpoint, rt } = role([100, 50], { transpose: true });
    let open = 0;
    let most = 0;
    const slow: Checkpoint = {
      ...checkpoint,
      readRows: async (...given) => {
        most = Math.max(most, ++open);
        await Promise.resolve();
        open--;
        return checkpoint.readRows(...given);
      },
    };
    await readRoleBlock(slow, rt, 0, 1, Int32Array.from([0, 20, 40, 60]));
    expect(most).toBe(4);
  });

  test('long matrices are read in runs of at most 8 MiB', async () => {
    const { checkpoint, rt } = role([3000, 1024], {});
    const sizes: number[] = [];
    const watched: Checkpoint = {
      ...checkpoint,
      readRows: (tensor, start, count) => {
        sizes.push(count * 1024 * 4);
        return checkpoint.readRows(tensor, start, count);
      },
    };
    const values = await readRoleRows(watched, rt, 0, 3000);
    expect(values[2999 * 1024 + 5]).toBe(4096 + 2999 * 1024 + 5);
    expect(sizes).toHaveLength(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8 << 20);
  });
});

describe('what cannot be read is a typed error', () => {
  test('rows and columns that are not there', async () => {
    const { checkpoint, rt } = role([4, 3], {});
    for (const [start, count] of [
      [0, 5],
      [-1, 1],
      [0.5, 1],
      [4, 1],
    ] as const)
      await expect(readRoleRows(checkpoint, rt, start, count)).rejects.toBeInstanceOf(ModelError);
    await expect(readRoleBlock(checkpoint, rt, 0, 1, Int32Array.of(3))).rejects.toBeInstanceOf(ModelError);
    await expect(readRoleBlock(checkpoint, rt, 0, 1, Int32Array.of(-1))).rejects.toBeInstanceOf(ModelError);
  });

  test('an answer of more than 2^24 values, before anything is allocated', async () => {
    const { checkpoint, rt, stats } = role([4, 3], {});
    const huge: RoleTensor = { ...rt, tensor: { ...rt.tensor, shape: [1 << 20, 1 << 20] } };
    await expect(readRoleRows(checkpoint, huge, 0, 1 << 20)).rejects.toMatchObject({ code: 'MODEL_LIMIT' });
    expect(stats.bytes).toBe(0);
  });
});

test('a scalar is one value, an empty tensor none', async () => {
  const model = await tinyModel({ s: { shape: [], values: Float32Array.of(7) }, e: { shape: [0, 4], values: new Float32Array(0) } });
  expect(roleShape(slotOf(model, 's'))).toEqual([1, 1]);
  expect([...(await matrixAt(model, 's')).values]).toEqual([7]);
  expect(await matrixAt(model, 'e')).toEqual({ shape: [0, 4], values: new Float32Array(0) });
});

test('every tensor of a model has a role, and slots are unique', async () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9_.]{1,30}$/), { minLength: 1, maxLength: 8 });
  const known = fc.constantFrom(
    'model.layers.0.self_attn.q_proj.weight',
    'layers.0.self_attn.q_proj.weight',
    'h.0.attn.c_attn.weight',
    'blk.0.attn_q.weight',
    'module.x.weight',
    '__proto__',
    'x.weight',
  );
  await expect(
    fc.assert(
      fc.asyncProperty(
        names,
        fc.uniqueArray(known, { maxLength: 6 }),
        fc.array(fc.nat({ max: 6 }), { maxLength: 4 }),
        async (a, b, shape) => {
          const all = [...new Set([...a, ...b])].filter((name) => name !== '__metadata__');
          const model = await readModel(treeOf(Object.fromEntries(all.map((name, i) => [name, counted(shape, i)]))));
          expect(new Set(model.roles.map((one) => one.tensor.name)).size).toBe(all.length);
          expect(new Set(model.roles.map((one) => one.slot)).size).toBe(model.roles.length);
          for (const one of model.roles) expect(roleShape(one).every((size) => size >= 0)).toBe(true);
        },
      ),
      { numRuns: 100 },
    ),
  ).resolves.toBeUndefined();
});
