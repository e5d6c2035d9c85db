import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { type AncestorLicense, judgeLicense } from '../license/index.ts';
import { readModel } from '../model/index.ts';
import { type CreditJudgement, judgeCredit } from './index.ts';

const credit = async (files: Record<string, string>, ancestors: AncestorLicense[]): Promise<CreditJudgement> => {
  const model = await readModel(
    memoryTree('made/up', Object.fromEntries(Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)]))),
  );
  return judgeCredit(model, ancestors, await judgeLicense(model, ancestors));
};
const alder: AncestorLicense = { name: 'lab-alder/Alder-1M', licenses: ['Apache-2.0'], because: 'weights' };
const card = (front: string, body = ''): Record<string, string> => ({ 'README.md': `---\n${front}\n---\n${body}` });

describe('an ancestor', () => {
  const named: [string, Record<string, string>, string][] = [
    ['in base_model', card('base_model: lab-alder/Alder-1M'), 'README.md: base_model'],
    ['in base_model by its address', card('base_model: https://huggingface.co/lab-alder/Alder-1M/'), 'README.md: base_model'],
    ['in base_model without its owner', card('base_model: alder-1m'), 'README.md: base_model'],
    ['in prose', card('license: mit', 'A fine-tune of lab-alder/Alder-1M.'), 'README.md'],
    ['in prose without its owner', card('license: mit', 'We started from Alder 1M (thanks!)'), 'README.md'],
    ['in a notice file', { ...card('license: mit'), NOTICE: 'Contains Alder-1M by lab-alder.' }, 'NOTICE'],
  ];
  for (const [how, files, where] of named)
    test(`named ${how} is credited there`, async () => {
      expect((await credit(files, [alder])).ancestors).toEqual([
        { name: 'lab-alder/Alder-1M', because: 'weights', named: true, where: [where] },
      ]);
    });

  const unnamed: [string, Record<string, string>][] = [
    ['nothing is said', card('license: mit', 'A small model.')],
    ['only its sibling is named', card('license: mit', 'Unlike Alder-1M-v0 and Alder-1M.2, this is ours.')],
    ['another owner’s model of that name is the base', card('base_model: other-lab/Alder-1M')],
    ['there is no card', { LICENSE: 'mine' }],
  ];
  for (const [when, files] of unnamed)
    test(`is missing when ${when}`, async () => {
      const { ancestors, missing } = await credit(files, [alder]);
      const otherOwner = when.startsWith('another');
      // A bare "Alder-1M" in a field with another owner is another model; the field is not prose.
      expect(ancestors[0]!.named).toBe(false);
      expect(missing.map((f) => f.rule)).toContain('credit/ancestor-not-named');
      expect(missing.map((f) => f.rule).includes('credit/no-base-stated')).toBe(!otherOwner);
    });

  test('is to be added to the card without an if only where the weights show that it came first', async () => {
    const fixOf = async (ancestor: AncestorLicense): Promise<string> =>
      (await credit(card('license: mit'), [ancestor])).missing.find((f) => f.rule === 'credit/ancestor-not-named')!.fix;
    expect(await fixOf({ ...alder, cameFirst: 'weights' })).toBe('add base_model: lab-alder/Alder-1M to the card');
    expect(await fixOf(alder)).toBe('if this model was made from it, add base_model: lab-alder/Alder-1M to the card');
  });

  test('that is only claimed is not demanded', async () => {
    expect((await credit(card('license: mit'), [{ ...alder, because: 'claimed', licenses: [] }])).missing).toEqual([]);
  });
});

describe('what the ancestor’s license asks to be carried', () => {
  test('is listed as not seen with its clause, then as met with its file', async () => {
    const without = await credit(card('license: apache-2.0\nbase_model: lab-alder/Alder-1M'), [alder]);
    const copy = without.missing.find((f) => f.rule === 'credit/license-copy-not-seen');
    expect(copy).toMatchObject({ where: { file: 'LICENSE' }, source: 'Apache-2.0 4(a)' });
    expect(copy!.why).toContain('You must give any other recipients');
    const { readFileSync } = await import('node:fs');
    const apache = readFileSync(new URL('../../../shared/licences/texts/Apache-2.0.txt', import.meta.url), 'utf8');
    const withCopy = await credit({ ...card('license: apache-2.0\nbase_model: lab-alder/Alder-1M'), LICENSE: apache }, [alder]);
    expect(withCopy.missing.map((f) => f.rule)).not.toContain('credit/license-copy-not-seen');
    expect(withCopy.met).toContainEqual({ what: 'give recipients a copy of the license (Apache-2.0 4(a))', where: 'LICENSE' });
  });

  test('of a model with no ancestor is nothing', async () => {
    expect(await credit(card('license: mit', 'From scratch.'), [])).toMatchObject({ ancestors: [], missing: [] });
  });
});

test('no name and no prose breaks it or takes long', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 40, unit: 'binary' }), fc.string({ maxLength: 300, unit: 'binary' }), async (name, body) => {
      const { ancestors } = await credit(card('license: mit', body), [{ name, licenses: [], because: 'weights' }]);
      expect(ancestors).toHaveLength(1);
    }),
    { numRuns: 60 },
  );
  // A search that goes back at every word would meet the test's own limit.
  expect((await credit(card('license: mit', 'alder-1m-'.repeat(100_000)), [alder])).ancestors).toHaveLength(1);
});
