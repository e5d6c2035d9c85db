import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { loadCatalog } from './catalog.ts';
import { identifyLicense } from './index.ts';
import { listShared, readShared } from './testing/shared.ts';
import { EDITS, tamper } from './testing/tamper.ts';

const spdx = createRequire(import.meta.url)('spdx-license-list/full') as Record<string, { licenseText: string }>;
const kinds = Object.keys(EDITS);
const isPlain = async (text: string, id: string): Promise<boolean> =>
  (await identifyLicense(text)).some((m) => m.id === id && m.by === 'text' && !m.modified);

/** Tries `perText` kinds of change on each text, another choice for each, and names the variants that pass as the original. */
async function slipsOf(texts: readonly (readonly [string, string])[], perText: number): Promise<{ tried: number; slipped: string[] }> {
  const catalog = await loadCatalog();
  const slipped: string[] = [];
  let tried = 0;
  for (const [n, [id, text]] of texts.entries())
    for (let k = 0; k < perText; k++) {
      const how = kinds[(n * 7 + k) % kinds.length]!;
      const changed = tamper(text, how, n * 131 + k);
      if (!changed) continue;
      tried++;
      if (await isPlain(changed.text, catalog.find(id)?.id ?? id)) slipped.push(`${id}, ${how}: ${changed.what}`);
    }
  return { tried, slipped };
}

describe('one change to a license text is never reported as the plain original', () => {
  test('for the texts of model licenses, policies and general licenses', async () => {
    const texts = listShared('texts').map((file) => [file.replace(/\.txt$/, ''), readShared(`texts/${file}`)] as const);
    const { tried, slipped } = await slipsOf(texts, 12);
    expect(slipped).toEqual([]);
    expect(tried).toBeGreaterThan(1000);
  }, 60_000);

  test('for the texts of the SPDX list', async () => {
    const texts = Object.entries(spdx).map(([id, { licenseText }]) => [id, licenseText] as const);
    const { tried, slipped } = await slipsOf(texts, 2);
    expect(slipped).toEqual([]);
    expect(tried).toBeGreaterThan(1000);
  }, 60_000);

  test('also where a faithful copy stands before the changed one', async () => {
    for (const id of ['llama-3.1', 'MIT', 'gemma-2025-03-24']) {
      const text = readShared(`texts/${id}.txt`);
      const changed = tamper(text, 'modal swapped', 3)!;
      const found = await identifyLicense(`${text}\n\n----\n\n${changed.text}`);
      expect(
        found.filter((m) => m.id === id).map((m) => m.modified),
        id,
      ).toContain(true);
    }
  });
});

describe('a change that names hide', () => {
  const mit = readShared('texts/MIT.txt');
  const bsd = readShared('texts/BSD-3-Clause.txt');
  const llama = readShared('texts/llama-3.1.txt');
  const kimi = readShared('texts/kimi-k2-modified-mit.txt');
  const cases: [string, string, string][] = [
    [
      'a term in the place of the holder',
      bsd.replace('copyright holder nor', 'Acme, whose consent is needed for any commercial use, nor'),
      'BSD-3-Clause',
    ],
    ['a fee in a copyright line', mit.replace(/^Copyright.*$/m, 'Copyright (c) 2024 Acme, users pay 5 dollars'), 'MIT'],
    [
      'a second copyright line with a term',
      mit.replace('Permission is', 'Copyright 2024 Acme military use costs a fee\n\nPermission is'),
      'MIT',
    ],
    ["another year in the licensor's own notice", kimi.replace(/Copyright \(c\) \d{4}/, 'Copyright (c) 1999'), 'kimi-k2-modified-mit'],
    ["another name in the licensor's own notice", kimi.replace('Moonshot AI', 'Acme AI'), 'kimi-k2-modified-mit'],
    ['a Greek letter in a holder slot', bsd.replace('copyright holder nor', 'cοpyright holder nor'), 'BSD-3-Clause'],
    ['a comment of link definitions', mit.replace('free of charge, to any', 'free\n[//]: # (of charge, to any)\n'), 'MIT'],
    [
      'a word under a stroke of its own letters',
      mit.replace('without restriction', 'w\u0336i\u0336t\u0336h\u0336o\u0336u\u0336t\u0336 restriction'),
      'MIT',
    ],
    ['a sign that says no', mit.replace('free of charge', '🚫 free of charge'), 'MIT'],
    ['white letters', mit.replace('without restriction', '<font color="white">without restriction</font>'), 'MIT'],
    ['a rider in Chinese', `${mit}\n本模型禁止商业使用。\n`, 'MIT'],
    ['a rider in German', `${mit}\nNur für nichtkommerzielle Zwecke.\n`, 'MIT'],
    ['two sentences in the other order', mit.replace(/(to deal\s+in the Software without restriction), (including)/, '$2 $1,'), 'MIT'],
    ['a paragraph said twice', mit.replace(/\n\n(The above[^]*?)\n\n/, '\n\n$1\n\n$1\n\n'), 'MIT'],
    ['words too small to read', mit.replace('without restriction', '<span style="font-size:0">without restriction</span>'), 'MIT'],
    [
      'a word that the style sheet does not show',
      `<style>p .x, .y { display: none }</style>${mit.replace('without restriction', '<i class="a x">without restriction</i>')}`,
      'MIT',
    ],
    ['a power in a number', llama.replace('700 million', '70<sup>0</sup> million'), 'llama-3.1'],
    ['a word that a terminal goes back over', mit.replace('without restriction', 'w\bithout\b\b\b\b\b restriction'), 'MIT'],
  ];
  for (const [name, text, id] of cases)
    test(`${name} is seen`, async () => {
      expect(text).not.toBe(readShared(`texts/${id}.txt`));
      expect(await isPlain(text, id)).toBe(false);
    });

  test('and a struck word is shown as it stands', async () => {
    const [match] = await identifyLicense(mit.replace('shall be included', 'shall ~~be~~ included'));
    expect(match).toMatchObject({ id: 'MIT', modified: true, differs: [{ kind: 'replaced', catalog: 'be', found: '~~be~~' }] });
  });
});

describe('what licensors fill in is no change', () => {
  const bsd = readShared('texts/BSD-3-Clause.txt');
  const cases: [string, string][] = [
    ['"Neither the name of Google Inc."', bsd.replace('the copyright holder nor', 'Google Inc. nor')],
    ['"any contributors"', bsd.replace('its contributors may', 'any contributors may')],
    ['"provided by THE REGENTS"', bsd.replace(/BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS/, 'BY THE REGENTS AND CONTRIBUTORS')],
    ['a copyright line with a name', bsd.replace(/^Copyright.*$/m, 'Copyright (c) 2011-2024, Ada Lovelace <ada@example.org> and others')],
  ];
  for (const [name, text] of cases)
    test(`${name} fills a slot`, async () => {
      expect(text).not.toBe(bsd);
      expect(await isPlain(text, 'BSD-3-Clause')).toBe(true);
    });

  test("ISC with the author's name", async () => {
    const text = spdx['ISC']!.licenseText.replaceAll(/ISC (?=DISCLAIMS|BE)/g, 'THE AUTHOR ');
    expect(text).not.toBe(spdx['ISC']!.licenseText);
    expect(await isPlain(text, 'ISC')).toBe(true);
  });
});
