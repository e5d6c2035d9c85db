/**
 * What `heirloom compare` says of a base and the same base under surgery; the whole matrix: `npx tsx bench/disguises/run.ts`.
 * Names in STILL_MISSED and STILL_WRONG are gaps: closing one fails here until its line is removed.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Relation } from '../../src/lineage/index.ts';
import { type Case, CASES, isTie, judge } from '../../src/lineage/testing/surgery/cases.ts';
import { logitDifference } from '../../src/lineage/testing/surgery/forward.ts';
import { loadTransformer, type Transformer } from '../../src/lineage/testing/surgery/transformer.ts';
import { withFolder } from '../../src/lineage/testing/surgery/write.ts';
import { makeComparer } from '../../src/register/index.ts';
import { SHARED } from './corpora.ts';

const folder = (id: string): string => `${SHARED}lineage-corpus/${id}`;
const compare = makeComparer({});
const relationOf = async (base: string, { make, naming }: Case): Promise<Relation> =>
  withFolder(
    make(models.DA, models.DB, models.tuned),
    { ...(naming && { naming }) },
    async (made) => (await compare(folder(base), made)).relation,
  );
const models = {} as { DA: Transformer; DB: Transformer; DH: Transformer; tuned: Transformer };
const caseOf = (name: string): Case => {
  const found = CASES.find((each) => each.name === name);
  if (!found) throw new Error(`no case "${name}"`);
  return found;
};

beforeAll(async () => {
  for (const [key, id] of [
    ['DA', 'DA'],
    ['DB', 'DB'],
    ['DH', 'DH'],
    ['tuned', 'a-ft-heavy'],
  ] as const)
    models[key] = await loadTransformer(folder(id));
});

describe('the surgeries', () => {
  test('that claim to keep the function give the same logits, of a Llama and of a GPT-2', () => {
    for (const base of [models.DA, models.DH])
      for (const { name, make, keeps } of CASES)
        if (keeps) expect([name, logitDifference(base, make(base, models.DB, models.tuned)) < 1e-9]).toEqual([name, true]);
  });
});

/** Ties that are there and not said, with the reason. */
const STILL_MISSED: Readonly<Record<string, string>> = {
  'all disguises, noise of 0.3 sd': 'the share of a random start is estimated from stored rows, whose scales a disguise changes',
  'no tokenizer, hidden permuted': 'tokens are matched by string only, never by id',
  'unknown names, fine-tuned': 'a network of unknown names is not laid over one of known names',
  'one stolen layer in a stranger': 'what was learned is judged over all blocks, strange ones too',
  'merged with a stranger, share 0.5': 'less is common than a shared start could explain',
  'upcycled to 4 experts, all disguises': 'experts are not laid over one another',
};
/** Ties that are said, with the wrong kind, layer map or part. */
const STILL_WRONG: Readonly<Record<string, string>> = {
  'neurons scaled and signed': 'kind',
  'gains scattered': 'kind',
  'layers reordered': 'kind+map',
  'neurons widened 1.5 x': 'kind',
  'embedding table alone': 'part',
  'identity layers inserted': 'map',
};

describe('a base is found', () => {
  test.each([
    'hidden permuted and signed',
    'hidden rotated, gains folded',
    'residual scaled by 3',
    'neurons permuted',
    'heads permuted',
    'qkv and gate-up fused',
    'tensors renamed',
    'tensors under an unknown prefix',
    'vocabulary permuted',
    'vocabulary extended by 100',
    'half the strings, all disguises',
    'neurons pruned to two thirds, all disguises',
    'layer dropped',
    'layers reordered, all disguises',
    'noise of 1 sd',
    '80 % pruned',
    'int2',
    'all disguises',
    'all disguises, int4',
    'fine-tuned, all disguises',
    ...Object.keys(STILL_MISSED),
    ...Object.keys(STILL_WRONG),
  ])('and rightly described: %s', async (name) => {
    const each = caseOf(name);
    const relation = await relationOf('DA', each);
    expect(judge(each, models.DA, relation)).toBe(name in STILL_MISSED ? 'MISS' : (STILL_WRONG[name] ?? 'ok'));
  });
});

describe('nobody is accused', () => {
  test.each(['embedding table alone', 'head alone', 'embedding and head alone', 'tokenizer and configuration alone'])(
    'of descent for the %s',
    async (name) => {
      expect(isTie(await relationOf('DA', caseOf(name)))).toBe(false);
    },
  );
  test.each([
    ['DC', 'a stranger'],
    ['DE', 'a model from the same random start'],
    ['a-distilled', 'its student'],
  ])('%s, %s, whatever is done to the base', async (id) => {
    for (const name of [
      'hidden rotated, gains folded',
      'all disguises, noise of 0.3 sd',
      'all disguises, 50 % pruned',
      'noise of 1 sd',
      'layers doubled',
      'vocabulary permuted',
    ]) {
      const { verdict } = await relationOf(id, caseOf(name));
      expect([name, verdict]).not.toEqual([name, expect.stringMatching(/derived|identical/)]);
    }
  });
});
