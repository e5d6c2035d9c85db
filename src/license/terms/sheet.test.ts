import { describe, expect, test } from 'vitest';
import { loadRecords } from './load.ts';
import { type LicenseSheet, sheetOf } from './sheet.ts';

const records = [...(await loadRecords()).values()];
const sheet = async (id: string): Promise<LicenseSheet> => sheetOf((await loadRecords()).get(id)!);
const saysIn = (lines: LicenseSheet['parts'][keyof LicenseSheet['parts']]): string[] =>
  lines.map((line) => `${line.section}: ${line.what}`);

describe('a license laid out for reading', () => {
  test('holds every term of its record once, with section and quote', async () => {
    expect(records.length).toBeGreaterThanOrEqual(105);
    for (const record of records) {
      const lines = Object.values((await sheetOf(record)).parts).flat();
      expect(lines.map((line) => [line.term, line.section, line.quote]).sort()).toEqual(
        record.terms.map((t) => [t.term, t.section, t.quote]).sort(),
      );
      for (const { what } of lines) expect(what, `${record.id}: ${what}`).not.toMatch(/undefined|\[object|NaN/);
    }
  });

  test('says the thresholds in words, with when they are looked at', async () => {
    expect(saysIn((await sheet('llama-3.1')).parts.thresholds)[0]).toBe(
      '2: more than 700 million monthly active users in the calendar month before (licensee+affiliates, all products or services): ask for another license first; looked at once, at the release of the version',
    );
    expect(saysIn((await sheet('kimi-k3')).parts.thresholds)).toContain(
      '3: more than 100 million monthly active users, or USD 20 million revenue a month (commercial products or services): the words below must be shown; at any time',
    );
    expect(saysIn((await sheet('lfm-open-1.0')).parts.thresholds)[0]).toContain('at least USD 10 million revenue a year (');
  });

  test('says who is left out by territory, and who not', async () => {
    expect(saysIn((await sheet('llama-4')).parts.territory)).toContain(
      'llama-4-aup, closing paragraph: not granted to people and companies of the European Union (by domicile / principal place of business), multimodal models only; not for: end users of a product or service that incorporates such models',
    );
  });

  test('puts names and display words under one heading, with must and must not', async () => {
    const names = saysIn((await sheet('llama-3')).parts.names);
    expect(names.some((line) => line.startsWith('1.b.i: must begin the model name with these words: "Llama 3"'))).toBe(true);
    expect(names.some((line) => line.startsWith('5.a: must not use the licensor'))).toBe(true);
  });

  test('lists the uses a policy forbids under the license it binds with', async () => {
    const { uses, policies } = await sheet('gemma-2025-03-24');
    expect(policies).toMatchObject([{ id: 'gemma-prohibited-use', held: true, section: '3.2' }]);
    expect(uses.map(({ from, items }) => [from, items.length])).toEqual([['gemma-prohibited-use', 24]]);
    expect((await sheet('stability-ai-community-2024-07-05')).policies[0]).toMatchObject({
      held: false,
      url: 'https://stability.ai/use-policy',
    });
  });

  test('keeps what the text does not say apart from what it allows', async () => {
    const { derivation, notRead } = await sheet('MIT');
    expect(derivation.filter((row) => row.status === 'silent').map((row) => row.what)).toContain('train on outputs: the text does not say');
    expect(notRead).toEqual([]);
  });
});
