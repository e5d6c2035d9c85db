import { Ajv2020 } from 'ajv/dist/2020.js';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { heirloom, ROOT, scratch } from './cli.ts';

const dir = scratch();
const write = (name: string, content: string): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};
const policy = (name: string, fields: object): string => write(name, JSON.stringify({ schema: 'heirloom-policy/1', ...fields }));
const bad = write('bad.pkl', "cposix\nsystem\n(S'true'\ntR.");
const custom = write('custom.pkl', 'cmylib.models\nNet\n.');
const reason = 'our own class, reviewed';
const allow = { callable: 'mylib.models.Net', reason, expires: '2999-12-31' };

test('a callable that the policy accepts no longer fails the scan and stays listed with its reason', async () => {
  expect((await heirloom(['scan', custom])).code).toBe(1);
  const file = policy('allow.json', { allow: [allow] });
  const { code, json } = await heirloom(['scan', custom, '--policy', file, '--json']);
  expect(code).toBe(0);
  expect(json().files[0]).toMatchObject({ verdict: 'clean', accepted: [{ reason, finding: { rule: 'safety/pickle-unknown-global' } }] });
  expect((await heirloom(['scan', custom, '--policy', file])).stdout.replaceAll(/\s+/g, ' ')).toContain(reason);
  const sarif = await heirloom(['scan', custom, '--policy', file, '--sarif']);
  expect(sarif.json().runs[0].results[0].suppressions).toEqual([{ kind: 'external', justification: expect.stringContaining(reason) }]);
});

test('an entry that expired or fits nothing is told and accepts nothing', async () => {
  const file = policy('old.json', {
    allow: [
      { ...allow, expires: '2020-01-01' },
      { ...allow, callable: 'other.Thing' },
    ],
  });
  const { code, json } = await heirloom(['scan', custom, '--policy', file, '--json']);
  expect(code).toBe(1);
  expect(json().findings.map(({ rule }: { rule: string }) => rule)).toEqual(['safety/policy-expired', 'safety/policy-unmatched']);
});

test('a rule alone accepts no malicious finding, and an accepted one stays listed', async () => {
  const byRule = policy('rule.json', {
    failOn: 'malicious',
    allow: [{ rule: 'safety/pickle-dangerous-global', reason, expires: '2999-12-31' }],
  });
  expect((await heirloom(['scan', bad, '--policy', byRule])).code).toBe(1);
  const byName = policy('name.json', { allow: [{ callable: 'posix.system', reason, expires: '2999-12-31' }] });
  const { json } = await heirloom(['scan', bad, '--policy', byName, '--json']);
  expect(json().files[0].accepted[0].finding).toMatchObject({ rule: 'safety/pickle-dangerous-global', tier: 'malicious' });
});

test('accepted findings do not use up the list: a file with more than the list holds is not accepted', async () => {
  const many = write('many.pkl', `${'cmylib.models\nNet\n0'.repeat(40)}cmylib.other\nThing\n.`);
  expect((await heirloom(['scan', many, '--policy', policy('many.json', { allow: [allow] })])).code).toBe(1);
});

test('a format that the policy denies fails, whatever is in it', async () => {
  const plain = write('plain.pkl', 'I1\n.');
  expect((await heirloom(['scan', plain])).code).toBe(0);
  expect((await heirloom(['scan', plain, '--policy', policy('deny.json', { failOn: 'malicious', denyFormats: ['pickle'] })])).code).toBe(1);
});

test('at the level "malicious" a suspicious file passes and an unreadable one does not', async () => {
  const file = policy('level.json', { failOn: 'malicious' });
  expect((await heirloom(['scan', custom, '--policy', file])).code).toBe(0);
  expect((await heirloom(['scan', write('cut.pkl', 'I1\n'), '--policy', file])).code).toBe(1);
  expect((await heirloom(['scan', join(dir, 'none'), '--policy', file])).code).toBe(2);
});

test('a policy with a field nobody knows, or without a reason, is refused; the published schema refuses the same', async () => {
  const schema = JSON.parse(readFileSync(join(ROOT, 'schemas/safety-policy.schema.json'), 'utf8')) as object;
  const valid = new Ajv2020({ strict: true, strictRequired: false }).compile(schema);
  for (const fields of [
    { alow: [] },
    { allow: [{ callable: 'a.b', expires: '2999-12-31' }] },
    { allow: [{ reason, expires: '2999-12-31' }] },
    { denyFormats: ['pickel'] },
  ]) {
    const file = policy('wrong.json', fields);
    expect((await heirloom(['scan', custom, '--policy', file])).code).toBe(2);
    expect(valid(JSON.parse(readFileSync(file, 'utf8')))).toBe(false);
  }
  expect(valid({ schema: 'heirloom-policy/1', failOn: 'malicious', denyFormats: ['pickle'], allow: [allow] })).toBe(true);
});

test('a policy is never looked for: one that lies beside or above what is scanned came perhaps with it', async () => {
  const folder = join(dir, 'model');
  mkdirSync(folder);
  writeFileSync(join(folder, 'custom.pkl'), 'cmylib.models\nNet\n.');
  writeFileSync(join(folder, 'heirloom-policy.json'), JSON.stringify({ schema: 'heirloom-policy/1', allow: [allow] }));
  for (const given of ['.', 'custom.pkl', join(folder, 'custom.pkl')]) {
    const { code, stderr } = await heirloom(['scan', given], { cwd: folder });
    expect(code, given).toBe(1);
    expect(stderr).toContain('heirloom-policy.json was not followed');
  }
  expect((await heirloom(['scan', 'custom.pkl', '--policy', 'heirloom-policy.json'], { cwd: folder })).code).toBe(0);
});

test('--output writes the machine answer to a file and prints the text', async () => {
  const file = join(dir, 'answer.json');
  const { code, stdout } = await heirloom(['scan', custom, '--json', '-o', file]);
  expect(code).toBe(1);
  expect(stdout).toContain('1 file: 1 suspicious');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ schema: 'heirloom-scan/1' });
  expect((await heirloom(['scan', custom, '-o', file])).code).toBe(2);
  expect((await heirloom(['scan', custom, '--json', '--sarif'])).code).toBe(2);
});
