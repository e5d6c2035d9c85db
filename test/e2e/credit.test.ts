import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { heirloom, ROOT, scratch, shared } from './cli.ts';

const dir = scratch();
const register = join(dir, 'register');
const examples = (name: string): string => join(ROOT, 'examples', 'models', name);
const text = (id: string): string => readFileSync(shared(`licences/texts/${id}.txt`), 'utf8');

/** The weights of an example under other documents. */
function model(name: string, from: string, files: Record<string, string>): string {
  const folder = join(dir, name);
  cpSync(examples(from), folder, { recursive: true });
  for (const file of ['README.md', 'LICENSE', 'NOTICE']) rmSync(join(folder, file), { force: true });
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  return folder;
}
const card = (front: string, body: string): string => `---\n${front}\n---\n${body}\n`;
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(
    (readdirSync(folder, { recursive: true }) as string[])
      .filter((path) => /\.(md|txt|cff)$|LICENSE$|NOTICE$/.test(path))
      .sort()
      .map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  );

/** Registers a base under a license, and makes a child of it that says little. */
async function family(name: string, license: string, id: string, child: Record<string, string>, notice?: string): Promise<string> {
  const owner = `lab-${name}`;
  const base = model(`${name}-base`, 'Alder-1M', {
    'README.md': card(`license: ${license}`, `# ${owner}/${name}-base\n\nA model.`),
    LICENSE: text(id),
    ...(notice !== undefined && { NOTICE: notice }),
  });
  const into = `${register}-${name}`;
  expect((await heirloom(['register', 'add', base, '--register', into, '--name', `${owner}/${name}-base`])).code).toBe(0);
  return model(`kid-of-${name}`, 'Alder-1M-bard', child);
}
const credit = (name: string, folder: string, ...more: string[]) =>
  heirloom(['credit', folder, '--register', `${register}-${name}`, ...more]);

describe('heirloom credit --write', () => {
  let llama: string;
  beforeAll(async () => {
    llama = await family('llama', 'llama3.1', 'llama-3.1', {
      'README.md': card('license: llama3.1 # mine\nbase_model: lab-llama/llama-base', '# anon/tiny\n\nMy words stay.'),
    });
  }, 60_000);

  test('shows a diff and writes nothing without being told to', async () => {
    const before = contents(llama);
    const shown = await credit('llama', llama, '--dry-run');
    expect(shown.stdout).toContain('+++ b/NOTICE');
    expect(shown.stdout).toContain('+++ b/LICENSES/');
    expect((await credit('llama', llama, '--write')).stderr).toContain('give --yes');
    expect(contents(llama)).toEqual(before);
  });

  test('puts license copy, notice, base and display line of a Llama derivative in place, and is done once', async () => {
    await credit('llama', llama, '--write', '--yes');
    const after = contents(llama);
    expect(Object.keys(after).find((path) => path.startsWith('LICENSES/'))).toContain('llama-3.1');
    expect(after['NOTICE']).toContain(
      'Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.',
    );
    expect(after['README.md']).toContain('license: llama3.1 # mine\n');
    expect(after['README.md']).toContain('My words stay.\n');
    expect(after['README.md']).toContain('lab-llama/llama-base');
    expect(after['README.md']).toContain('Built with Llama');
    const again = await credit('llama', llama, '--write', '--yes');
    expect(again.stdout).toContain('nothing to write');
    expect(contents(llama)).toEqual(after);
    // What is open now is the author's alone: the name.
    const { missing } = (await credit('llama', llama, '--json')).json();
    expect(missing.map(({ rule }: { rule: string }) => rule)).toEqual(['credit/name-prefix-not-seen']);
  }, 60_000);

  test('carries an ancestor’s NOTICE on beside what the author’s own says, line endings kept', async () => {
    const child = await family(
      'apache',
      'apache-2.0',
      'Apache-2.0',
      {
        'README.md': card('license: apache-2.0\nbase_model: lab-apache/apache-base', '# anon/other').replaceAll('\n', '\r\n'),
        NOTICE: 'My own notice.\r\n',
      },
      'The Base Project\nCopyright 2024 The Base Authors\n',
    );
    await credit('apache', child, '--write', '--yes');
    const after = contents(child);
    expect(after['NOTICE']!.startsWith('My own notice.\r\n')).toBe(true);
    expect(after['NOTICE']).toContain('Copyright 2024 The Base Authors');
    expect(after['LICENSES/Apache-2.0.txt']).toContain('Apache License');
    expect(
      after['README.md']!.split('\n')
        .slice(0, -1)
        .every((line) => line.endsWith('\r')),
    ).toBe(true);
  }, 60_000);

  test('hands a RAIL model’s restrictions on to those who use its child', async () => {
    const child = await family('openrail', 'creativeml-openrail-m', 'creativeml-openrail-m', {
      'README.md': card('license: creativeml-openrail-m\nbase_model: lab-openrail/openrail-base', '# anon/painter'),
    });
    await credit('openrail', child, '--write', '--yes');
    const after = contents(child);
    expect(after['LICENSES/LicenseRef-Heirloom-creativeml-openrail-m.txt']).toMatch(/Attachment A\s+Use Restrictions/);
    expect(after['README.md']).toContain('| lab-openrail/openrail-base |');
    expect(after['README.md']).toContain('You shall give notice to subsequent users You Distribute to');
    expect((await credit('openrail', child, '--write', '--yes')).stdout).toContain('nothing to write');
    expect(contents(child)).toEqual(after);
  }, 60_000);

  test('gives a card without front matter one, and keeps every word of it', async () => {
    const words = '# anon/plain\n\nNo front matter here.\n';
    const child = await family('plain', 'mit', 'MIT', {
      'README.md': words,
      'adapter_config.json': '{"base_model_name_or_path": "lab-plain/plain-base"}',
    });
    await credit('plain', child, '--write', '--yes');
    const made = contents(child)['README.md']!;
    expect(made).toMatch(/^---\n[^]*base_model:[^]*lab-plain\/plain-base[^]*\n---\n/);
    for (const line of words.split('\n')) expect(made).toContain(line);
    expect((await credit('plain', child, '--write', '--yes')).stdout).toContain('nothing to write');
  }, 60_000);

  test('leaves alone what it cannot read for sure: broken front matter, a notice and a citation that are links, a folder that is none', async () => {
    const child = await family(
      'rail',
      'apache-2.0',
      'Apache-2.0',
      { 'README.md': '---\nlicense: [broken\n---\n# anon/rail\n' },
      'The Base Project\nCopyright 2024 The Base Authors\n',
    );
    mkdirSync(join(dir, 'elsewhere'), { recursive: true });
    for (const name of ['CITATION.cff', 'NOTICE']) {
      writeFileSync(join(dir, 'elsewhere', name), 'mine');
      symlinkSync(join(dir, 'elsewhere', name), join(child, name));
    }
    const made = await credit('rail', child, '--write', '--yes', '--author', 'Ann');
    expect(made.code).not.toBe(0);
    expect(readFileSync(join(child, 'README.md'), 'utf8')).toContain('license: [broken\n');
    for (const name of ['CITATION.cff', 'NOTICE']) {
      expect(readFileSync(join(dir, 'elsewhere', name), 'utf8')).toBe('mine');
      expect(lstatSync(join(child, name)).isSymbolicLink()).toBe(true);
    }
    expect((await credit('rail', 'hf:owner/name', '--write')).code).toBe(2);
  }, 60_000);

  test('writes down no model as a base when nothing says which of the two came first', async () => {
    const quiet = model('quiet', 'Alder-1M-bard', { 'README.md': card('license: llama3.1', '# anon/quiet') });
    const told = await credit('llama', quiet, '--dry-run');
    expect(told.stdout).toContain('which of the two came first is not shown');
    expect(told.stdout).not.toContain('+++');
  });

  test('draws the tree of whose work a model is made', async () => {
    const drawn = await credit('llama', llama, '--tree');
    expect(drawn.stdout).toMatch(/└─ lab-llama\/llama-base \(llama-3\.1.*shown by the weights\)/);
    const { tree } = (await credit('llama', llama, '--tree', '--json')).json();
    expect(tree.bases[0]).toMatchObject({ name: 'lab-llama/llama-base' });
  });
});

describe('heirloom license audit', () => {
  test('tells drift over a list of cards, in text, JSON, CSV and as a page', async () => {
    const list = join(dir, 'cards.jsonl');
    writeFileSync(
      list,
      [
        { name: 'lab/base', license: 'cc-by-nc-4.0' },
        { name: 'a/kept', license: 'cc-by-nc-4.0', base_model: 'lab/base' },
        { name: 'a/lax', license: 'mit', base_model: ['lab/base'] },
        { name: 'a/grandchild', license: 'apache-2.0', base_model: 'a/lax' },
        { name: 'a/silent', base_model: 'lab/base' },
        { name: 'a/one', license: 'mit', base_model: 'a/two' },
        { name: 'a/two', license: 'mit', base_model: 'a/one' },
        { name: 'a/away', license: 'mit', base_model: 'who/knows' },
      ]
        .map((line) => JSON.stringify(line))
        .concat('{broken', '')
        .join('\n'),
    );
    const page = join(dir, 'audit.html');
    const told = await heirloom(['license', 'audit', list, '--html', page]);
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(/loosened +a\/lax/);
    // A middle model that relabelled itself hides nobody.
    expect(told.stdout).toMatch(/loosened +a\/grandchild/);
    expect(told.stdout).toMatch(/dropped +a\/silent/);
    expect(told.stdout).toContain('stands above itself');
    expect(readFileSync(page, 'utf8')).toContain('<svg');
    const { models, summary } = (await heirloom(['license', 'audit', list, '--json'])).json();
    expect(models).toHaveLength(9);
    expect(models.at(-1).error.code).toMatch(/^[A-Z_]+$/);
    expect(summary.drift).toMatchObject({ loosened: 2, dropped: 1, unknown: 1 });
    const csv = (await heirloom(['license', 'audit', list, '--csv'])).stdout;
    expect(csv.trim().split('\n')).toHaveLength(10);
  }, 60_000);

  test('reads folders by the names their cards give, and fails on nothing', async () => {
    const told = await heirloom(['license', 'audit', shared('lineage-corpus'), '--json']);
    const { summary } = told.json();
    expect(summary).toMatchObject({ models: 51, unreadable: 0 });
    expect(summary.drift).toMatchObject({ relabelled: 1, unknown: 0 });
    expect((await heirloom(['license', 'audit', join(dir, 'nowhere')])).code).toBe(2);
    mkdirSync(join(dir, 'bare'));
    const bare = await heirloom(['license', 'audit', join(dir, 'bare'), '--json']);
    expect([bare.code, bare.json().error.code]).toEqual([2, 'AUDIT_INPUT']);
  }, 60_000);
});
