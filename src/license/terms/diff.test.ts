import { describe, expect, test } from 'vitest';
import { diffLicenses, type LicenseDiff } from './diff.ts';
import { findLicense, type FoundLicense } from './find.ts';
import { loadRecords } from './load.ts';

type One = FoundLicense & { found: 'record' | 'text' };
const diff = async (a: string, b: string): Promise<LicenseDiff> =>
  diffLicenses((await findLicense(a)) as One, (await findLicense(b)) as One);
const named = ({ terms }: LicenseDiff, state: string): string[] => terms.filter((t) => t.state === state).map((t) => t.term);

describe('two licenses compared', () => {
  test('Llama 3 forbids training others on outputs, Llama 3.1 allows it under its name', async () => {
    const answer = await diff('llama3', 'llama3.1');
    expect(named(answer, 'only-a')).toEqual(['no.train-other-models', 'trigger.product-uses']);
    expect(named(answer, 'only-b')).toEqual(['trigger.product-contains', 'trigger.outputs-train']);
    const prefix = answer.terms.find((t) => t.term === 'duty.name-prefix');
    expect(prefix).toMatchObject({
      state: 'differs',
      differs: ['acts', 'text'],
      a: { params: { text: 'Llama 3' } },
      b: { params: { text: 'Llama' } },
    });
    expect(answer.derivation.find((row) => row.act === 'train-on-outputs')).toMatchObject({
      state: 'differs',
      a: { status: 'prohibited' },
    });
    expect(answer.words.runs).toContainEqual({ before: 'a product or service that', a: 'uses', b: 'contains' });
  });

  test('the first Gemma terms ask for the latest version, the second do not; the date differs too', async () => {
    const answer = await diff('gemma-2024-02-21', 'gemma-2024-04-01');
    expect(named(answer, 'only-a')).toEqual(['duty.latest-version']);
    expect(named(answer, 'differs')).toEqual([]);
    expect(answer.words.runs.map((run) => run.a)).toEqual([
      'february 21',
      'and you must make reasonable efforts to use the latest version of gemma',
      'or',
    ]);
  });

  test('a rider behind a known license shows as what it adds', async () => {
    const { words } = await diff('MIT', 'minimax-m2.1-modified-mit');
    expect(words.runs.at(-1)!.b).toMatch(/^our only modification is that if the software/);
  });

  test('a license differs from itself in nothing', async () => {
    for (const record of (await loadRecords()).values()) {
      const answer = await diff(record.id, record.id);
      expect(answer.terms.every((t) => t.state === 'same') && answer.derivation.every((row) => row.state === 'same'), record.id).toBe(true);
      expect([record.id, answer.words.state]).toEqual([record.id, 'same']);
    }
  });

  test('what has no recorded terms is said, and the words are compared', async () => {
    const answer = await diff('0BSD', 'ISC');
    expect(answer).toMatchObject({ terms: [], derivation: [], withoutTerms: ['0BSD', 'ISC'] });
    expect(answer.words.state).not.toBe('unknown');
  });

  test('two ways round it is the same difference mirrored', async () => {
    const [there, back] = [
      await diff('openrail++-m-2022-11-24', 'creativeml-openrail-m'),
      await diff('creativeml-openrail-m', 'openrail++-m-2022-11-24'),
    ];
    expect(named(there, 'only-a')).toEqual(named(back, 'only-b'));
    expect(there.terms.length).toBe(back.terms.length);
  });
});
