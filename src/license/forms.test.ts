import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { loadCatalog } from './catalog.ts';
import { identifyLicense } from './index.ts';
import { readShared } from './testing/shared.ts';
import { LAYOUTS } from './testing/layouts.ts';
import { tamper } from './testing/tamper.ts';

const spdx = createRequire(import.meta.url)('spdx-license-list/full') as Record<string, { licenseText: string }>;
const summary = async (text: string): Promise<string[]> =>
  (await identifyLicense(text)).map((m) => `${m.id} ${m.by}${m.modified ? ' modified' : ''}`);
const IDS = ['llama-3.1', 'gemma-2024-04-01', 'qwen-research-2024', 'mrl-0.1', 'kimi-k2-modified-mit', 'tongyi-qianwen-2023'];
const LIST_IDS = ['ISC', 'Zlib', 'EPL-2.0', 'CECILL-2.1', 'MulanPSL-2.0', 'OFL-1.1', 'EUPL-1.2', 'BSD-4-Clause'];
const texts: [string, string][] = [
  ...IDS.map((id): [string, string] => [id, readShared(`texts/${id}.txt`)]),
  ...LIST_IDS.map((id): [string, string] => [id, spdx[id]!.licenseText]),
];

describe('a license text', () => {
  for (const [name, layout] of Object.entries(LAYOUTS))
    test(`${name} is the same license, and a changed one is still a changed one`, async () => {
      const catalog = await loadCatalog();
      for (const [n, [id, text]] of texts.entries()) {
        const own = catalog.find(id)!.id;
        expect(await summary(layout(text)), id).toEqual([`${own} text`]);
        const changed = tamper(text, n % 2 === 0 ? 'modal swapped' : 'word removed', n);
        if (changed) expect(await summary(layout(changed.text)), `${id}: ${changed.what}`).not.toContain(`${own} text`);
      }
    });

  test('beside others is one of several, each with its own range', async () => {
    const text = `Third-party notices\n\n${spdx['ISC']!.licenseText}\n\n-----\n\n${spdx['Zlib']!.licenseText}\n\n-----\n\n${readShared('texts/openmdw-1.1.txt')}`;
    const found = await identifyLicense(text);
    expect(found.map((m) => `${m.id} ${m.modified}`)).toEqual(['ISC false', 'Zlib false', 'openmdw-1.1 false']);
    for (const [k, m] of found.entries()) {
      expect(m.range[0]).toBeGreaterThanOrEqual(found[k - 1]?.range[1] ?? 0);
      expect(text.slice(...m.range).length).toBeGreaterThan(400);
    }
  });

  test('in two columns has a range that begins and ends with it', async () => {
    const text = `A note of our own.\n\n${LAYOUTS['in two columns']!(readShared('texts/MIT.txt').replaceAll('\n\n', '\n'))}\n\nAnother note of ours.\n`;
    const [match] = await identifyLicense(text);
    expect(match).toMatchObject({ id: 'MIT', by: 'text', modified: false });
    expect(text.slice(...match!.range)).toMatch(/^(MIT License|Permission)[^]*SOFTWARE\.?$/i);
  });

  test('cut off is an excerpt of it: modified, with what is missing and how much is there', async () => {
    for (const id of ['Apache-2.0', 'mrl-0.1', 'openmdw-1.0']) {
      const text = readShared(`texts/${id}.txt`);
      const [match, ...others] = await identifyLicense(text.slice(0, Math.floor(0.6 * text.length)));
      expect(others).toEqual([]);
      expect(match).toMatchObject({ id, modified: true, by: 'text' });
      expect(match!.coverage).toBeGreaterThan(0.4);
      expect(match!.coverage).toBeLessThan(0.75);
      expect(match!.differs.at(-1)!.kind).toBe('removed');
    }
  });

  test('of which the piece stands in several licenses alike may be any of them', async () => {
    const text = readShared('texts/cohere-labs-aup.txt');
    const [match] = await identifyLicense(text.slice(Math.floor(0.3 * text.length), Math.floor(0.7 * text.length)));
    expect(match).toMatchObject({ modified: true, candidates: expect.arrayContaining(['cohere-labs-aup', 'c4ai-aup']) });
  });
});

describe('a license that is only named', () => {
  const cases: [string, string, string[]][] = [
    ['a version that is not known', 'Licensed under the Llama 5 Community License.', ['LicenseRef-llama-5 reference']],
    ['a later version of a known license', 'Apache License 3.0', ['LicenseRef-apache-3.0 reference']],
    [
      'an expression of an own and a listed id',
      'SPDX-License-Identifier: MIT AND LicenseRef-Acme-1.0',
      ['LicenseRef-Acme-1.0 tag', 'MIT tag'],
    ],
    ['an own id', '# SPDX-License-Identifier: LicenseRef-Acme-1.0\n', ['LicenseRef-Acme-1.0 tag']],
    ['an address', 'https://ai.google.dev/gemma/terms', ['gemma-2025-03-24 reference']],
    [
      'the notice of Apache',
      'Copyright 2024 X\n\nLicensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in compliance with the License.',
      ['Apache-2.0 header'],
    ],
  ];
  for (const [name, text, expected] of cases)
    test(`by ${name} gives ${expected.join(', ')}`, async () => expect((await summary(text)).sort()).toEqual([...expected].sort()));

  test('says of an unknown version which ones are known', async () => {
    const [match] = await identifyLicense('Released under the Llama 5 License');
    expect(match!.candidates).toEqual(expect.arrayContaining(['llama-2', 'llama-3.1', 'llama-4']));
    expect(match!.candidates).not.toContain(match!.id);
  });
});

describe('a text over the limit', () => {
  test('is said to be read in part, so that no license in it passes as plain', async () => {
    const mit = readShared('texts/MIT.txt');
    const [match] = await identifyLicense(`${mit}${'\nlorem ipsum'.repeat(100_000)}\nYou must pay.`);
    expect(match).toMatchObject({ id: 'MIT', modified: true });
    expect(match!.differs.at(-1)!.found).toMatch(/not read/);
  });
});

describe('text that is made to be slow', () => {
  const item = '(a) you may use, copy and distribute the Model subject to the conditions of this License;\n';
  const apache = readShared('texts/Apache-2.0.txt');
  const big: [string, string][] = [
    ['a word repeated', 'license '.repeat(130_000)],
    ['deeply nested elements', `${'<div>'.repeat(200_000)}MIT License${'</div>'.repeat(5)}`],
    ['deeply nested hidden elements', '<span style="display:none">'.repeat(38_000)],
    ['a million list items', '- x\n'.repeat(1_000_000)],
    ['list items of clauses', item.repeat(11_000)],
    ['comments without end', '<!-- '.repeat(200_000)],
    ['tildes', '~~a '.repeat(250_000)],
    ['links that are comments', '[//]: # (x)\n'.repeat(80_000)],
    ['riders', `${apache}${'\nYou must not use the Software, and fees are due.'.repeat(18_000)}`],
    ['changes of direction', '\u202ea'.repeat(500_000)],
    ['numbered lines', Array.from({ length: 150_000 }, (_, k) => `${k} x`).join('\n')],
    [
      'words of a composed license',
      'Section 4 must stand as a binding term in every agreement under which You Distribute the Model. '.repeat(10_000),
    ],
    [
      'restrictions',
      `This License. RAIL. Licensor. ${'You agree not to use the Model to harm, exploit minors, for medical advice or malware; '.repeat(12_000)}`,
    ],
    ['escapes', `{"a":"${'\\u201c\\n'.repeat(130_000)}"}`],
    ['a hundred megabytes', 'a b '.repeat(25_000_000)],
  ];
  for (const [name, text] of big)
    test(`by ${name} is answered in bounded time`, async () => expect(Array.isArray(await identifyLicense(text))).toBe(true), 5000);
});
