import { describe, expect, test } from 'vitest';
import { counted, type Matrix, matrixAt, stacked, tinyModel, transposeOf } from './testing/tiny.ts';

const [WIDTH, NEURONS, ROWS] = [16, 40, 64];
const one = (block: number, part: number): Matrix => counted([NEURONS, WIDTH], 10 * block + part);
const two = (block: number): Matrix => counted([WIDTH, NEURONS], 10 * block + 3);
const outside = { 'zz.tab': counted([ROWS, WIDTH], 100), 'zz.last': counted([WIDTH], 101) };

describe('a language model whose every tensor was renamed', () => {
  test('has its table, blocks and gated MLPs told by shapes', async () => {
    const model = await tinyModel({
      ...outside,
      ...Object.fromEntries(
        [0, 1, 2].flatMap((n) => [
          [`part${n}_aa`, one(n, 1)],
          [`part${n}_bb`, one(n, 2)],
          [`part${n}_cc`, two(n)],
          [`part${n}_n1`, counted([WIDTH], 10 * n + 4)],
          [`part${n}_n2`, counted([WIDTH], 10 * n + 5)],
          [`part${n}_xq`, counted([WIDTH, WIDTH], 10 * n + 6)],
        ]),
      ),
    });
    expect(model.scheme).toBe('inferred');
    expect(await matrixAt(model, 'embed')).toEqual(outside['zz.tab']);
    for (const n of [0, 1, 2]) {
      expect(await matrixAt(model, `layers.${n}.gate`)).toEqual(one(n, 1));
      expect(await matrixAt(model, `layers.${n}.up`)).toEqual(one(n, 2));
      expect(await matrixAt(model, `layers.${n}.down`)).toEqual(two(n));
    }
    expect(model.roles.map((rt) => rt.role)).toContain('norm_f');
    expect(model.roles.filter((rt) => rt.role === 'linear').map((rt) => rt.slot)).toEqual(['part0_xq', 'part1_xq', 'part2_xq']);
  });

  test('is read whichever way its matrices are stored, fused or not', async () => {
    const turned = await tinyModel({
      ...outside,
      ...Object.fromEntries(
        [0, 1].flatMap((n) => [
          [`k.${n}.a`, transposeOf(one(n, 1))],
          [`k.${n}.b`, transposeOf(one(n, 2))],
          [`k.${n}.c`, transposeOf(two(n))],
        ]),
      ),
    });
    const fused = await tinyModel({
      ...outside,
      ...Object.fromEntries(
        [0, 1].flatMap((n) => [
          [`k.${n}.a`, stacked(one(n, 1), one(n, 2))],
          [`k.${n}.c`, two(n)],
        ]),
      ),
    });
    for (const model of [turned, fused]) {
      expect((await matrixAt(model, 'layers.1.up')).values).toEqual(one(1, 2).values);
      expect((await matrixAt(model, 'layers.1.gate')).values).toEqual(one(1, 1).values);
      expect((await matrixAt(model, 'layers.1.down')).values).toEqual(two(1).values);
    }
  });
});

test('networks without a vocabulary, or whose blocks do not widen and narrow, keep their plain names', async () => {
  const blocks = Object.fromEntries(
    [0, 1].flatMap((n) => [
      [`k.${n}.a`, one(n, 1)],
      [`k.${n}.c`, two(n)],
    ]),
  );
  expect((await tinyModel(blocks)).scheme).toBe('generic');
  expect((await tinyModel({ ...outside, 'k.0.a': one(0, 1), 'k.1.a': one(1, 1) })).scheme).toBe('generic');
  expect((await tinyModel({ ...outside, 'k.0.a': one(0, 1), 'k.0.c': two(0) })).scheme).toBe('generic');
});
