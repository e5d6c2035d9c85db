import { Ajv2020 } from 'ajv/dist/2020.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heirloom, ROOT, scratch, shared } from './cli.ts';

const folder = join(ROOT, 'schemas');
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
for (const name of readdirSync(folder)) ajv.addSchema(JSON.parse(readFileSync(join(folder, name), 'utf8')) as object);

/** What is wrong with `value` by a published schema; empty when nothing is. */
function faults(schema: string, value: unknown): unknown {
  const validate = ajv.getSchema(`urn:heirloom:schema:${schema}:1`);
  if (!validate) throw new Error(`there is no schema "${schema}"`);
  return validate(value) ? [] : validate.errors;
}

const dir = scratch();
const examples = (name: string): string => join(ROOT, 'examples', 'models', name);

describe('what the program prints follows the published schemas', () => {
  test('assessments, with and without known models', async () => {
    const register = join(dir, 'register');
    expect((await heirloom(['register', 'add', examples('Alder-1M'), '--register', register])).code).toBe(0);
    const models = ['Alder-1M-bard', 'small-mystery-GGUF', 'psalter-1m', 'Alder-1M-tales'].map(examples);
    const { files } = (await heirloom(['check', ...models, '--register', register, '--json'])).json();
    expect(files).toHaveLength(4);
    for (const assessment of files) expect(faults('assessment', assessment)).toEqual([]);
    expect(faults('assessment', (await heirloom(['check', shared('lineage-corpus/a-lora'), '--json'])).json())).toEqual([]);
    const { candidates } = (await heirloom(['register', 'find', models[1]!, '--register', register, '--json'])).json();
    expect(candidates).toHaveLength(1);
    expect(faults('relation', candidates[0])).toEqual([]);
  });

  test('relations', async () => {
    for (const other of ['small-mystery-GGUF', 'Alder-1M-tales'])
      expect(faults('relation', (await heirloom(['compare', examples('Alder-1M'), examples(other), '--json'])).json())).toEqual([]);
  });

  test('scans, findings and errors', async () => {
    const { files } = (await heirloom(['scan', examples('psalter-1m'), shared('safety-corpus'), join(dir, 'none'), '--json'])).json();
    expect(files.length).toBeGreaterThan(100);
    const policy = { schema: 'heirloom-policy/1', denyFormats: files.map(({ format }: { format: string }) => format) };
    expect(faults('safety-policy', policy)).toEqual([]);
    for (const file of files) {
      expect(faults('file-safety', file), file.path).toEqual([]);
      for (const finding of file.findings) expect(faults('finding', finding), file.path).toEqual([]);
    }
    expect(faults('error', files.at(-1).error)).toEqual([]);
  });

  test('licenses shown and compared', async () => {
    for (const name of ['llama3.2', 'gemma-prohibited-use', 'CC0-1.0', 'GPL-3.0-or-later', 'isc', 'gemma', 'no such license'])
      expect(faults('license-show', (await heirloom(['license', 'show', name, '--json'])).json()), name).toEqual([]);
    for (const [a, b] of [
      ['llama3', 'llama3.1'],
      ['isc', 'mit'],
      ['gemma', 'no such license'],
    ] as const)
      expect(faults('license-diff', (await heirloom(['license', 'diff', a, b, '--json'])).json()), `${a} ${b}`).toEqual([]);
  });

  test('composed licenses', async () => {
    const composed = (
      await heirloom(['license', 'compose', '--artifact', 'M', '--type', 'open', '--restrict', 'law,minors', '--json'])
    ).json();
    expect(faults('license-compose', composed)).toEqual([]);
  });

  test('credit trees and audits', async () => {
    const register = join(dir, 'credit-register');
    expect((await heirloom(['register', 'add', examples('Alder-1M'), '--register', register])).code).toBe(0);
    const drawn = await heirloom(['credit', examples('Alder-1M-bard'), '--tree', '--json', '--register', register]);
    expect(drawn.json().tree.bases).toHaveLength(1);
    expect(faults('credit-tree', drawn.json())).toEqual([]);
    const planned = await heirloom(['credit', examples('Alder-1M-bard'), '--dry-run', '--json', '--register', register]);
    expect(planned.json()).toMatchObject({ schema: 'heirloom-credit/1', written: [] });
    expect(planned.json().planned.length).toBeGreaterThan(0);
    expect(faults('credit', planned.json())).toEqual([]);
    expect(faults('license-audit', (await heirloom(['license', 'audit', join(ROOT, 'examples/models'), '--json'])).json())).toEqual([]);
  });

  test('an answer that does not is caught', () => {
    expect(faults('error', { code: 'lower' })).not.toEqual([]);
  });
});
