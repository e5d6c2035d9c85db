import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundedLines } from './lines.ts';

async function* inPieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}
const lines = (text: string, size: number, max: number = 100): Promise<(string | null)[]> =>
  collect(boundedLines(inPieces(new TextEncoder().encode(text), size), max));

test('lines come out the same whatever the pieces they arrive in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 20, unit: 'grapheme' }), { minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      async (parts, size) => {
        const clean = parts.map((part) => part.replace(/[\r\n]/g, ''));
        const expected = clean.at(-1) === '' ? clean.slice(0, -1) : clean;
        expect(await lines(clean.join('\r\n'), size)).toEqual(expected);
      },
    ),
  );
});

test('a line over the limit is one null, and the next is read as it is', async () => {
  expect(await lines(`a\n${'x'.repeat(5000)}\nb`, 7)).toEqual(['a', null, 'b']);
  expect(await lines(`${'x'.repeat(101)}\n${'x'.repeat(100)}`, 1000)).toEqual([null, 'x'.repeat(100)]);
  expect(await lines('x'.repeat(5000), 7)).toEqual([null]);
});
