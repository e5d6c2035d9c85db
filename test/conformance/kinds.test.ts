/**
 * What happened to the weights, of every parent and child whose history is known, with both models at hand.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { KindName, Relation } from '../../src/lineage/index.ts';
import { makeComparer } from '../../src/register/index.ts';
import { type CorpusModel, readManifest, SHARED } from './corpora.ts';

interface Child extends CorpusModel {
  readonly parents: readonly { readonly id: string; readonly coefficient: number | null }[];
  readonly parameters: { readonly [key: string]: unknown };
}

/** For each recipe the kinds that are right or honestly broader, of a child against its direct parent. */
const KINDS: Readonly<Record<string, readonly KindName[]>> = {
  'fine-tune': ['fine-tune'],
  'continued-pretraining': ['fine-tune'],
  'lora-adapter': ['low-rank'],
  'lora-merged': ['low-rank'],
  // One parent alone does not show a merge: a dense change is the honest word.
  'merge-linear': ['merge', 'fine-tune'],
  'merge-task-arithmetic': ['merge', 'fine-tune'],
  'merge-slerp': ['merge', 'fine-tune'],
  'merge-ties': ['merge', 'fine-tune'],
  'magnitude-prune': ['pruned'],
  'structured-prune-mlp': ['width-changed'],
  'structured-prune-heads': ['width-changed'],
  'layer-drop': ['depth-changed'],
  'depth-upscale': ['depth-changed'],
  'vocabulary-extended': ['partial'],
  'vocabulary-permutation': ['disguised'],
  'quantise-int8-channel': ['quantized'],
  'quantise-int4-group': ['quantized'],
  gguf: ['quantized'],
  'hidden-permutation': ['disguised'],
  'mlp-permutation': ['disguised'],
  'mlp-scaling': ['disguised'],
  'head-permutation': ['disguised'],
  'qk-vo-transform': ['disguised'],
  'norm-gain-rescale': ['disguised'],
  'rotation-and-norm-fold': ['disguised'],
  'gaussian-noise': ['noise'],
  'launder-all-then-fine-tune': ['disguised'],
};

const manifest = readManifest<{ readonly models: readonly Child[] }>('lineage-corpus');
const folder = (id: string): string => `${SHARED}lineage-corpus/${manifest.models.find((model) => model.id === id)!.folder}`;
const told = new Map<string, Relation>();
const kindOf = (pair: string): Relation['kind'] => told.get(pair)!.kind;

beforeAll(async () => {
  const { compare } = makeComparer({});
  for (const child of manifest.models)
    for (const parent of child.parents)
      told.set(`${parent.id} > ${child.id}`, (await compare(folder(parent.id), folder(child.id))).relation);
}, 120_000);

describe('of every parent and child on the lineage corpus', () => {
  test('the kind is right, or broader and right', () => {
    const pairs = manifest.models.flatMap((child) => child.parents.map((parent) => ({ child, pair: `${parent.id} > ${child.id}` })));
    expect(pairs.length).toBeGreaterThan(45);
    const wrong = pairs.flatMap(({ child, pair }) =>
      KINDS[child.recipe]!.includes(kindOf(pair).name) ? [] : [`${pair}: ${kindOf(pair).name}`],
    );
    expect(wrong).toEqual([]);
  });

  test('the rank of a merged adapter is exact', () => {
    expect(kindOf('DA > a-lora-merged')).toMatchObject({ name: 'low-rank', rank: 8 });
  });

  test('plain quantizations are proved to the bit; k-quants are named by the file and not called proved', () => {
    expect(kindOf('DA > a-int8')).toMatchObject({ scheme: 'int8 per row', schemeProved: true });
    expect(kindOf('DB > b-int4')).toMatchObject({ scheme: 'int4 in groups of 32, asymmetric', schemeProved: true });
    expect(kindOf('DA > a-gguf-q8_0')).toMatchObject({ scheme: 'Q8_0', schemeProved: true });
    expect(kindOf('DA > a-gguf-q4_k_m')).toMatchObject({ scheme: 'Q5_0, Q8_0', schemeProved: true });
    expect(kindOf('DC > c-gguf-q4_0')).toMatchObject({ scheme: 'Q4_0, Q8_0', schemeProved: true });
    expect(kindOf('DF > f-gguf-q4_k_m')).toMatchObject({ scheme: 'Q4_K, Q6_K', schemeProved: false });
  });

  test('disguises are named one by one', () => {
    const named = (pair: string): readonly string[] | undefined => kindOf(pair).disguises;
    expect(named('DA > a-mlp-perm')).toEqual(['neurons permuted']);
    expect(named('DA > a-qkvo')).toEqual(['query and key basis changed', 'value and output basis changed']);
    expect(named('DA > a-hidden-perm')).toEqual(['hidden channels permuted']);
    expect(named('DB > b-head-perm')).toEqual(['heads permuted']);
    expect(named('DB > b-vocab-perm')).toEqual(['vocabulary permuted']);
    expect(named('DC > c-mlp-scale')).toEqual(['neurons scaled']);
    expect(named('DD > d-norm-gain')).toEqual(['norm gains rescaled']);
    expect(named('DA > a-vocab-ext')).toEqual(['vocabulary extended']);
  });

  test('layer maps and kept neurons are exact', () => {
    expect(kindOf('DA > a-layer-drop').layerMap).toEqual([0, 1, 3]);
    expect(kindOf('DA > a-depth-up').layerMap).toEqual([0, 1, 2, 1, 2, 3]);
    const kept = manifest.models.find(({ id }) => id === 'a-struct-mlp')!.parameters['kept'];
    expect(kindOf('DA > a-struct-mlp').neuronMap).toEqual(kept);
  });

  test('all of a child is shared, an added part of its vocabulary is not', () => {
    for (const [pair, { share, kind }] of told)
      if (kind.name !== 'low-rank' || !pair.endsWith('a-lora'))
        expect([pair, share.fraction ?? 0]).toEqual([pair, expect.closeTo(pair.endsWith('a-vocab-ext') ? 0.972 : 1, 2)]);
  });

  test('no direction is given between dense models', () => {
    for (const [pair, { kind, direction }] of told)
      expect([pair, direction]).toEqual([pair, kind.name === 'quantized' || kind.name === 'pruned' ? 'a->b' : 'unknown']);
  });
});

describe('with further models at hand', () => {
  const compareWith = async (a: string, b: string, ...others: string[]): Promise<Relation> =>
    (await makeComparer({}, { with: others.map(folder) }).compare(folder(a), folder(b))).relation;

  test('coefficients of linear and task merges are within .02, SLERP gives t', async () => {
    const linear = (await compareWith('a-chain1', 'a-merge-linear3', 'a-cpt', 'a-ft-light', 'DA')).kind.merge!;
    expect(linear).toMatchObject({ method: 'linear', missingParent: false });
    expect(linear.parents.map(({ name }) => name)).toEqual(['a-chain1', 'a-cpt', 'a-ft-light']);
    [0.5, 0.3, 0.2].forEach((truth, i) => expect(Math.abs(linear.parents[i]!.coefficient - truth)).toBeLessThan(0.001));
    const two = (await compareWith('a-ft-light', 'a-merge-linear2', 'a-chain1')).kind.merge!;
    [0.6, 0.4].forEach((truth, i) => expect(Math.abs(two.parents[i]!.coefficient - truth)).toBeLessThan(0.001));
    const task = (await compareWith('DA', 'a-merge-task', 'a-ft-light', 'a-chain1')).kind.merge!;
    expect(task).toMatchObject({ method: 'task-arithmetic', base: 'DA', missingParent: false });
    [0.8, 0.6].forEach((truth, i) => expect(Math.abs(task.parents[i]!.coefficient - truth)).toBeLessThan(0.001));
    const slerp = (await compareWith('a-chain1', 'a-merge-slerp', 'a-ft-heavy', 'DA')).kind.merge!;
    expect(slerp).toMatchObject({ method: 'slerp', t: expect.closeTo(0.5, 3), missingParent: false });
  });

  test('a parent that is not in the list is missed', async () => {
    expect((await compareWith('DA', 'a-merge-linear3', 'a-chain1', 'a-cpt')).kind.merge?.missingParent).toBe(true);
  });

  test.each([
    ['a-merge-ties', ['DA', 'a-chain2', 'a-cpt']],
    ['a-chain2', ['DA', 'a-chain1', 'a-ft-light']],
    ['a-ft-heavy', ['DA', 'a-chain1', 'a-ft-light', 'a-cpt']],
    ['a-noise1', ['DA', 'a-ft-light']],
    // Its own children explain it by arithmetic; it is no mixture of them.
    ['a-ft-light', ['a-merge-linear2', 'a-chain1']],
    ['a-ft-light', ['a-merge-task', 'DA', 'a-chain1']],
  ])('nothing is told of %s as a mixture of %s', async (child, [first, ...others]) => {
    const relation = await compareWith(first!, child, ...others);
    expect(relation.kind.merge).toBeUndefined();
    const fit = relation.tests.find(({ test: name }) => name === 'merge-fit')!;
    expect(fit.details).toMatchObject({ told: 'nothing' });
    expect(fit.details).not.toHaveProperty('coefficients');
    expect(fit.details['marks'] !== undefined).toBe(child === 'a-merge-ties');
  });

  test('an adapter applied to its base is its merged model, to the bit; applied to a relative it is not', async () => {
    const own = await compareWith('DA', 'a-lora-merged', 'a-lora');
    const proof = own.tests.find(({ test: name }) => name === 'adapter-applied')!;
    expect(proof.statistic.value).toBeGreaterThan(0.9999);
    expect(proof.effect!.value).toBe(1);
    expect(own).toMatchObject({ verdict: 'derived', kind: { name: 'low-rank', rank: 8 }, direction: 'unknown' });
    expect(own.kind.note).toContain('adapter');
    const relative = await compareWith('a-ft-light', 'a-lora-merged', 'a-lora');
    expect(relative.kind.name).toBe('fine-tune');
  });
});
