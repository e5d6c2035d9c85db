import { describe, expect, test } from 'vitest';
import { findLicense } from './find.ts';
import { loadRecords } from './load.ts';

const idOf = async (name: string): Promise<string> => {
  const answer = await findLicense(name);
  return answer.found === 'record' ? answer.record.id : answer.found;
};

describe('a license is found', () => {
  test('by its own id, its SPDX id and every name it alone has, in any case', async () => {
    for (const record of (await loadRecords()).values())
      for (const name of [record.id, record.spdx, ...record.aliases.filter((alias) => !alias.ambiguous).map((alias) => alias.name)])
        expect(await idOf(` ${name.toUpperCase()}`), name).toBe(record.id);
  });

  test.each([
    ['llama3.1', 'llama-3.1'],
    ['Apache License, Version 2.0', 'Apache-2.0'],
    ['agpl-3.0', 'AGPL-3.0-only'],
    ['stable-diffusion-2022-08-22', 'creativeml-openrail-m'],
    ['qwen-research', 'qwen-research-2024'],
    ['LicenseRef-Heirloom-llama-4-aup', 'llama-4-aup'],
  ])('%s is %s', async (name, id) => expect(await idOf(name)).toBe(id));

  test('by an id with the same text, and that is said', async () => {
    expect(await findLicense('GPL-3.0-or-later')).toMatchObject({
      found: 'record',
      record: { id: 'GPL-3.0-only' },
      sameText: 'GPL-3.0-or-later',
    });
  });

  test('as a bare text where nobody recorded its terms', async () => {
    expect(await findLicense('isc')).toMatchObject({ found: 'text', entry: { id: 'ISC', kind: 'permissive' } });
  });
});

describe('a name that several licenses share', () => {
  test('lists them all, newest first, and picks none', async () => {
    const answer = await findLicense('gemma');
    expect(answer.found === 'several' && answer.candidates.map((c) => c.id)).toEqual([
      'gemma-2025-03-24',
      'gemma-2024-04-01',
      'gemma-2024-02-21',
    ]);
    for (const name of ['openrail', 'modified-mit', 'bsd', 'gpl', 'cc']) expect((await findLicense(name)).found, name).toBe('several');
  });

  test('that nobody uses finds nothing, with ids that look alike', async () => {
    expect(await findLicense('flux nc')).toEqual({ found: 'none', near: ['flux-1-dev-nc-1.0', 'flux-1-dev-nc-1.1.1', 'flux-nc-2.1'] });
    for (const name of ['', '\u0000', 'x'.repeat(1_000_000), '../../etc/passwd', '__proto__', 'MIT AND Apache-2.0'])
      expect((await findLicense(name)).found, name.slice(0, 20)).toBe('none');
  });
});
