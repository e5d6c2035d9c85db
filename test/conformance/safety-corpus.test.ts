import { describe, expect, test } from 'vitest';
import { isFlagged, judgeCorpus, type Judged, type Label } from '../../bench/safety-corpus/measure.ts';

/** Files that must be looked at for the shares to mean anything. */
const WHOLE = 360;

describe('of the labelled safety corpus', async () => {
  const judged = await judgeCorpus();
  const pickles = (label: Label): Judged[] => judged.filter((one) => one.pickleFamily && one.label === label);
  const names = (files: readonly Judged[]): string[] => files.map((one) => one.file);

  test('every file was scanned', () => {
    expect(judged.length).toBeGreaterThan(WHOLE);
  });
  test('at least 98.5 % of the malicious files of the pickle family are flagged', () => {
    const missed = pickles('malicious').filter((one) => !isFlagged(one));
    expect(missed.length / pickles('malicious').length, names(missed).join()).toBeLessThanOrEqual(0.015);
  });
  test('at most 2 % of the benign files of the pickle family are flagged', () => {
    const flagged = pickles('benign').filter(isFlagged);
    expect(flagged.length / pickles('benign').length, names(flagged).join()).toBeLessThanOrEqual(0.02);
  });
});
