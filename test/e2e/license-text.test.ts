import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heirloom, scratch } from './cli.ts';

const dir = scratch();
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
};
const compose = ['license', 'compose', '--artifact', 'M', '--type', 'research', '--restrict', 'law,military', '--name', 'Acme-7B'];

describe('heirloom license compose', () => {
  test('prints a text that identify knows, and a changed word is told', async () => {
    const made = await heirloom(compose);
    expect(made.code).toBe(0);
    const path = file('LICENSE', made.stdout);
    const changed = file('CHANGED', made.stdout.replace('for research only', 'for anything only'));
    const { files } = (await heirloom(['license', 'identify', path, changed, '--json'])).json();
    expect(files[0].licenses).toMatchObject([
      { modified: false, rail: { artifacts: ['M'], type: 'research-only', restrictions: ['law', 'military'] } },
    ]);
    expect(files[1].licenses).toMatchObject([{ modified: true, differs: [{ kind: 'replaced', catalog: 'research', found: 'anything' }] }]);
    expect((await heirloom([...compose, '--json'])).json().id).toBe(files[0].licenses[0].id);
  });

  test('says which codes there are when one is unknown, and exits 2', async () => {
    const { code, stderr } = await heirloom(['license', 'compose', '--artifact', 'M', '--type', 'open', '--restrict', 'fun']);
    expect(code).toBe(2);
    expect(stderr).toContain('undisclosed-machine-text');
  });
});

describe('heirloom license identify', () => {
  test('says of what is no text, and of what is too long, that it was not read', async () => {
    const binary = file('LICENSE.bin', new Uint8Array([0x4d, 0x49, 0x54, 0, 1, 2, 3, 0, 0, 0, 9, 9]));
    const pdf = file('LICENSE.pdf', '%PDF-1.7 MIT License');
    const long = file('LONG', 'MIT License '.repeat(100_000));
    const { code, json } = await heirloom(['license', 'identify', binary, pdf, long, '--json']);
    expect(code).toBe(2);
    expect(json().files.map((one: { error: { code: string } }) => one.error.code)).toEqual([
      'SOURCE_LOCATOR',
      'SOURCE_LOCATOR',
      'SOURCE_TOO_LARGE',
    ]);
  });

  test('reads UTF-16 with and without its mark', async () => {
    const text = 'SPDX-License-Identifier: MIT\n';
    const little = new Uint8Array(new Uint16Array([...text].map((c) => c.charCodeAt(0))).buffer);
    const paths = [
      file('A', little),
      file('B', new Uint8Array([0xff, 0xfe, ...little])),
      file(
        'C',
        little.map((_, k) => little[k ^ 1]!),
      ),
    ];
    const { files } = (await heirloom(['license', 'identify', ...paths, '--json'])).json();
    for (const one of files) expect(one.licenses, one.path).toMatchObject([{ id: 'MIT', by: 'tag' }]);
  });
});
