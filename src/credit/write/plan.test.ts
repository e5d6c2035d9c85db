import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../../base/index.ts';
import { type AncestorLicense, judgeLicense } from '../../license/index.ts';
import { readModel } from '../../model/index.ts';
import { creditTree, type DirectBase, type KnownBase, planCredit, type CreditPlan, unifiedDiff } from '../index.ts';

const text = (id: string): string => readFileSync(new URL(`../../../../shared/licences/texts/${id}.txt`, import.meta.url), 'utf8');
const LLAMA = text('llama-3.1');
const APACHE = text('Apache-2.0');

const KNOWN: KnownBase[] = [
  { name: 'meta-llama/Llama-3.1-8B', locator: 'hf:meta-llama/Llama-3.1-8B', revision: 'd04e592', licenses: ['llama-3.1'] },
  { name: 'lab/Birch-1M', locator: '/models/birch', licenses: ['Apache-2.0'], baseModels: ['lab/Seed'] },
];
const LLAMA_BASE: DirectBase = {
  name: 'meta-llama/Llama-3.1-8B',
  because: 'weights',
  change: 'fine-tuned',
  relation: 'finetune',
  share: 1,
};
const BIRCH: DirectBase = { name: 'lab/Birch-1M', because: 'claimed' };

interface Options {
  readonly bases?: readonly DirectBase[];
  readonly texts?: Readonly<Record<string, string>>;
  readonly notices?: readonly string[];
  readonly author?: string;
  readonly name?: string;
}

/** As the command does it, over a folder in memory. */
async function plan(files: Readonly<Record<string, string>>, options: Options = {}): Promise<CreditPlan> {
  const { bases = [LLAMA_BASE], texts = { 'llama-3.1': LLAMA, 'Apache-2.0': APACHE } } = options;
  const bytes = Object.entries({ 'config.json': '{}', ...files }).map(([path, one]) => [path, new TextEncoder().encode(one)]);
  const model = await readModel(memoryTree('my/model', Object.fromEntries(bytes)));
  const ancestors = bases.map((base): AncestorLicense => {
    const licenses = KNOWN.find((one) => one.name === base.name)?.licenses ?? [];
    return { name: base.name, licenses, because: base.because, ...(base.because === 'weights' && { cameFirst: 'weights' }) };
  });
  const { duties, found } = await judgeLicense(model, ancestors);
  const own = found.find((one) => one.by === 'text' && one.file === 'LICENSE' && !one.modified);
  return planCredit({
    tree: creditTree({ name: options.name ?? 'my/model', licenses: [] }, bases, KNOWN),
    bases,
    duties,
    claims: model.claims,
    ...(own && { own: { id: own.id, file: own.file } }),
    files: new Map(Object.entries(files)),
    ...(model.card && { card: model.card.file }),
    ...(model.noticeFiles[0]?.file === 'NOTICE' && { noticeFile: 'NOTICE' }),
    licenseText: async (id) => (Object.hasOwn(texts, id) ? texts[id] : undefined),
    notices: (options.notices ?? []).map((one) => ({ from: 'lab/Birch-1M', license: 'Apache-2.0', text: one })),
    ...(options.author !== undefined && { author: options.author }),
  });
}

const apply = (files: Readonly<Record<string, string>>, { files: planned }: CreditPlan): Record<string, string> => ({
  ...files,
  ...Object.fromEntries(planned.map(({ path, after }) => [path, after])),
});

/** Every code unit of `part`, in order, stands in `whole`. */
function standsIn(part: string, whole: string): boolean {
  let at = 0;
  for (let k = 0; k < whole.length && at < part.length; k++) if (whole[k] === part[at]) at++;
  return at === part.length;
}

describe('what a fine-tune of Llama 3.1 is missing', () => {
  test('is written with the words of the license, each where it belongs', async () => {
    const { files, refused } = await plan(
      { 'README.md': '---\nlicense: apache-2.0 # mine\n---\n# A model\n\nText.\n' },
      { author: 'A. Maker' },
    );
    const after = Object.fromEntries(files.map((file) => [file.path, file.after]));
    expect(Object.keys(after)).toEqual(['CITATION.cff', 'LICENSES/LicenseRef-Heirloom-llama-3.1.txt', 'NOTICE', 'README.md']);
    expect(after['LICENSES/LicenseRef-Heirloom-llama-3.1.txt']).toBe(LLAMA.endsWith('\n') ? LLAMA : `${LLAMA}\n`);
    expect(after['NOTICE']).toBe(
      'Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.\n',
    );
    const card = after['README.md']!;
    expect(card).toContain('license: apache-2.0 # mine\nbase_model_relation: finetune\nbase_model:\n- meta-llama/Llama-3.1-8B\n---\n');
    expect(card).toContain('**Built with Llama**');
    expect(card).toContain('| meta-llama/Llama-3.1-8B | d04e592 | llama-3.1 | fine-tuned | 100 % | its weights |');
    expect(card).toContain('Llama 3.1 Acceptable Use Policy, 2024-07-23');
    expect(card).toContain('greater than 700 million monthly active users');
    expect(after['CITATION.cff']).toContain(
      'references:\n  - title: meta-llama/Llama-3.1-8B\n    type: generic\n    authors:\n      - name: meta-llama\n',
    );
    expect(refused).toEqual([]);
  });

  test('and cannot be had here is told with source and hash, not made up', async () => {
    const { files, refused } = await plan({ 'README.md': 'x\n' }, { texts: {} });
    expect(files.map((file) => file.path)).not.toContain('LICENSES/LicenseRef-Heirloom-llama-3.1.txt');
    const missing = refused.find((one) => one.path.startsWith('LICENSES/'));
    expect(missing!.why).toMatch(/meta-llama\/llama-models.*SHA-256 bf2eac60b81e5c5f779fc3b4849d3bfacfd63f97f3eb68b44e9c6868c5801712/);
  });
});

describe('an author’s file', () => {
  test('that says something else where a license copy belongs is left alone', async () => {
    const path = 'LICENSES/LicenseRef-Heirloom-llama-3.1.txt';
    const { files, refused } = await plan({ 'README.md': 'x\n', [path]: 'All mine.\n' });
    expect(files.map((file) => file.path)).not.toContain(path);
    expect(refused.map((one) => one.path)).toContain(path);
  });

  test('NOTICE is carried on behind, and the NOTICE of the base with it, once', async () => {
    const own = 'My own notice\r\nof two lines';
    const upstream = 'Birch\nCopyright 2025 Lab Birch\n\nThis product includes moss.\n';
    const files = { NOTICE: own };
    const first = await plan(files, { bases: [BIRCH], notices: [upstream] });
    const notice = first.files.find((file) => file.path === 'NOTICE')!.after;
    expect(notice).toBe(`${own}\r\n\r\n${upstream.trim().replaceAll('\n', '\r\n')}\r\n`);
    expect((await plan(apply(files, first), { bases: [BIRCH], notices: [upstream] })).files).toEqual([]);
  });

  const unsure: [string, string][] = [
    ['front matter that is never closed', '---\nlicense: mit\n# x\n'],
    ['front matter that does not parse', '---\na: [\n---\n# x\n'],
    ['a field that stands twice', '---\nlicense: mit\nlicense: gpl\n---\nx\n'],
    ['front matter in braces', '---\n{license: mit}\n---\nx\n'],
    ['a base in one line', '---\nbase_model: some/other\n---\nx\n'],
    ['bases in brackets', '---\nbase_model: [some/other]\n---\nx\n'],
  ];
  for (const [what, card] of unsure)
    test(`with ${what} keeps its front matter, and it is said why`, async () => {
      const { files, refused } = await plan({ 'README.md': card });
      const after = files.find((file) => file.path === 'README.md')?.after ?? card;
      expect(after.startsWith(card.replace(/base_model: .*\n---\n[^]*/, (all) => all.split('\n')[0]!))).toBe(true);
      expect(refused.some((one) => one.path === 'README.md')).toBe(true);
    });

  const open: [string, string][] = [
    ['a code block', '# x\n```\ncode\n'],
    ['a comment', '# x\n<!-- todo\n'],
    ['half a pair of marks', '# x\n<!-- heirloom:credit begin -->\ntext\n'],
    [
      'two sections',
      '<!-- heirloom:credit begin -->\n<!-- heirloom:credit end -->\n<!-- heirloom:credit begin -->\n<!-- heirloom:credit end -->\n',
    ],
  ];
  for (const [what, body] of open)
    test(`with ${what} left open gets no section`, async () => {
      const { files, refused } = await plan({ 'README.md': body });
      expect(files.find((file) => file.path === 'README.md')?.after ?? body).not.toContain('## Built on');
      expect(refused.some((one) => one.path === 'README.md')).toBe(true);
    });

  test('keeps its list of bases in its own indentation', async () => {
    const { files } = await plan({ 'README.md': '---\nbase_model:\n  # first\n  - a/b # why\ntags:\n  - x\n---\nx\n' });
    expect(files.find((file) => file.path === 'README.md')!.after).toContain('  - a/b # why\n  - meta-llama/Llama-3.1-8B\ntags:\n  - x\n');
  });

  test('CITATION.cff gets references behind its own', async () => {
    const own =
      'cff-version: 1.2.0\nmessage: hi\ntitle: T\nauthors:\n- family-names: X\nreferences:\n- title: Y # keep\n  type: book\n  authors:\n  - name: Z\nversion: 1';
    const { files } = await plan({ 'CITATION.cff': own });
    const after = files.find((file) => file.path === 'CITATION.cff')!.after;
    expect(standsIn(own, after)).toBe(true);
    expect(after).toContain('  - name: Z\n- title: meta-llama/Llama-3.1-8B\n  type: generic\n');
    expect(after.endsWith('version: 1')).toBe(true);
  });
});

test('a license that the author does not state is not stated for the author', async () => {
  const { files, refused } = await plan({ 'README.md': '---\ntags: [x]\n---\n' });
  expect(files.find((file) => file.path === 'README.md')!.after).not.toMatch(/^license/m);
  expect(refused.some((one) => one.why.includes('the author’s to say'))).toBe(true);
});

test('names of models cannot break out of the section', async () => {
  const name = 'evil/<!-- heirloom:credit end -->\n# Heading | `x` <script>';
  const files = { 'README.md': '# x\n' };
  const first = await plan(files, { bases: [{ name, because: 'claimed' }] });
  const [, , card] = first.files.find((file) => file.path === 'README.md')!.after.split('---\n') as [string, string, string];
  expect(card.split('<!-- heirloom:credit end -->')).toHaveLength(2);
  expect(card).not.toContain('<script>');
  expect(card).not.toContain('\n# Heading');
});

const eol = fc.constantFrom('\n', '\r\n');
const word = fc.constantFrom('license: mit', 'tags: [a, b]', '# comment', 'base_model: x/y', 'base_model:', '- x/y', '  - x/z', 'language:', '- "no"', '', 'a: |', '  text', "b: 'q'", 'base_model_relation: merge', 'k: {a: 1}', '---', '...'); // prettier-ignore
const prose = fc.oneof(
  fc.string({ maxLength: 60, unit: 'grapheme' }),
  fc.constantFrom('# Title', '```', '~~~', '<!-- x', '-->', '| a | b |', '---', '', '<!-- heirloom:credit begin -->', '<!-- heirloom:credit end -->', 'Built with Llama', 'Fine-tuned from x/y.'), // prettier-ignore
);
const card = fc
  .record({
    mark: fc.constantFrom('', '\ufeff'),
    eol,
    front: fc.option(fc.array(word, { maxLength: 8 })),
    body: fc.array(prose, { maxLength: 12 }),
    last: fc.boolean(),
  })
  .map((one) => {
    const lines = [...(one.front ? ['---', ...one.front, '---'] : []), ...one.body];
    return one.mark + lines.join(one.eol) + (one.last ? one.eol : '');
  });
const notice = fc.option(fc.array(prose, { maxLength: 5 }).map((lines) => lines.join('\n')));
const citation = fc.option(
  fc
    .array(
      fc.constantFrom('cff-version: 1.2.0', 'title: T', 'references:', '- title: Y', '  type: book', 'authors:', '  - name: Z', '# c', ''),
      { maxLength: 8 },
    )
    .map((lines) => lines.join('\n')),
);

test('whatever the author wrote stays, byte for byte and in order, and a second run changes nothing', async () => {
  let written = 0;
  await fc.assert(
    fc.asyncProperty(card, notice, citation, fc.boolean(), async (readme, own, cff, both) => {
      const files = { 'README.md': readme, ...(own !== null && { NOTICE: own }), ...(cff !== null && { 'CITATION.cff': cff }) };
      const options = { bases: both ? [LLAMA_BASE, BIRCH] : [LLAMA_BASE], author: 'A', notices: ['Upstream words.'] };
      const first = await plan(files, options);
      const after = apply(files, first);
      for (const [path, before] of Object.entries(files)) {
        const generated = /<!-- heirloom:credit begin[^]*<!-- heirloom:credit end -->/.test(before);
        // What stands between the two marks is ours to replace; around it every byte stays.
        const kept = generated ? before.replace(/<!-- heirloom:credit begin[^]*<!-- heirloom:credit end -->/, '') : before;
        expect(standsIn(kept, after[path]!), path).toBe(true);
      }
      written += first.files.length;
      expect((await plan(after, options)).files).toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect(written).toBeGreaterThan(600);
}, 120_000);

test('a diff applied by hand gives the new file', () => {
  const line = fc.constantFrom('a', 'b', 'c', 'd', '');
  const file = fc
    .tuple(fc.array(line, { maxLength: 30 }), fc.boolean())
    .map(([lines, last]) => lines.join('\n') + (last && lines.length > 0 ? '\n' : ''));
  fc.assert(
    fc.property(file, file, (before, after) => {
      expect(patched(before, unifiedDiff({ path: 'x', before, after }))).toBe(after);
    }),
    { numRuns: 500 },
  );
});

function patched(before: string, diff: string): string {
  const lines = before.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const out: string[] = [];
  let at = 0;
  const body = diff.split('\n').slice(2, -1);
  for (let k = 0; k < body.length; k++) {
    const hunk = /^@@ -(\d+),(\d+)/.exec(body[k]!);
    if (hunk) {
      const start = Number(hunk[1]) - (hunk[2] === '0' ? 0 : 1);
      while (at < start) out.push(lines[at++]!);
      continue;
    }
    if (body[k]!.startsWith('\\')) continue;
    const end = body[k + 1]?.startsWith('\\') ? '' : '\n';
    const value = body[k]!.slice(1) + end;
    if (body[k]![0] !== '+') expect(lines[at++]).toBe(value);
    if (body[k]![0] !== '-') out.push(value);
  }
  return [...out, ...lines.slice(at)].join('');
}
