/** The license catalogue: what it holds, that it rebuilds, and that adding a license is what CONTRIBUTING says it is. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A copy of what the catalogue is built from, with nothing beside it: no ../shared. */
const copy = mkdtempSync(join(tmpdir(), 'heirloom-catalog-'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));
for (const name of ['catalog', 'docs', 'schemas', 'scripts', 'src', 'package.json'])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

function run(...args: string[]): { code: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', ...args], { cwd: copy, encoding: 'utf8' });
  return { code: status, out: stdout + stderr };
}
const catalog = (...args: string[]): { code: number | null; out: string } => run('scripts/catalog.mjs', ...args);
const dataOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(folder, 'src/license/data')).map((name) => [name, readFileSync(join(folder, 'src/license/data', name), 'utf8')]),
  );
const recordPath = (id: string): string => join(copy, 'catalog', 'licenses', `${id}.json`);
const contributing = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
const block = (language: string): string => {
  const found = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\n\`\`\``).exec(contributing);
  if (!found) throw new Error(`CONTRIBUTING.md has no ${language} block`);
  return `${found[1]!}\n`;
};

/** What the check says with something wrong in several records at once; they are put back. */
function complaints(changes: Readonly<Record<string, readonly (readonly [from: string, to: string])[]>>): string {
  const before = Object.keys(changes).map((id) => [recordPath(id), readFileSync(recordPath(id), 'utf8')] as const);
  Object.values(changes).forEach((pairs, k) => {
    const [path, text] = before[k]!;
    const changed = pairs.reduce((done, [from, to]) => {
      expect(done).toContain(from);
      return done.replaceAll(from, to);
    }, text);
    writeFileSync(path, changed);
  });
  const { code, out } = catalog('--check');
  for (const [path, text] of before) writeFileSync(path, text);
  expect(code).toBe(1);
  return out;
}

describe('the catalogue', () => {
  test('rebuilds byte for byte from the repository alone, and every quote stands in its text', () => {
    const { code, out } = catalog('--check');
    expect([code, out]).toEqual([0, expect.stringMatching(/^1\d\d records, 1\d{3} terms, 2\d{3} quotes looked up/)]);
    expect(catalog().code).toBe(0);
    expect(dataOf(copy)).toEqual(dataOf(root));
  }, 60_000);

  test('names a quote that is not in the text, a wrong fixed text, an unknown term, a free-form value, a missing policy and a stale build', () => {
    const out = complaints({
      'llama-3.1': [['prominently display', 'quietly display']],
      'llama-3.2': [['"text": "Built with Llama"', '"text": "Built by Llama"']],
      MIT: [['"grant.sublicense"', '"grant.everything"']],
      'qwen-2024': [['"continuous"', '"sometimes"']],
      'gemma-2025-03-24': [['"gemma-prohibited-use"', '"gemma-no-such-policy"']],
    });
    expect(out).toContain('llama-3.1.json duty.attribution-display (1.b.i(B)): not in the text of llama-3.1');
    expect(out).toContain('llama-3.2.json duty.attribution-display (1.b.i(B)) params.text: not in the text of llama-3.2: "Built by Llama"');
    expect(out).toMatch(/MIT\.json\/terms\/\d+\/term: must be equal to one of the allowed values/);
    expect(out).toMatch(/qwen-2024\.json\/terms\/\d+\/params\/evaluateAt/);
    expect(out).toContain('gemma-2025-03-24.json: there is no record "gemma-no-such-policy"');
    expect(out).toContain('src/license/data/records.json is not what catalog/ gives');
  }, 60_000);
});

describe('adding a license as CONTRIBUTING says', () => {
  const text = block('text');
  const probe = (code: string): unknown => {
    const { out, code: exit } = run(
      '--input-type=module',
      '-e',
      `import * as license from './src/license/index.ts'; console.log(JSON.stringify(await (${code})))`,
    );
    if (exit !== 0) throw new Error(out);
    return JSON.parse(out);
  };

  test('takes one file and one command; then its text is recognized and its terms are shown', () => {
    writeFileSync(recordPath('tern-model-1.0'), block('json'));
    writeFileSync(join(copy, 'LICENSE'), text);
    expect(catalog('--check').out).toContain('run `npm run catalog -- --text tern-model-1.0=FILE`');
    expect(block('sh')).toBe('npm run catalog -- --text tern-model-1.0=LICENSE\n');
    expect(catalog('--text', 'tern-model-1.0=LICENSE').code).toBe(0);
    expect(catalog('--check')).toEqual({ code: 0, out: expect.stringContaining('quotes looked up') });

    expect(probe(`license.identifyLicense(${JSON.stringify(text)})`)).toMatchObject([
      { id: 'tern-model-1.0', by: 'text', modified: false },
    ]);
    const changed = text.replace('You may not use', 'You may use');
    expect(probe(`license.identifyLicense(${JSON.stringify(changed)})`)).toMatchObject([{ id: 'tern-model-1.0', modified: true }]);
    expect(probe(`license.resolveTag('tern-license')`)).toMatchObject({ id: 'tern-model-1.0', kind: 'use-restricted' });
    expect(probe(`license.findLicense('tern-license').then((answer) => license.sheetOf(answer.record))`)).toMatchObject({
      id: 'tern-model-1.0',
      parts: { names: [{ what: 'must show these words: "Made with Tern", on product documentation', section: '2' }] },
      uses: [{ from: 'tern-model-1.0', items: [{ codes: ['weapons'] }] }],
    });
  }, 120_000);
});
