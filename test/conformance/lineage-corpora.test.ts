import { beforeAll, describe, expect, test } from 'vitest';
import { encodeSketch, lookCloser, MAX_SKETCH_BYTES, relate, type Relation, type Sketch } from '../../src/lineage/index.ts';
import { type CorpusModel, readManifest, SHARED, sketchFolder, withModels } from './corpora.ts';

interface LineageManifest {
  readonly models: readonly CorpusModel[];
  readonly pairs: Record<'derived' | 'same-root' | 'shared-init' | 'distilled', [string, string][]>;
}
interface RealManifest {
  readonly models: readonly { folder: string }[];
  readonly pairs: readonly { a: string; b: string; label: string }[];
}

/** Recipes whose result keeps every tensor in its slot. */
const KEEPS_SLOTS =
  /^(fine-tune|continued-pretraining|lora-merged|merge-|magnitude-prune|quantise-|gguf|gaussian-noise|vocabulary-extended)/;

const sketches = new Map<string, Sketch>();
const sketchOf = (id: string): Sketch => sketches.get(id)!;

describe('on the lineage corpus', () => {
  const manifest = readManifest<LineageManifest>('lineage-corpus');
  const recipe = new Map(manifest.models.map((model) => [model.id, model.recipe]));
  const label = new Map(
    Object.entries(manifest.pairs).flatMap(([name, pairs]) =>
      (Array.isArray(pairs) ? pairs : []).map((pair) => [[...pair].sort().join('|'), name]),
    ),
  );
  const searched = manifest.models.length;
  beforeAll(async () => {
    for (const model of manifest.models) sketches.set(model.id, await sketchFolder(`${SHARED}lineage-corpus/${model.folder}`));
  });

  test('every sketch fits 256 KiB', () => {
    for (const sketch of sketches.values()) expect(encodeSketch(sketch).length).toBeLessThanOrEqual(MAX_SKETCH_BYTES);
  });

  test('every descendant that keeps its slots is found from its ancestor, p below 1e-6 after correction', () => {
    const pairs = manifest.pairs.derived.filter(([, child]) => KEEPS_SLOTS.test(recipe.get(child)!));
    expect(pairs.length).toBeGreaterThan(35);
    const missed = pairs.flatMap(([ancestor, child]) => {
      const relation = relate(sketchOf(ancestor), sketchOf(child), { searched });
      return ['derived', 'identical'].includes(relation.verdict) && relation.log10PAdjusted! < -6
        ? []
        : [`${ancestor} > ${child}: ${relation.verdict} ${relation.log10PAdjusted}`];
    });
    expect(missed).toEqual([]);
  });

  test('independent, distilled and same-start models are never called derived or identical', () => {
    const ids = manifest.models.map((model) => model.id);
    let looked = 0;
    const accused: string[] = [];
    ids.forEach((a, i) =>
      ids.slice(i + 1).forEach((b) => {
        if (['derived', 'same-root'].includes(label.get([a, b].sort().join('|')) ?? '')) return;
        looked++;
        const { verdict }: Relation = relate(sketchOf(a), sketchOf(b));
        if (verdict === 'derived' || verdict === 'identical') accused.push(`${a} ${b}: ${verdict}`);
      }),
    );
    expect(looked).toBe(721);
    expect(accused).toEqual([]);
  });

  test('models with the same random start and no shared training are told apart from relatives', () => {
    const verdicts = manifest.pairs['shared-init'].map(([a, b]) => relate(sketchOf(a), sketchOf(b)).verdict);
    expect(verdicts.filter((verdict) => verdict === 'common-initialization').length).toBeGreaterThanOrEqual(25);
  });

  test('rotated, permuted and fully disguised children are found with both models at hand, and strangers stay strangers', async () => {
    const closer = async (a: string, b: string): Promise<Relation> =>
      withModels([`${SHARED}lineage-corpus/${a}`, `${SHARED}lineage-corpus/${b}`], ([x, y]) =>
        lookCloser(relate(sketchOf(a), sketchOf(b)), { model: x!, sketch: sketchOf(a) }, { model: y!, sketch: sketchOf(b) }),
      );
    expect(await closer('DA', 'a-rotate')).toMatchObject({ verdict: 'derived', kind: { name: 'disguised' } });
    expect(await closer('DA', 'a-combo-ft')).toMatchObject({ verdict: 'derived', kind: { name: 'disguised' }, direction: 'unknown' });
    expect((await closer('DE', 'a-rotate')).verdict).toBe('common-initialization');
    const distilled = await closer('DA', 'a-distilled');
    expect(distilled.verdict).toBe('no-evidence');
    expect(distilled.limits.filter((limit) => limit.startsWith('absence'))).toEqual([expect.stringContaining('heavy noise')]);
    expect((await closer('DB', 'a-combo-ft')).verdict).toBe('no-evidence');
  });

  test('an adapter is found to belong to its base and to relatives of it, not to strangers or a base from the same random start', async () => {
    const closer = async (base: string): Promise<Relation> =>
      withModels([`${SHARED}lineage-corpus/${base}`, `${SHARED}lineage-corpus/a-lora`], ([x, y]) =>
        lookCloser(
          relate(sketchOf(base), sketchOf('a-lora')),
          { model: x!, sketch: sketchOf(base) },
          { model: y!, sketch: sketchOf('a-lora') },
        ),
      );
    expect(await closer('DA')).toMatchObject({ verdict: 'derived', kind: { name: 'low-rank' } });
    expect((await closer('a-cpt')).verdict).toBe('derived');
    for (const stranger of ['DB', 'DE', 'a-distilled', 'DF'])
      expect([stranger, (await closer(stranger)).verdict]).toEqual([stranger, 'no-evidence']);
  });

  test('quantized and pruned children get their kind and a direction; layer maps are exact', () => {
    const of = (child: string): Relation => relate(sketchOf('DA'), sketchOf(child));
    expect(of('a-gguf-q8_0')).toMatchObject({ kind: { name: 'quantized' }, direction: 'a->b' });
    expect(of('a-gguf-q4_k_m')).toMatchObject({ kind: { name: 'quantized' }, direction: 'a->b' });
    expect(of('a-int8').kind.name).toBe('quantized');
    for (const [child, sparsity] of [
      ['a-prune30', 0.3],
      ['a-prune50', 0.5],
      ['a-prune70', 0.7],
    ] as const) {
      expect(of(child)).toMatchObject({ kind: { name: 'pruned' }, direction: 'a->b' });
      expect(of(child).kind.sparsity).toBeCloseTo(sparsity, 1);
    }
    expect(of('a-layer-drop').kind).toMatchObject({ name: 'depth-changed', layerMap: [0, 1, 3] });
    expect(of('a-depth-up').kind).toMatchObject({ name: 'depth-changed', layerMap: [0, 1, 2, 1, 2, 3] });
    expect(of('a-ft-light')).toMatchObject({ kind: { name: 'fine-tune' }, direction: 'unknown' });
  });
});

describe('on real models', () => {
  const manifest = readManifest<RealManifest>('real-models');
  const real = new Map<string, Sketch>();
  beforeAll(async () => {
    for (const { folder } of manifest.models) real.set(folder, await sketchFolder(`${SHARED}real-models/${folder}`));
  });
  const verdicts = (keep: (label: string) => boolean): string[] =>
    manifest.pairs.filter((pair) => keep(pair.label)).map((pair) => relate(real.get(pair.a)!, real.get(pair.b)!).verdict);

  test('unrelated models and those that share only stored constants show no tie', () => {
    const found = verdicts((label) => label !== 'related');
    expect(found.length).toBe(84);
    expect(found.filter((verdict) => verdict !== 'no-evidence' && verdict !== 'unresolved')).toEqual([]);
  });
  test('related models are found, also with batch norms folded and every tensor renamed', () => {
    const found = verdicts((label) => label === 'related');
    expect(found.filter((verdict) => verdict === 'identical' || verdict === 'derived').length).toBe(27);
  });
  test('the checkpoint of epoch 0 shares its start with that of epoch 100, and no training is claimed', () => {
    const pair = manifest.pairs.find((candidate) => candidate.label === 'related' && candidate.a.includes('Epoch-100'))!;
    expect(relate(real.get(pair.a)!, real.get(pair.b)!).verdict).toBe('common-initialization');
  });
});
