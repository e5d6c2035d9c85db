import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Assessment } from '../../assess/index.ts';
import { renderHtml } from '../index.ts';
import * as fixtures from '../testing/fixtures.ts';
import { ATTACKS, attack, DRIVES, hostileStrings } from '../testing/hostile.ts';
import { neuronFlips, relation } from '../testing/parts.ts';
import { type Element, parsePage, textOf, walk } from '../testing/page.ts';

const stories: readonly (readonly [string, Parameters<typeof renderHtml>[0]])[] = [
  ...Object.entries(fixtures),
  ['hostileStrings', hostileStrings],
  ['several models', { title: 'Several <b>models</b>', assessments: [...Object.values(fixtures), hostileStrings] }],
];
const NEVER = /violat|thief|stole|steal|theft|open[- ]?source|illegal|guilt|infring|pirat/i;

function all(page: string, name: string): Element[] {
  return [...walk(parsePage(page))].filter((element) => element.name === name);
}

describe('the page', () => {
  test.each(stories)('%s: holds only our elements and attributes, well nested, and references within itself', (_, input) => {
    const elements = [...walk(parsePage(renderHtml(input)))];
    const ids = elements.flatMap((element) => element.attributes.get('id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = elements.flatMap(({ attributes }) => [
      ...(attributes.get('href')?.replace(/^#/, '').split(' ') ?? []),
      ...(attributes.get('aria-labelledby')?.split(' ') ?? []),
    ]);
    expect(targets.filter((id) => !ids.includes(id))).toEqual([]);
  });

  test.each(stories)('%s: loads nothing and runs nothing, and its policy allows nothing else', (_, input) => {
    const page = renderHtml(input);
    const names = new Set([...walk(parsePage(page))].map((element) => element.name));
    for (const name of ['script', 'img', 'link', 'iframe', 'object', 'base', 'form', 'use', 'image']) expect(names).not.toContain(name);
    const [style, ...others] = all(page, 'style');
    expect(others).toEqual([]);
    const css = textOf(style!);
    expect(css).not.toMatch(/url\(|@import|expression|image-set|\\/i);
    const policy = all(page, 'meta')
      .find((meta) => meta.attributes.get('http-equiv') === 'Content-Security-Policy')!
      .attributes.get('content');
    const hash = createHash('sha256').update(css).digest('base64');
    expect(policy).toBe(`default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`);
  });

  test.each(stories)('%s: has one first heading, skips no level, and names every table and its columns', (_, input) => {
    const elements = [...walk(parsePage(renderHtml(input)))];
    const levels = elements.flatMap(({ name }) => (/^h[1-6]$/.test(name) ? Number(name[1]) : []));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    expect(levels[0]).toBe(1);
    levels.forEach((level, i) => expect(level).toBeLessThanOrEqual((levels[i - 1] ?? 0) + 1));
    expect(elements.filter(({ name }) => name === 'main')).toHaveLength(1);
    for (const table of elements.filter(({ name }) => name === 'table')) {
      const inside = [...walk(table)];
      expect(inside.filter(({ name }) => name === 'caption')).toHaveLength(1);
      expect(inside.filter(({ name }) => name === 'th').every((th) => ['row', 'col'].includes(th.attributes.get('scope') ?? ''))).toBe(
        true,
      );
      const rows = inside
        .filter(({ name }) => name === 'tr')
        .map((row) => row.children.filter((child) => typeof child !== 'string').length);
      expect(new Set(rows).size).toBe(1);
    }
  });

  test('shows hostile strings as the text they are, and what would not be seen as code points', () => {
    const text = textOf(parsePage(renderHtml(hostileStrings)));
    expect(text).toContain('<script>alert(1)</script>');
    expect(text).toContain('"><img src=https://evil.example/x onerror=alert(1)>');
    expect(text).toContain('safeU+202Egnp.exeU+2066U+200B ×3U+FEFF');
    expect(text).toContain('tagU+E0041U+E0042ged');
    expect(text).not.toMatch(DRIVES);
  });

  test('of any strings anywhere stays well formed', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(...ATTACKS, '&', '&amp', '&#', '"', "'", '<', '</', '<!--', '\\', '`', '${'),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), (attacks) => {
        const page = renderHtml(attack(fixtures.launderedFineTune, attacks) as Assessment);
        expect([...walk(parsePage(page))].length).toBeGreaterThan(200);
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  test.each(Object.entries(fixtures))('%s: tells facts, not blame', (_, a) => {
    expect(textOf(parsePage(renderHtml(a)))).not.toMatch(NEVER);
  });

  test.each(stories)('%s: the same judgement gives the same bytes', (_, input) => {
    expect(renderHtml(structuredClone(input))).toBe(renderHtml(input));
  });

  test('says the evidence in numbers and in plain words', () => {
    const text = textOf(parsePage(renderHtml(fixtures.launderedFineTune))).replaceAll(/\s+/g, ' ');
    expect(text).toContain('p < 10−19 after correction for 50 known models');
    expect(text).toContain('agreement this strong would be seen less than once in 1012 tries.');
    expect(text).toContain('Do neurons at the same place differ from their neighbors in the same direction in both models?');
    expect(text).toContain('Each flip agrees with probability one half');
    expect(text).toContain('95 of 96 agree over 4 layers');
    expect(text).toContain(`heirloom compare hf:alder-lab/Alder-1M ./models/rowan-chat`);
    expect(text).toContain(fixtures.launderedFineTune.subject.digest);
  });

  test('quotes what the shell would take apart', () => {
    const subject = { ...fixtures.cleanModel.subject, locator: "a b'; rm -rf ~ #" };
    const text = textOf(parsePage(renderHtml({ ...fixtures.cleanModel, subject })));
    expect(text).toContain(`heirloom check 'a b'\\''; rm -rf ~ #'`);
  });

  test('of a test with thousands of layers stays small', () => {
    const flips = Array.from({ length: 20_000 }, () => 24);
    const ancestor = fixtures.launderedFineTune.lineage.relations[0]!.ancestor;
    const many = { ...relation({ tests: [neuronFlips(flips, flips, -300)] }), ancestor };
    const page = renderHtml({ ...fixtures.launderedFineTune, lineage: { ...fixtures.launderedFineTune.lineage, relations: [many] } });
    expect(page.length).toBeLessThan(120_000);
    expect(page).toContain('The first 64 of 20000 layers.');
  });
});

describe('the colors of the page', () => {
  const css = textOf(all(renderHtml(fixtures.cleanModel), 'style')[0]!);
  const schemes = [...css.matchAll(/:root\{(?:color-scheme:light dark;)?(--[^}]*)\}/g)].map((match) => {
    return new Map(match[1]!.split(';').map((rule) => rule.trim().split(':') as [string, string]));
  });
  const luminance = (color: string): number => {
    const hex = /^#(...)$/.test(color) ? color.replaceAll(/[0-9a-f]/g, '$&$&') : color;
    const [r, g, b] = [1, 3, 5]
      .map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  test('have a contrast of at least 4.5 for text, in light and dark (WCAG 2.2, 1.4.3)', () => {
    expect(schemes).toHaveLength(2);
    for (const scheme of schemes)
      for (const [text, back] of [
        ['ink', 'page'],
        ['ink', 'card'],
        ['ink', 'plain-bg'],
        ['quiet', 'page'],
        ['quiet', 'card'],
        ['quiet', 'plain-bg'],
        ['link', 'page'],
        ['careful', 'careful-bg'],
        ['bad', 'bad-bg'],
        ['good', 'good-bg'],
      ]) {
        const [a, b] = [luminance(scheme.get(`--${text}`)!), luminance(scheme.get(`--${back}`)!)].sort((x, y) => y - x);
        expect((a! + 0.05) / (b! + 0.05), `${text} on ${back}`).toBeGreaterThan(4.5);
      }
  });
});
