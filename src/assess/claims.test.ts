import { describe, expect, test } from 'vitest';
import type { Relation } from '../lineage/index.ts';
import { checkClaim, type OtherTie } from './claims.ts';

const subject = (name: string): Relation['a'] => ({
  name,
  digest: `sha256:${name}`,
  digestCovers: 'all',
  format: 'safetensors',
  parameters: 1,
});

function relation(a: string, b: string, changes: Partial<Relation> = {}): Relation {
  return {
    schema: 'heirloom-relation/1',
    a: subject(a),
    b: subject(b),
    verdict: 'no-evidence',
    because: 'no test rejects independence',
    share: { fraction: null, part: 'none shown', slots: [] },
    kind: { name: 'unknown', note: '' },
    direction: 'unknown',
    directionGrounds: '',
    log10P: -0.3,
    log10PAdjusted: 0,
    searched: 2,
    detectable: 0.1,
    tests: [],
    limits: [],
    ...changes,
  };
}
const tie: Partial<Relation> = {
  verdict: 'derived',
  because: 'independence is rejected',
  share: { fraction: 1, part: 'all blocks', slots: [] },
  kind: { name: 'fine-tune', note: '', relativeChange: 0.2 },
  log10P: -150,
  log10PAdjusted: -149,
};

const claimed = relation('Named', 'Suspect');
const other: OtherTie = { relation: relation('Other', 'Suspect', tie), toClaimed: relation('Named', 'Other') };
const verdict = (c: Relation | undefined, others: readonly OtherTie[]): string =>
  checkClaim('Named', 'README.md: base_model', c, others).verdict;

describe('a base that a card names', () => {
  test('is refuted when the weights show a stranger of it and as strong a tie to it would have been seen', () => {
    const check = checkClaim('Named', 'README.md: base_model', claimed, [other]);
    expect(check.verdict).toBe('refuted');
    expect(check.because).toMatch(
      /share training with Other .*correlation about 0\.98; against Named 0\.10 would have been seen and nothing was/,
    );
  });

  test('is not shown, and no more, when nothing else explains the weights', () => {
    expect(verdict(claimed, [])).toBe('not-shown');
  });

  test.each<[string, Relation, OtherTie]>([
    ['the other tie is calibrated only', claimed, { ...other, relation: relation('Other', 'Suspect', { ...tie, log10PAdjusted: null }) }],
    [
      'part of the weights is not explained',
      claimed,
      { ...other, relation: relation('Other', 'Suspect', { ...tie, share: { fraction: 0.6, part: 'part', slots: [] } }) },
    ],
    [
      'too much has changed since',
      claimed,
      { ...other, relation: relation('Other', 'Suspect', { ...tie, kind: { name: 'fine-tune', note: '', relativeChange: 3 } }) },
    ],
    [
      'the change is not known',
      claimed,
      { ...other, relation: relation('Other', 'Suspect', { ...tie, kind: { name: 'disguised', note: '' } }) },
    ],
    ['the tests against it were weak', relation('Named', 'Suspect', { detectable: 0.6 }), other],
    ['the tests against it could not run', relation('Named', 'Suspect', { detectable: null }), other],
    ['it shares a start with the suspect', relation('Named', 'Suspect', { verdict: 'common-initialization' }), other],
    ['the other model may descend from it', claimed, { ...other, toClaimed: relation('Named', 'Other', { verdict: 'shared-origin' }) }],
    [
      'the other model could not be held against it',
      claimed,
      { ...other, toClaimed: relation('Named', 'Other', { verdict: 'unresolved', detectable: null }) },
    ],
  ])('is not refuted when %s', (_, c, o) => {
    expect(verdict(c, [o])).toBe('not-shown');
  });

  test('keeps its other words', () => {
    expect(verdict(undefined, [other])).toBe('not-registered');
    expect(verdict(relation('Named', 'Suspect', tie), [other])).toBe('supported');
    expect(verdict(relation('Named', 'Suspect', { verdict: 'unresolved' }), [other])).toBe('unresolved');
  });
});
