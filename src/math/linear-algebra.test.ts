import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eigenSymmetric, linearAssignment, multiply, multiplyTransposed, polar, transpose } from './index.ts';

/** Deterministic numbers in (-1, 1). */
function numbers(seed: number, count: number): Float64Array {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2147483648 - 1;
  });
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe('the symmetric eigenproblem', () => {
  test.each([1, 2, 5, 40, 130])('of size %i is solved: A V = V L and V is orthogonal', (n) => {
    const half = numbers(n, n * n);
    const a = half.map((value, at) => value + half[(at % n) * n + Math.floor(at / n)]!);
    const { values, vectors } = eigenSymmetric(a, n);
    const scaled = vectors.map((value, at) => value * values[at % n]!);
    expect(largestDifference(multiply(a, vectors, n, n, n), scaled)).toBeLessThan(1e-10 * n);
    const identity = Float64Array.from({ length: n * n }, (_, at) => (at % n === Math.floor(at / n) ? 1 : 0));
    expect(largestDifference(multiplyTransposed(vectors, vectors, n, n, n), identity)).toBeLessThan(1e-11 * n);
    expect([...values]).toEqual([...values].sort((x, y) => x - y));
  });
  test('of a zero matrix and of one with repeated values ends', () => {
    expect([...eigenSymmetric(new Float64Array(9), 3).values]).toEqual([0, 0, 0]);
    expect([...eigenSymmetric(Float64Array.of(2, 0, 0, 2), 2).values]).toEqual([2, 2]);
  });
});

describe('the polar factor', () => {
  test('of a rotated matrix gives back the rotation', () => {
    const n = 24;
    const rotation = polar(numbers(7, n * n), n, n);
    const e = numbers(9, 100 * n);
    const turned = multiply(e, rotation, 100, n, n);
    expect(largestDifference(polar(multiplyTransposed(e, turned, 100, n, n), n, n), rotation)).toBeLessThan(1e-9);
  });
  test.each([
    [8, 20],
    [20, 8],
  ])('of a %i by %i matrix has orthonormal short side', (rows, columns) => {
    const r = polar(numbers(3, rows * columns), rows, columns);
    const short = Math.min(rows, columns);
    const gram =
      rows < columns ? multiply(r, transpose(r, rows, columns), rows, columns, rows) : multiplyTransposed(r, r, rows, columns, columns);
    const identity = Float64Array.from({ length: short * short }, (_, at) => (at % short === Math.floor(at / short) ? 1 : 0));
    expect(largestDifference(gram, identity)).toBeLessThan(1e-9);
  });
});

/** Every permutation: the oracle. */
function bestByForce(score: Float64Array, rows: number, columns: number): number {
  const go = (row: number, used: number): number => {
    if (row === rows) return 0;
    let best = -Infinity;
    for (let j = 0; j < columns; j++)
      if (!(used & (1 << j))) best = Math.max(best, score[row * columns + j]! + go(row + 1, used | (1 << j)));
    return best;
  };
  return go(0, 0);
}

describe('the assignment', () => {
  test('is the best of all permutations', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 2 }), fc.integer(), (rows, extra, seed) => {
        const columns = rows + extra;
        const score = numbers(seed, rows * columns);
        const chosen = linearAssignment(score, rows, columns);
        expect(new Set(chosen).size).toBe(rows);
        const sum = chosen.reduce((total, j, i) => total + score[i * columns + j]!, 0);
        expect(sum).toBeCloseTo(bestByForce(score, rows, columns), 9);
      }),
      { numRuns: 200 },
    );
  });
  test('finds a hidden permutation, also with more rows than columns', () => {
    const [rows, columns] = [40, 30];
    const score = Float64Array.from({ length: rows * columns }, (_, at) =>
      Math.floor(at / columns) === ((at % columns) * 7) % rows ? 1 : 0,
    );
    const chosen = linearAssignment(score, rows, columns);
    expect(chosen.filter((j) => j >= 0).length).toBe(columns);
    expect(chosen.reduce((total, j, i) => total + (j >= 0 ? score[i * columns + j]! : 0), 0)).toBe(columns);
  });
});
