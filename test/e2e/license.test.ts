import { Ajv2020 } from 'ajv/dist/2020.js';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { rerun, WALKTHROUGHS } from '../../scripts/walkthroughs.mjs';
import { heirloom, type Outcome, ROOT, scratch, shared } from './cli.ts';

const folder = join(ROOT, 'schemas');
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
for (const name of readdirSync(folder)) ajv.addSchema(JSON.parse(readFileSync(join(folder, name), 'utf8')) as object);
function faults(schema: string, value: unknown): unknown {
  const validate = ajv.getSchema(`urn:heirloom:schema:${schema}:1`)!;
  return validate(value) ? [] : validate.errors;
}

const dir = scratch();
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
const register = join(dir, 'register');
const model = join(ROOT, 'examples', 'models', 'Alder-1M-bard');
const license = (...args: string[]): Promise<Outcome> => heirloom(['license', ...args]);
beforeAll(async () => {
  expect((await heirloom(['register', 'add', join(ROOT, 'examples', 'models', 'Alder-1M'), '--register', register])).code).toBe(0);
});

describe('the license commands answer by their schemas', () => {
  const calls: [string, string[]][] = [
    ['license-duties', ['duties', model, '--register', register, '--json']],
    ['license-duties', ['duties', shared('lineage-corpus/a-chain3'), '--register', register, '--json']],
    [
      'license-duties',
      ['duties', 'llama-3.1', '--as', 'product,host', '--company', '--monthly-users', '1_000_000', '--territory', 'fr', '--json'],
    ],
    ['license-can', ['can', 'llama-4', '--as', 'finetune,distribute', '--json']],
    ['license-can', ['can', model, '--as', 'train-on-outputs', '--json']],
    ['license-compat', ['compat', 'gemma', 'CC-BY-SA-4.0', 'bigscience-openrail-m', '--declare', 'MIT', '--name', 'x', '--json']],
    ['license-what-if', ['what-if', model, '--add-parent', 'llama-3.1', '--act', 'merge', '--json']],
    [
      'license-what-if',
      ['what-if', model, '--register', register, '--of-parent', 'lab-alder/Alder-1M', '--act', 'train-on-outputs', '--json'],
    ],
  ];
  for (const [schema, args] of calls)
    test(`${args.slice(0, 4).join(' ').replaceAll(ROOT, '')}`, async () => {
      const answer = await license(...args);
      expect(answer.code, answer.stderr).toBeLessThan(2);
      expect(faults(schema, answer.json())).toEqual([]);
    });
});

describe('license can', () => {
  test('ends with 0 for yes and 1 for anything else', async () => {
    expect((await license('can', 'MIT', '--as', 'commercial-use')).code).toBe(0);
    for (const act of ['distribute', 'train-on-outputs']) expect((await license('can', 'MIT', '--as', act)).code).toBe(1);
    expect((await license('can', 'MIT', '--as', 'train-on-outputs')).stdout).toContain('the text does not say');
  });
});

describe('a context file', () => {
  test('says who asks; a flag wins over it', async () => {
    const context = file('context.json', JSON.stringify({ role: 'company', users: { atRelease: 9e8 }, acts: ['product'] }));
    expect(faults('license-context', JSON.parse(readFileSync(context, 'utf8')))).toEqual([]);
    const state = async (...more: string[]): Promise<string> =>
      (await license('duties', 'llama-3.1', '--context', context, '--json', ...more)).json().reasoning.thresholds[0].state;
    expect([await state(), await state('--users-at-release', '5')]).toEqual(['bites', 'clear']);
  });
  test.each([
    ['{"users": {"monthly": "many"}}', 'users.monthly'],
    ['{"territory": {"served": ["Germany"]}}', 'territory.served[0]'],
    ['{"roles": "company"}', 'roles'],
    ['{"acts": ["fly"]}', 'fly'],
    ['[]', 'context'],
    ['{', 'not JSON'],
  ])('with %s is an error that names %s', async (text, named) => {
    const { code, stdout, stderr } = await license('can', 'MIT', '--as', 'host', '--context', file('bad.json', text));
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(named);
  });
});

describe('what is neither a model nor a license', () => {
  test.each([
    ['can', 'no-such-thing', '--as', 'host'],
    ['compat', 'MIT', 'no-such-thing'],
    ['what-if', 'MIT', '--add-parent', 'no-such-thing'],
    ['what-if', 'MIT', '--of-parent', 'nobody'],
    ['compat', 'MIT', '--act', 'fly'],
    ['what-if', 'MIT'],
  ])('%s %s %s ends with 2 and says what to give', async (...args) => {
    const { code, stdout, stderr } = await license(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/hint|give|acts are/);
  });
});

describe('SARIF', () => {
  test('carries every open rule once, with a stable id, a place and the clause', async () => {
    const { stdout } = await license('duties', shared('lineage-corpus/a-chain3'), '--register', register, '--sarif');
    const { version, runs } = JSON.parse(stdout);
    expect([version, runs.length]).toEqual(['2.1.0', 1]);
    const [{ tool, results }] = runs;
    expect(results.map((r: { ruleId: string }) => r.ruleId)).toContain('license/label-relabelled');
    for (const result of results) {
      expect(tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
      expect(result.locations[0].physicalLocation.artifactLocation.uri).not.toMatch(/[ \\]/);
      expect(result.partialFingerprints['heirloom/v1']).not.toBe('');
    }
    const compat = JSON.parse((await license('compat', 'llama-3.1', 'GPL-3.0-only', '--sarif')).stdout);
    expect(compat.runs[0].results[0].message.text).toContain('You may not impose any further restrictions');
  });
});

describe('the walk-throughs', () => {
  test('and every other page of docs/ are linked from the README', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
    expect(pages.length).toBeGreaterThan(10);
    expect(pages.filter((name) => !readme.includes(`(docs/${name})`))).toEqual([]);
  });
  for (const page of WALKTHROUGHS)
    test(`of ${page} show what the program prints`, () => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      expect(rerun(text), 'run scripts/walkthroughs.mjs').toBe(text);
    }, 60_000);
});
