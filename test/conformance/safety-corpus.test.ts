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
  test('at most 2 % of the benign files of the pickle family cannot be read to the end', () => {
    const unread = pickles('benign').filter((one) => one.scanned.verdict === 'unreadable');
    expect(unread.length / pickles('benign').length, names(unread).join()).toBeLessThanOrEqual(0.02);
  });
  test('no malformed pickle is clean', () => {
    expect(names(pickles('malformed').filter((one) => one.scanned.verdict === 'clean'))).toEqual([]);
  });
  test('no merely suspicious pickle is called malicious', () => {
    expect(names(pickles('suspicious').filter((one) => one.scanned.verdict === 'malicious'))).toEqual([]);
  });
  test('every pickle of an unknown module and every misused callable is flagged', () => {
    const classes = /^pickle-(unknown-module|allowlisted-abuse|obfuscated-code)$/;
    const missed = judged.filter((one) => classes.test(one.attackClass) && !isFlagged(one));
    expect(names(missed)).toEqual([]);
  });
  test('whatever another scanner flags among malicious pickles is flagged', () => {
    const missed = pickles('malicious').filter((one) => [...one.anchors.values()].includes('flag') && !isFlagged(one));
    expect(names(missed)).toEqual([]);
  });
  test('every scikit-learn and joblib file of the benign ones is read to its end', () => {
    const classes = /^benign-(sklearn|joblib)$/;
    const broken = judged.filter(
      (one) => classes.test(one.attackClass) && one.scanned.findings.some((finding) => finding.tier === 'malformed'),
    );
    expect(names(broken)).toEqual([]);
  });
});
