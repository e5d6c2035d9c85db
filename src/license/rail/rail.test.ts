import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeRail, identifyLicense } from '../index.ts';
import { loadRecords } from '../terms/load.ts';
import { readShared } from '../testing/shared.ts';
import type { RailOptions } from './compose.ts';
import { loadRail } from './data.ts';

const vocabulary = JSON.parse(readFileSync(new URL('../../../catalog/vocabulary.json', import.meta.url), 'utf8')) as Record<
  'useRestrictions' | 'terms' | 'acts',
  object
>;
const codes = Object.keys(vocabulary.useRestrictions);
const options: fc.Arbitrary<RailOptions> = fc.record({
  artifact: fc.constantFrom('D', 'A', 'M', 'S'),
  type: fc.constantFrom('open', 'research'),
  restrictions: fc.subarray(codes, { minLength: 1 }),
  name: fc.constantFrom('Acme-7B', 'The Grand Model 2.1', 'C++ helper', 'modèle d’été', 'Llama 3 for $5'),
  licensor: fc.constantFrom('Acme Labs', 'University of Somewhere', '株式会社例', 'J. Doe (2024)'),
});
const plain: RailOptions = {
  artifact: 'M',
  type: 'open',
  restrictions: ['law', 'minors', 'military'],
  name: 'Acme-7B',
  licensor: 'Acme Labs',
};

describe('a composed license', () => {
  test('is recognized by its id, unmodified, with artifact, type and codes', async () => {
    await fc.assert(
      fc.asyncProperty(options, async (chosen) => {
        const { id, text } = await composeRail(chosen);
        const found = await identifyLicense(text);
        expect(found.map((m) => `${m.id} ${m.by}${m.modified ? ` modified ${JSON.stringify(m.differs)}` : ''}`)).toEqual([`${id} text`]);
        expect(found[0]!.rail).toEqual({
          artifacts: [chosen.artifact],
          type: chosen.type === 'open' ? 'open' : 'research-only',
          version: '1',
          restrictions: codes.filter((code) => chosen.restrictions.includes(code)),
        });
      }),
      { numRuns: 100 },
    );
  });

  test('is modified as soon as any one of its words is another', async () => {
    const { id, text } = await composeRail(plain);
    const words = [...text.matchAll(/[^\s]*[\p{L}\p{N}][^\s]*/gu)];
    expect(words.length).toBeGreaterThan(400);
    const wrong: string[] = [];
    for (const m of words)
      for (const put of ['acmeword', '']) {
        const found = await identifyLicense(text.slice(0, m.index) + put + text.slice(m.index + m[0].length));
        if (!found.some((one) => one.modified) || found.some((one) => one.id === id && !one.modified))
          wrong.push(`${m.index} ${m[0]} → "${put}"`);
      }
    expect(wrong).toEqual([]);
  }, 60_000);

  test('is modified when two of its words change places, a clause goes or one is added', async () => {
    const { id, text } = await composeRail(plain);
    const changed = [
      text.replace('Acme Labs', 'Labs Acme'),
      text.replace(/Restriction 2\.[^\n]*\n\n/, ''),
      text.replace('Section 5.', 'Restriction 4. To give medical advice or to interpret medical results.\n\nSection 5.'),
      text.replace('for any purpose', 'for any ~~purpose~~'),
      `${text}\nUse by governments is excluded.\n`,
      text.replace(/^.*License ID.*$/m, ''),
    ];
    for (const one of changed) {
      expect(one).not.toBe(text);
      const found = await identifyLicense(one);
      expect(found.some((m) => m.modified) && !found.some((m) => m.id === id && !m.modified), one.slice(0, 400)).toBe(true);
    }
  });

  test('is the same in another layout', async () => {
    const { id, text } = await composeRail(plain);
    const layouts = [
      text.replaceAll('\n', '\r\n'),
      text.replaceAll(/\s+/g, ' '),
      `/*\n${text.replaceAll(/^/gm, ' * ')}\n */`,
      JSON.stringify({ license: text }),
      `<html><body>${text.replaceAll(/([^\n]+)/g, '<p>$1</p>')}</body></html>`,
      text.toUpperCase(),
    ];
    for (const one of layouts)
      expect(
        (await identifyLicense(one)).map((m) => `${m.id} ${m.modified}`),
        one.slice(0, 80),
      ).toEqual([`${id} false`]);
  });

  test('has a record whose every quote stands in its text and whose terms the vocabulary knows', async () => {
    for (const artifact of ['D', 'A', 'M', 'S'] as const)
      for (const type of ['open', 'research'] as const) {
        const { record, text, id } = await composeRail({ artifact, type, restrictions: codes });
        expect(record).toMatchObject({ id, spdx: id, form: 'license', kind: type === 'open' ? 'use-restricted' : 'research-only' });
        const flat = text.replace(/\s+/g, ' ');
        for (const term of record.terms) {
          expect(flat).toContain(term.quote);
          expect(flat).toContain(`${term.section}. `);
          expect(vocabulary.terms).toHaveProperty([term.term]);
          for (const act of term.on ?? []) expect(Object.keys(vocabulary.acts)).toContain(act);
        }
      }
  });

  test('does not depend on the order of its options and says that it is no legal advice', async () => {
    const a = await composeRail(plain);
    const b = await composeRail({ ...plain, restrictions: ['military', 'law', 'minors', 'law'] });
    expect(b).toEqual(a);
    expect(a.text).toContain('not legal advice');
    expect((await composeRail({ ...plain, licensor: 'Acme Lab' })).id).not.toBe(a.id);
  });

  test('is refused for an unknown code, no code, and a name that a line cannot hold', async () => {
    for (const bad of [
      { ...plain, restrictions: ['sunday'] },
      { ...plain, restrictions: [] },
      { ...plain, name: '' },
      { ...plain, name: 'x'.repeat(200) },
      { ...plain, licensor: '<b>me</b>' },
      { ...plain, artifact: 'Q' as 'M' },
      { ...plain, type: 'closed' as 'open' },
      { ...plain, type: 'constructor' as 'open' },
      { ...plain, artifact: 'toString' as 'M' },
    ])
      await expect(composeRail(bad)).rejects.toMatchObject({ code: 'RAIL_OPTIONS' });
  });
});

describe('a license of the RAIL family', () => {
  const family: [string, string[], string][] = [
    ['bigscience-openrail-m', ['M'], 'open'],
    ['bigscience-bloom-rail-1.0', ['M'], 'unknown'],
    ['bigcode-openrail-m-v1', ['M'], 'open'],
    ['creativeml-openrail-m', ['M'], 'open'],
    ['openrail++-m-2022-11-24', ['M'], 'open'],
    ['openrail++-m-2023-07-26', ['M'], 'open'],
  ];
  for (const [id, artifacts, type] of family)
    test(`${id} is read into artifact, type and the codes that its reviewed record lists`, async () => {
      const [match] = await identifyLicense(readShared(`texts/${id}.txt`));
      expect(match).toMatchObject({ id, modified: false, rail: { artifacts, type } });
      const term = (await loadRecords()).get(id)!.terms.find((t) => t.term === 'duty.acceptable-use')!;
      const listed = (term.params as { restrictions: string[] }).restrictions;
      expect([...match!.rail!.restrictions].sort()).toEqual([...listed].sort());
    });

  test('of an unknown mix is no known license, and its codes are told', async () => {
    const { restrictions } = await loadRail();
    expect(restrictions.map((r) => r.code).sort()).toEqual([...codes].sort());
    const text = `Acme Research RAIL-D License, version 2.1

The Licensor lets You use the Data for research only, under the terms of this License and its use-based restrictions.

You agree not to use the Data:
(i) to provide medical advice and medical results interpretation;
(ii) to impersonate or attempt to impersonate others without their consent;
(iii) for military or warfare purposes;
(iv) to generate malware or ransomware.`;
    expect(await identifyLicense(text)).toMatchObject([
      {
        id: 'LicenseRef-RAIL-custom',
        modified: true,
        rail: {
          artifacts: ['D'],
          type: 'research-only',
          version: '2.1',
          restrictions: ['malware', 'impersonate', 'medical-advice', 'military'],
        },
      },
    ]);
  });

  test('is not read out of a card that lists uses', async () => {
    const found = await identifyLicense('# Model\n\nOpenRAIL model card. Out of scope: medical advice, military use, malware.\n');
    expect(found.filter((m) => m.id === 'LicenseRef-RAIL-custom')).toEqual([]);
  });
});
