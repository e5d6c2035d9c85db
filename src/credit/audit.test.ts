import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { type Model, readModel } from '../model/index.ts';
import { AuditCounter, type AuditEntry, auditEntry, auditIndex, type AuditRow, auditRow, entryOf } from './index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** As the command does it: every card is read, then each is held against all. */
async function audit(
  cards: readonly (readonly [name: string, card: string | Uint8Array])[],
  registered: AuditEntry[] = [],
): Promise<AuditRow[]> {
  const models: Model[] = [];
  for (const [name, card] of cards)
    models.push(await readModel(memoryTree(name, { 'README.md': typeof card === 'string' ? bytes(card) : card })));
  const entries = await Promise.all(models.map((model, k) => auditEntry(model, cards[k]![0], `line ${k}`)));
  const index = auditIndex(entries, registered);
  return Promise.all(models.map((model, k) => auditRow(model, entries[k]!, index)));
}
const card = (fields: Readonly<Record<string, string>>, body = ''): string =>
  `---\n${Object.entries(fields)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')}---\n${body}`;
const rules = (row: AuditRow | undefined): string[] => row!.findings.map((finding) => finding.rule);

describe('a label is held against the bases a card names', () => {
  test('through a middle model that put itself under another license', async () => {
    const rows = await audit([
      ['lab/base', card({ license: 'llama3.1' })],
      ['x/mid', card({ license: 'apache-2.0', base_model: 'lab/base' })],
      ['x/leaf', card({ license: 'apache-2.0', base_model: 'x/mid' })],
    ]);
    expect(rows.map((row) => [row.name, row.drift, row.through])).toEqual([
      ['lab/base', 'none', undefined],
      ['x/mid', 'loosened', 'lab/base'],
      ['x/leaf', 'loosened', 'lab/base'],
    ]);
    expect(rows[2]!.effective).toContain('llama-3.1');
  });

  test('found in the register when the audit does not hold it, and said not to be found when neither does', async () => {
    const known = await entryOf('lab/base', 'hf:lab/base', ['cc-by-nc-4.0'], []);
    const [a, b] = await audit([['a/a', card({ license: 'mit', base_model: 'lab/base' })], ['a/b', card({ license: 'mit', base_model: 'who/knows' })]], [known]); // prettier-ignore
    expect([a!.drift, a!.bases[0]!.found]).toEqual(['loosened', 'registered']);
    expect([b!.drift, b!.bases[0]!.found]).toEqual(['unknown', 'not-found']);
  });

  test('never through another owner’s model of the same name', async () => {
    const rows = await audit([['lab/base', card({ license: 'llama3.1' })], ['x/leaf', card({ license: 'mit', base_model: 'other/base' })]]); // prettier-ignore
    expect(rows[1]!.drift).toBe('unknown');
  });
});

describe('a card that', () => {
  test.each([
    ['has front matter that does not parse', '---\nlicense: [mit\n---\n# x\n'],
    ['never closes its front matter', '---\nlicense: mit\n# x\n'],
    ['nests too deep', `---\na: ${'['.repeat(5000)}\n---\n`],
    ['is no text', Uint8Array.from({ length: 4000 }, (_, k) => (k * 7919) % 256)],
  ])('%s is an error of its own, not a card that says nothing', async (_, text) => {
    const [row] = await audit([['a/a', text]]);
    expect(row!.error?.code).toBe('AUDIT_CARD');
    expect(rules(row)).not.toContain('license/none-stated');
  });

  test('states its license twice is told', async () => {
    expect(rules((await audit([['a/a', '---\nlicense: mit\nlicense: gpl-3.0\n---\n']]))[0])).toContain('model/duplicate-key');
  });

  test('says another license in its text than in its field is told; of its base it may speak', async () => {
    const said = 'This model is released under the MIT License.';
    expect(rules((await audit([['a/a', card({ license: 'apache-2.0' }, said)]]))[0])).toContain('license/prose-differs-from-field');
    for (const [license, body] of [
      ['mit', said],
      ['apache-2.0', 'The base model is released under the MIT License.'],
    ] as const)
      // prettier-ignore
      expect(rules((await audit([['a/a', card({ license }, body)]]))[0])).not.toContain('license/prose-differs-from-field');
  });

  test('names an unknown license is told', async () => {
    expect(rules((await audit([['a/a', card({ license: 'odd-one' })]]))[0])).toContain('license/declared-unknown');
  });

  test('stands above itself, alone or over others, is told the way round', async () => {
    const rows = await audit([
      ['a/one', card({ license: 'mit', base_model: 'a/two' })],
      ['a/two', card({ license: 'mit', base_model: 'a/one' })],
      ['a/self', card({ license: 'mit', base_model: 'a/self' })],
    ]);
    for (const row of rows) expect(rules(row)).toContain('license/base-loop');
    expect(rows[0]!.findings.find((finding) => finding.rule === 'license/base-loop')!.what).toContain('a/one ← a/two ← a/one');
  });

  test('shares its name with an earlier one is told', async () => {
    const rows = await audit([['a/a', card({ license: 'mit' })], ['A/a', card({ license: 'gpl-3.0' })]]); // prettier-ignore
    expect(rows.map((row) => rules(row).includes('license/name-twice'))).toEqual([false, true]);
  });
});

test('whatever cards say and however they name one another, each is one row and is counted once', async () => {
  const name = fc.constantFrom('a/1', 'a/2', 'b/1', '1', 'c/3', '__proto__', '');
  const line = fc.oneof(fc.constantFrom('license: mit', 'license: llama3.1', 'license: other', '---', '- x', '{', 'a: &a [*a]'), name.map((n) => `base_model: ${n}`), fc.string({ unit: 'binary', maxLength: 30 })); // prettier-ignore
  const one = fc.tuple(name, fc.array(line, { maxLength: 6 }).map((lines) => `---\n${lines.join('\n')}\n---\n`)); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 8 }), async (cards) => {
      const rows = await audit(cards);
      const counter = new AuditCounter();
      for (const row of rows) counter.add(row);
      const { models, unreadable, drift, flows } = counter.summary();
      expect(models).toBe(cards.length);
      expect(Object.values(drift).reduce((sum, n) => sum + n, 0)).toBe(models - unreadable);
      expect(flows.reduce((sum, flow) => sum + flow.models, 0)).toBe(models - unreadable);
    }),
    { numRuns: 150 },
  );
}, 60_000);
