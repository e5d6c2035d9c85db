import { describe, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { memoryTree } from '../../src/base/index.ts';
import { scanFile } from '../../src/safety/index.ts';
import { tarBytes, zipBytes } from '../../src/weights/testing/index.ts';
import { CORPUS, isFlagged, judgeCorpus, type Judged, type Label } from '../../bench/safety-corpus/measure.ts';

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

  test.each(['gzip', 'tar', 'zip'] as const)('what is found alone is found in %s as well, and what is clean stays clean', async (form) => {
    const differing: string[] = [];
    for (const { file, scanned } of judged) {
      const bytes = new Uint8Array(readFileSync(`${CORPUS}${file}`));
      if (bytes.length > 300_000) continue;
      const name = file.slice(file.lastIndexOf('/') + 1);
      const path = form === 'gzip' ? `${name}.gz` : `a.${form}`;
      const members = [{ name: name.slice(-90), data: bytes }];
      const packed = form === 'gzip' ? new Uint8Array(gzipSync(bytes)) : form === 'tar' ? tarBytes(members) : zipBytes(members);
      const { verdict } = await scanFile(memoryTree('packed', { [path]: packed }), path);
      // That a program is named as weights is seen of whole files only; a program in an archive is told either way.
      if ((verdict === 'clean') !== (scanned.verdict === 'clean')) differing.push(`${file}: ${scanned.verdict}, ${verdict}`);
    }
    expect(differing).toEqual([]);
  });
});
