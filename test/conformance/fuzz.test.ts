/**
 * A few thousand of the inputs of `bench/fuzz`, the same each time.
 */
import { describe, expect, test } from 'vitest';
import { attempt } from '../../bench/fuzz/attempt.ts';
import { inputMaker } from '../../bench/fuzz/inputs.ts';
import { minimize } from '../../bench/fuzz/minimize.ts';
import { READERS } from '../../bench/fuzz/readers.ts';

const SEED = 20_260_101;
const INPUTS = 4000;

describe('whatever bytes a reader is given', () => {
  test('it answers or refuses with a typed error, within a second', async () => {
    const makeInput = inputMaker(SEED);
    const readers = new Set<string>();
    const findings: string[] = [];
    for (let index = 0; index < INPUTS; index++) {
      const input = makeInput(index);
      // The first of each reader loads catalogs.
      if (!readers.has(input.reader)) await attempt(input);
      readers.add(input.reader);
      const { what } = await attempt(input);
      if (what) findings.push(`${what} (input ${index})`);
    }
    expect(findings).toEqual([]);
    expect([...readers].sort()).toEqual(Object.keys(READERS).sort());
  });

  test('an index stands for one input', () => {
    const [one, other] = [inputMaker(SEED), inputMaker(SEED)];
    for (const index of [0, 7, 4000]) expect(one(index)).toEqual(other(index));
    expect(one(1)).not.toEqual(one(2));
  });

  test('a failing input is reduced to what makes it fail', async () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i === 700 ? 9 : 1));
    const small = await minimize({ reader: 'scan', path: 'm', bytes, beside: {} }, async (input) => input.bytes.includes(9), 400);
    expect([...small.bytes]).toEqual([9]);
  });
});
