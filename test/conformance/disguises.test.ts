/**
 * What `heirloom compare` says of a base and the same base under surgery; the whole matrix: `npx tsx bench/disguises/run.ts`.
 * Names in STILL_MISSED and STILL_WRONG are gaps: closing one fails here until its line is removed.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Relation } from '../../src/lineage/index.ts';
import { type Case, CASES } from '../../src/lineage/testing/surgery/cases.ts';
import { isTie, judge } from '../../src/lineage/testing/surgery/judge.ts';
import { logitDifference } from '../../src/lineage/testing/surgery/forward.ts';
import { loadTransformer, type Transformer } from '../../src/lineage/testing/surgery/transformer.ts';
import { withFolder } from '../../src/lineage/testing/surgery/write.ts';
import { makeComparer } from '../../src/register/index.ts';
import { SHARED } from './corpora.ts';

const folder = (id: string): string => `${SHARED}lineage-corpus/${id}`;
const { compare } = makeComparer({});
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

/** Seconds on a free core; a shared machine takes longer. */
const PATIENCE = 300_000;

describe('the surgeries', () => {
  test(
    'that claim to keep the function give the same logits, of a Llama and, where it has a part in it, of a GPT-2',
    () => {
      const keeping = CASES.filter(({ keeps }) => keeps);
      expect(keeping.length).toBeGreaterThan(25);
      for (const [base, cases] of [
        [models.DA, keeping],
        [models.DH, keeping.slice(0, 11)],
      ] as const)
        for (const { name, make } of cases)
          expect([name, logitDifference(base, make(base, models.DB, models.tuned)) < 1e-9]).toEqual([name, true]);
    },
    PATIENCE,
  );
});

/** Ties that are there and not said, with the reason. */
const STILL_MISSED: Readonly<Record<string, string>> = {
  'merged with a stranger, share 0.3': 'less is common than a shared start could explain',
  'strings replaced and shuffled, all disguises': 'neither strings nor numbers say which token is which',
};
/** Ties that are said, with the wrong kind, layer map, share or part. */
const STILL_WRONG: Readonly<Record<string, string>> = {
  'tensors under unknown names': 'kind',
};

describe('a base is found', () => {
  test.each([
    'hidden permuted and signed',
    'hidden rotated, gains folded',
    'residual scaled by 3',
    'neurons permuted',
    'gains scattered',
    'heads permuted',
    'qkv and gate-up fused',
    'tensors renamed',
    'unknown names, all disguises',
    'vocabulary permuted',
    'half the strings, all disguises',
    'no tokenizer, all disguises',
    'neurons pruned to two thirds, all disguises',
    'layer dropped',
    'layers reordered, all disguises',
    'identity layers inserted',
    'upcycled to 4 experts, all disguises',
    'noise of 1 sd',
    '80 % pruned',
    'int2',
    'all disguises',
    'all disguises, int4',
    'all disguises, noise of 0.3 sd',
    'fine-tuned, all disguises',
    'merged with a stranger, share 0.5',
    'layers reordered',
    'one stolen layer in a stranger',
    'two stolen layers in a stranger',
    'neurons scaled and signed',
    ...Object.keys(STILL_MISSED),
    ...Object.keys(STILL_WRONG),
  ])(
    'and rightly described: %s',
    async (name) => {
      const each = caseOf(name);
      const relation = await relationOf('DA', each);
      expect(judge(each, models.DA, relation)).toBe(name in STILL_MISSED ? 'MISS' : (STILL_WRONG[name] ?? 'ok'));
    },
    PATIENCE,
  );
});

describe('nobody is accused', () => {
  test.each(['embedding table alone', 'head alone', 'embedding and head alone', 'tokenizer and configuration alone'])(
    'of descent for the %s',
    async (name) => {
      const each = caseOf(name);
      const relation = await relationOf('DA', each);
      expect([isTie(relation), judge(each, models.DA, relation)]).toEqual([false, 'ok']);
    },
    PATIENCE,
  );
  test.each([
    ['DC', 'a stranger'],
    ['DE', 'a model from the same random start'],
    ['a-distilled', 'its student'],
  ])(
    '%s, %s, whatever is done to the base',
    async (id) => {
      const surgeries = [
        'hidden rotated, gains folded',
        'all disguises, noise of 0.3 sd',
        'all disguises, 50 % pruned',
        'noise of 1 sd',
        'layers doubled',
      ];
      const accused: string[] = [];
      for (const name of surgeries) if (isTie(await relationOf(id, caseOf(name)))) accused.push(name);
      expect(accused).toEqual([]);
    },
    PATIENCE,
  );
});
