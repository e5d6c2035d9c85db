import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { rowProductsF32 } from './gemm.ts';

function values(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}

describe('row products by WebAssembly', () => {
  test('equal plain sums for blocks of every size, up to f32 rounding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1100 }), (m, n, k) => {
        const [a, b] = [values(m * k, 1 + k), values(n * k, 2 + k)];
        const out = rowProductsF32(a, b, m, n, k);
        for (let i = 0; i < m; i++)
          for (let j = 0; j < n; j++) {
            let sum = 0;
            for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[j * k + p]!;
            expect(Math.abs(out[i * n + j]! - sum)).toBeLessThan(1e-4);
          }
      }),
      { numRuns: 25 },
    );
  });

  test('are right across block borders and for rows longer than a block', () => {
    for (const [m, n, k] of [
      [515, 1030, 33],
      [9, 17, 140_000],
    ] as const) {
      const [a, b] = [values(m * k, 3), values(n * k, 4)];
      const out = rowProductsF32(a, b, m, n, k);
      for (const [i, j] of [
        [0, 0],
        [m - 1, n - 1],
        [Math.floor(m / 2), 7],
        [3, Math.floor(n / 2)],
      ] as const) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[j * k + p]!;
        expect(Math.abs(out[i * n + j]! - sum)).toBeLessThan(1e-5 * Math.sqrt(k) + 1e-4);
      }
    }
  });

  test('keep to their own row: a not-a-number spoils no other', () => {
    const a = values(12 * 5, 7);
    a[7] = NaN;
    const out = rowProductsF32(a, values(9 * 5, 8), 12, 9, 5);
    expect([...out].map(Number.isNaN).flatMap((is, at) => (is ? [Math.floor(at / 9)] : []))).toEqual(Array(9).fill(1));
  });
});
