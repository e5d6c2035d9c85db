import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffWords } from './diff.ts';

const apply = (a: number[], b: number[]): number[] => {
  const hunks = diffWords(Int32Array.from(a), 0, a.length, Int32Array.from(b), 0, b.length);
  const out: number[] = [];
  let at = 0;
  for (const h of hunks) {
    out.push(...a.slice(at, h.a0), ...b.slice(h.b0, h.b1));
    at = h.a1;
  }
  return [...out, ...a.slice(at)];
};

describe('a word difference', () => {
  test('turns one text into the other, whatever they are', () => {
    const words = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 });
    fc.assert(
      fc.property(words, words, (a, b) => {
        expect(apply(a, b)).toEqual(b);
      }),
    );
  });

  test('is as short as the longest common subsequence allows', () => {
    const words = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 12 });
    fc.assert(
      fc.property(words, words, (a, b) => {
        const edits = diffWords(Int32Array.from(a), 0, a.length, Int32Array.from(b), 0, b.length).reduce(
          (sum, h) => sum + h.a1 - h.a0 + h.b1 - h.b0,
          0,
        );
        expect(edits).toBe(a.length + b.length - 2 * lcs(a, b));
      }),
    );
  });

  test('of two long unrelated texts is one hunk, at once', () => {
    const a = Int32Array.from({ length: 50_000 }, (_, i) => i);
    const b = Int32Array.from({ length: 50_000 }, (_, i) => -1 - i);
    expect(diffWords(a, 0, a.length, b, 0, b.length)).toEqual([{ a0: 0, a1: 50_000, b0: 0, b1: 50_000 }]);
  });
});

function lcs(a: readonly number[], b: readonly number[]): number {
  const rows: number[][] = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      rows[i]![j] = a[i - 1] === b[j - 1] ? rows[i - 1]![j - 1]! + 1 : Math.max(rows[i - 1]![j]!, rows[i]![j - 1]!);
  return rows[a.length]![b.length]!;
}
