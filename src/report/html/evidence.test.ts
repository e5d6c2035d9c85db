import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../base/index.ts';
import type { Relation } from '../../lineage/index.ts';
import { coinRange } from '../expected.ts';
import { type Origin, renderEvidence, renderExplanation, renderRelation } from '../index.ts';
import { CALIBRATION, FULL, TESTS } from '../testing/evidence.ts';
import { ATTACKS, attack, DRIVES } from '../testing/hostile.ts';
import { type Element, parsePage, textOf, walk } from '../testing/page.ts';
import { relation } from '../testing/parts.ts';
import { displayWidth } from '../text.ts';

const ORIGIN: Origin = { tool: 'heirloom 0.1.0', a: 'hf:alder-lab/Alder-1M', b: "./a b'; rm -rf ~ #", options: ['--full'] };
const NEVER = /violat|thief|stole|steal|theft|open[- ]?source|illegal|guilt|infring|pirat/i;
const VERDICTS = ['identical', 'derived', 'common-initialization', 'shared-origin', 'no-evidence', 'unresolved'] as const;

const page = (subject: Relation): string => renderEvidence(subject, ORIGIN, CALIBRATION);
const elements = (html: string, name: string): Element[] => [...walk(parsePage(html))].filter((element) => element.name === name);
const flat = (html: string): string => textOf(parsePage(html)).replaceAll(/\s+/g, ' ');

describe('the evidence report', () => {
  test.each(VERDICTS)('of %s is one well-formed page that names its parts once and skips no heading', (verdict) => {
    const all = [...walk(parsePage(page({ ...FULL, verdict })))];
    const ids = all.flatMap((element) => element.attributes.get('id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const named = all.flatMap((element) => element.attributes.get('aria-labelledby')?.split(' ') ?? []);
    expect(named.filter((id) => !ids.includes(id))).toEqual([]);
    const levels = all.flatMap(({ name }) => (/^h[1-6]$/.test(name) ? Number(name[1]) : []));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.forEach((level, i) => expect(level).toBeLessThanOrEqual((levels[i - 1] ?? 0) + 1));
    expect(all.some(({ name }) => name === 'script')).toBe(false);
  });

  test('has a picture for every test, also for those it does not know, each read out in words', () => {
    const parts = elements(page(FULL), 'section').filter((section) => section.attributes.get('class') === 'test');
    expect(parts).toHaveLength(TESTS.length);
    // A median correlation of .98 is a share and is drawn too.
    for (const part of parts)
      expect(
        [...walk(part)].some((element) => element.name === 'svg'),
        textOf(part),
      ).toBe(true);
    for (const svg of elements(page(FULL), 'svg')) expect([...walk(svg)].map((element) => element.name)).toContain('desc');
  });

  test('says what chance would have given, in numbers worked out from the null model', () => {
    expect(coinRange(96)).toEqual({ low: 32, high: 64 });
    expect(coinRange(10)).toEqual({ low: 0, high: 10 });
    expect(flat(page(FULL))).toContain(
      'Of two independent models between 32 and 64 of 96 would agree in 999 of 1,000 comparisons; here it is 84.',
    );
  });

  test('says that the best of several was taken where the places were not fixed beforehand', () => {
    const picked = { ...TESTS[0]!, details: { ...TESTS[0]!.details, alignment: 'best block of A for every block of B' } };
    expect(flat(page({ ...FULL, tests: [picked] }))).toContain(
      'That range holds for places fixed beforehand; here the best fit of several was taken',
    );
    expect(flat(page(FULL))).not.toContain('fixed beforehand');
  });

  test('tells rank, scheme, merge with errors, maps, disguises and what else would look the same', () => {
    for (const text of [flat(page(FULL)), renderRelation(FULL, { color: false, columns: 100 }).replaceAll(/\s+/g, ' ')]) {
      expect(text).toContain('the change has rank 8 in most matrices it touches');
      expect(text).toContain('q8_0, proved: quantizing A anew by it gives B to the bit');
      expect(text).toContain('0.704 ± 0.012 of alder-cook, 0.31 ± 0.15 of alder-law; task arithmetic from Alder-1M, R2 0.9973, t 0.3;');
      expect(text).toContain('the fit leaves a gap that a parent not given here would explain');
      expect(text).toContain("B's 6 layers match, in order, A's 0-2, 1-3");
      expect(text).toContain('7 of 8 neurons matched, 2 of them in another place');
      expect(text).toContain('neurons permuted, hidden space rotated');
      expect(text).toContain('a fine-tune of the mixture');
    }
  });

  test('names the command that repeats it, and prints the relation in bytes that give the printed digest', () => {
    const html = page(FULL);
    expect(flat(html)).toContain(`heirloom compare hf:alder-lab/Alder-1M './a b'\\''; rm -rf ~ #' --full --html report.html`);
    const printed = textOf(elements(html, 'pre').find((pre) => pre.attributes.get('id') === 'relation')!);
    expect(flat(html)).toContain(createHash('sha256').update(printed).digest('hex'));
    expect(printed).toBe(canonicalJson(FULL));
    const foreign = { ...FULL, a: { ...FULL.a, name: 'Älder‮' } };
    const escaped = textOf(elements(page(foreign), 'pre').find((pre) => pre.attributes.get('id') === 'relation')!);
    expect(JSON.parse(escaped)).toEqual(foreign);
  });

  test('is the same to the byte for the same relation, and holds no date', () => {
    expect(page(structuredClone(FULL))).toBe(page(FULL));
    expect(flat(page(FULL))).not.toMatch(/\b20\d\d-\d\d|\bms\b/);
  });

  test.each(VERDICTS)('of %s tells facts, not blame, and what it does not say', (verdict) => {
    const text = flat(page({ ...FULL, verdict }));
    expect(text).not.toMatch(NEVER);
    expect(text).toContain('What it does not say');
    expect(text).toContain('at most 0.4 % with 95 % confidence');
  });

  test('shows hostile strings as text', () => {
    const hostile = attack(FULL, ATTACKS) as Relation;
    expect(textOf(parsePage(page({ ...hostile, verdict: 'derived' })))).not.toMatch(DRIVES);
  });

  test('of a relation with huge or broken numbers stays well formed and small', () => {
    const kind = {
      ...FULL.kind,
      layerMap: Array.from({ length: 100_000 }, (_, i) => i * 1e9),
      neuronMap: [Array.from({ length: 100_000 }, (_, i) => i)],
    };
    const broken = { ...TESTS[2]!, details: { 'down ratio': 1e300, 'down threshold': -1e300, partZ: [1e300, -1e300] } };
    const html = page({ ...FULL, kind, tests: [broken, { ...TESTS[0]!, n: 0, statistic: { name: 'flips', value: 0 }, details: {} }] });
    parsePage(html);
    expect(html.length).toBeLessThan(200_000);
  });
});

describe('the explanation on the terminal', () => {
  test.each([40, 80, 120])('fits %i columns and tells meaning, chance, power and thresholds of every test', (columns) => {
    const text = renderExplanation(FULL, CALIBRATION, { color: false, columns });
    expect(text.split('\n').filter((line) => displayWidth(line) > columns)).toEqual([]);
    const words = text.replaceAll(/\s+/g, ' ');
    for (const { test: id } of TESTS) expect(words).toContain(id);
    if (columns < 80) return;
    expect(words).toContain('Of two independent models between 32 and 64 of 96 would agree');
    expect(words).toContain('finds 0 % at 0, 80 % at 0.1, 100 % at 0.5');
    expect(words).toContain('is what a correlation between 0.1 and 0.5 gives');
    expect(words).toContain('exact tests, log10 p -6: chosen');
    expect(words).toContain('0 of 28 (at most 10.2 %)');
    expect(words).not.toMatch(NEVER);
  });
  test('of models that could not be compared says that no test ran', () => {
    const text = renderExplanation(relation({ verdict: 'unresolved', tests: [] }), CALIBRATION, { color: false, columns: 80 });
    expect(text).toContain('None could run.');
  });
});
