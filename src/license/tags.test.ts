import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExpression } from './expression.ts';
import { LicenseError, resolveTag } from './index.ts';
import { readShared } from './testing/shared.ts';

describe('a license tag', () => {
  const table: [string, string | null][] = [
    ['apache-2.0', 'Apache-2.0'],
    ['Apache License, Version 2.0', 'Apache-2.0'],
    ['MIT License', 'MIT'],
    ['mit', 'MIT'],
    ['llama3.1', 'llama-3.1'],
    ['Llama 3.1 Community License Agreement', 'llama-3.1'],
    ['gemma', 'gemma-2025-03-24'],
    ['openrail++', 'openrail++-m-2023-07-26'],
    ['openrail', 'LicenseRef-openrail'],
    ['bsd', 'LicenseRef-bsd'],
    ['cc-by-nc-sa-4.0', 'CC-BY-NC-SA-4.0'],
    ['CC BY-NC 4.0', 'CC-BY-NC-4.0'],
    ['gpl-3.0', 'GPL-3.0-only'],
    ['GPL-3.0+', 'GPL-3.0-or-later'],
    ['GPL-2.0-or-later', 'GPL-2.0-or-later'],
    ['bsl-1.0', 'BSL-1.0'],
    ['MIT OR Apache-2.0', 'MIT OR Apache-2.0'],
    ['(mit and bsd-3-clause)', 'MIT AND BSD-3-Clause'],
    ['LicenseRef-Heirloom-llama-3.1', 'llama-3.1'],
    ['deepfloyd-if-license', 'LicenseRef-deepfloyd-if-license'],
    ['other', null],
    ['unknown', null],
    ['unlicensed', null],
    ['', null],
    ['heirloom-community-test-1.0', null],
    ['llama-2-aup', null],
  ];
  for (const [tag, id] of table)
    test(`"${tag}" is ${id ?? 'nothing that can be named'}`, async () => {
      expect((await resolveTag(tag))?.id ?? null).toBe(id);
    });

  test('of the hub resolves, all but the ones that say nothing', async () => {
    const { tags } = JSON.parse(readShared('lists/hf-licence-tags.json')) as { tags: { tag: string }[] };
    const unresolved: string[] = [];
    for (const { tag } of tags) if (!(await resolveTag(tag))) unresolved.push(tag);
    expect(tags).toHaveLength(83);
    expect(unresolved).toEqual(['unknown', 'other']);
  });

  test('seen in the wild means what its collector says', async () => {
    const { aliases } = JSON.parse(readShared('aliases.draft.json')) as { aliases: { alias: string; ids: string[]; ambiguous: boolean }[] };
    for (const { alias, ids, ambiguous } of aliases.filter((a) => a.ids.length > 0)) {
      const resolved = await resolveTag(alias);
      expect(resolved, alias).not.toBeNull();
      if (ambiguous && ids.length > 1) expect([...resolved!.candidates!], alias).toEqual(expect.arrayContaining(ids));
      else expect([resolved!.id, ...(resolved!.candidates ?? [])], alias).toContain(ids[0]);
    }
  });

  test('of an expression takes the easiest side of OR and the strictest of AND', async () => {
    expect((await resolveTag('MIT OR GPL-3.0-only'))?.kind).toBe('permissive');
    expect((await resolveTag('MIT AND CC-BY-NC-4.0'))?.kind).toBe('non-commercial');
  });
});

describe('an SPDX expression', () => {
  test('is read with parentheses and exceptions', () => {
    expect(parseExpression('MIT OR (GPL-2.0-only WITH Classpath-exception-2.0 AND ISC)')).toEqual({
      ids: ['MIT', 'GPL-2.0-only', 'ISC'],
      operator: 'mixed',
      exceptions: ['Classpath-exception-2.0'],
    });
  });
  test('that is broken is refused with the typed error and nothing else', () => {
    for (const broken of ['', 'MIT OR', '(MIT', 'MIT)', 'OR', 'MIT MIT', 'MIT WITH', '('.repeat(5000), 'a b'.repeat(5000)])
      expect(() => parseExpression(broken), broken.slice(0, 20)).toThrow(LicenseError);
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        try {
          parseExpression(text);
        } catch (error) {
          expect(error).toBeInstanceOf(LicenseError);
        }
      }),
    );
  });
});
