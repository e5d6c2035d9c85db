/**
 * A few thousand of the inputs of `bench/fuzz`, the same each time.
 */
import { describe, expect, test } from 'vitest';
import { attempt } from '../../bench/fuzz/attempt.ts';
import { inputMaker, unitsOf } from '../../bench/fuzz/inputs.ts';
import { minimize } from '../../bench/fuzz/minimize.ts';

const SEED = 20_260_101;
/** For each reader and each format. */
const INPUTS = 20;

describe('whatever bytes a reader is given', () => {
  // How long it takes is measured in `bench/fuzz`; a hang ends this test.
  test('it answers or refuses with a typed error', async () => {
    const makeInput = inputMaker(SEED);
    const findings: string[] = [];
    for (const unit of unitsOf([])) {
      // The first of each reader loads catalogs.
      await attempt(makeInput(unit, 0));
      for (let index = 0; index < INPUTS; index++) {
        const { what } = await attempt(makeInput(unit, index));
        if (what && !what.endsWith(': slow')) findings.push(`${what} (input ${index})`);
      }
    }
    expect(findings).toEqual([]);
  });

  test('an index stands for one input', () => {
    const [one, other] = [inputMaker(SEED), inputMaker(SEED)];
    for (const unit of unitsOf([])) for (const index of [0, 7, 4000]) expect(one(unit, index)).toEqual(other(unit, index));
    expect(one('scan/zip', 1)).not.toEqual(one('scan/zip', 2));
  });

  test('a failing input is reduced to what makes it fail', async () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i === 700 ? 9 : 1));
    const small = await minimize({ unit: 'scan/pickle', path: 'm', bytes, beside: {} }, async (input) => input.bytes.includes(9), 400);
    expect([...small.bytes]).toEqual([9]);
  });
});
