import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { EXAMPLES } from './testing/examples.ts';
import { applyPolicy, failsPolicy, type FileSafety, parsePolicy, type Policy, scanTree } from './index.ts';

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const policyOf = (fields: object): Policy => parsePolicy(bytes(JSON.stringify({ schema: 'heirloom-policy/1', ...fields })), 'policy.json');
const scan = async (files: Record<string, string>): Promise<readonly FileSafety[]> =>
  (await scanTree(memoryTree('m', Object.fromEntries(Object.entries(files).map(([name, text]) => [name, bytes(text)]))))).files;
const custom = { 'a/m.pkl': 'cmylib.models\nNet\n.' };
const allow = { callable: 'mylib.models.Net', reason: 'ours', expires: '2027-02-28' };

describe('an entry of a policy', () => {
  test.each([
    ['2027-02-27', true],
    ['2027-02-28', true],
    ['2027-03-01', false],
    ['2028-01-01', false],
  ])('that holds to 2027-02-28 answers on %s: %s', async (today, holds) => {
    const policy = policyOf({ allow: [allow] });
    const { files, findings } = await applyPolicy(await scan(custom), policy, today);
    expect(failsPolicy(files[0]!, policy)).toBe(!holds);
    expect(findings.map((one) => one.rule)).toEqual(holds ? [] : ['safety/policy-expired']);
  });

  test.each(['2027-02-29', '2027-13-01', '2027-04-31', '2027-1-1', 'tomorrow', '2027-02-28T00:00:00Z'])(
    'that expires on %j is refused, naming the field',
    (expires) => {
      expect(() => policyOf({ allow: [{ ...allow, expires }] })).toThrow(/policy\.json: allow\[0\]\.expires must be/);
    },
  );

  test('that expired does not stand in the way of one that was renewed', async () => {
    const policy = policyOf({ allow: [allow, { ...allow, expires: '2028-02-28' }] });
    const { files, findings } = await applyPolicy(await scan(custom), policy, '2027-06-01');
    expect(failsPolicy(files[0]!, policy)).toBe(false);
    expect(findings.map((one) => one.rule)).toEqual(['safety/policy-expired']);
  });

  test('is held to a file by the whole of its last parts', async () => {
    const files = await scan(custom);
    for (const [path, holds] of [
      ['m.pkl', true],
      ['a/m.pkl', true],
      ['.pkl', false],
      ['b/m.pkl', false],
    ] as const) {
      const policy = policyOf({ allow: [{ ...allow, path }] });
      expect(failsPolicy((await applyPolicy(files, policy, '2027-01-01')).files[0]!, policy), path).toBe(!holds);
    }
  });
});

test('an entry that may not accept what it fits says why', async () => {
  const many = Array.from({ length: 40 }, (_, i) => `cmylib.models\nNet${i}\n0`).join('');
  const files = await scan({ 'bad.pkl': 'cposix\nsystem\n(S"true"\ntR.', 'cut.pkl': 'I1\n', 'many.pkl': `${many}N.` });
  for (const [entry, words] of [
    [{ rule: 'safety/pickle-dangerous-global' }, 'never by its rule alone'],
    [{ rule: 'safety/pickle-broken', path: 'cut.pkl' }, 'nobody knows what it is'],
    [{ rule: 'safety/pickle-unknown-global' }, 'the list ends'],
    [{ callable: 'mylib.models.Nte' }, 'fits no finding'],
  ] as const) {
    const policy = policyOf({ allow: [{ ...entry, reason: 'ours', expires: '2027-02-28' }] });
    const { files: judged, findings } = await applyPolicy(files, policy, '2027-01-01');
    expect(judged.every((file) => failsPolicy(file, policy))).toBe(true);
    expect(findings, words).toMatchObject([{ rule: 'safety/policy-unmatched', what: expect.stringContaining(words) }]);
  }
});

test('what a policy does not know it refuses, by the name of the field', () => {
  for (const [fields, words] of [
    [{ alow: [] }, 'alow is no field of a policy'],
    [{ allow: [{ ...allow, until: '2027-01-01' }] }, 'allow[0].until is no field of a policy'],
    [{ failOn: 'clean' }, 'failOn must be "malicious" or "suspicious"'],
    [{ denyFormats: ['pickel'] }, 'denyFormats[0] must be one of'],
    [{ allow: [{ ...allow, reason: ' ' }] }, 'allow[0].reason must be a text'],
    [{ schema: 'heirloom-policy/2' }, 'schema must be "heirloom-policy/1"'],
  ] as const)
    expect(() => policyOf(fields)).toThrow(words);
});

test('every format that a scan answers can be denied, and the schema lists the same', async () => {
  const schema = JSON.parse(await readFile(new URL('../../schemas/safety-policy.schema.json', import.meta.url), 'utf8')) as {
    properties: { denyFormats: { items: { enum: string[] } } };
  };
  const formats = schema.properties.denyFormats.items.enum;
  expect(policyOf({ denyFormats: formats }).denyFormats).toEqual(formats);
  const page = '<!doctype html>';
  const more = await scan({ ...custom, 'a.json': '{}', 'b.txt': 'x', 'c.py': 'x', 'd.bin': '', 'e.html': page, 'f.xyz': '\x01\x02' });
  const shown = await Promise.all(Object.values(EXAMPLES).map((example) => scanTree(memoryTree('m', example))));
  for (const file of [...more, ...shown.flatMap((report) => report.files)]) expect(formats).toContain(file.format);
});
