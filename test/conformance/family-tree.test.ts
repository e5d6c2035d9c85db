import { beforeAll, describe, expect, test } from 'vitest';
import { buildFamilies, type FamilyEdge, relate, type Relation } from '../../src/lineage/index.ts';
import { familyTree } from '../../src/register/index.ts';
import { makeTies } from '../../src/register/ties.ts';
import { sketchOf } from '../../src/register/open-model.ts';
import { readManifest, SHARED } from './corpora.ts';

interface Manifest {
  readonly models: readonly {
    readonly id: string;
    readonly folder: string;
    readonly recipe: string;
    readonly parents: readonly { readonly id: string; readonly coefficient: number | null }[];
    readonly roots: readonly string[];
    readonly truth: { readonly base_model_claim: string };
  }[];
  readonly pairs: { readonly derived: [string, string][] };
}

const manifest = readManifest<Manifest>('lineage-corpus');
const locatorOf = (folder: string): string => `${SHARED}lineage-corpus/${folder}`;
const truth = new Map(manifest.models.map((model) => [model.id, model]));
const descends = new Set(manifest.pairs.derived.map(([a, b]) => `${a} > ${b}`));
const parentEdges = manifest.models.flatMap((model) => model.parents.map((parent) => [parent.id, model.id] as const));

/** Edges that point, as `ancestor > descendant`. */
function arrows(edges: readonly FamilyEdge[], id: (name: string) => string): string[] {
  return edges.flatMap((edge) =>
    edge.direction === 'unknown' ? [] : edge.direction === 'a->b' ? [`${id(edge.a)} > ${id(edge.b)}`] : [`${id(edge.b)} > ${id(edge.a)}`],
  );
}

describe('the tree of the lineage corpus', () => {
  let tree: Awaited<ReturnType<typeof familyTree>>;
  const folderOf = new Map<string, string>();
  const id = (name: string): string => folderOf.get(name)!;
  beforeAll(async () => {
    tree = await familyTree(manifest.models.map((model) => locatorOf(model.folder)));
    const byFolder = new Map(manifest.models.map((model) => [locatorOf(model.folder), model.id]));
    for (const { id: name, locator } of tree.models) folderOf.set(name, byFolder.get(locator)!);
  }, 900_000);

  test('has the families of the true roots; a common random start makes no family', () => {
    const found = tree.families.map((family) => [...family.members, ...Object.values(family.copies).flat()].map(id).sort());
    const roots = [...new Set(manifest.models.map((model) => model.roots[0]!))];
    const expected = roots.map((root) =>
      manifest.models
        .filter((model) => model.roots[0] === root)
        .map((model) => model.id)
        .sort(),
    );
    const key = (groups: string[][]): string[] => groups.map((group) => group.join(' ')).sort();
    expect(key(found)).toEqual(key(expected.filter((group) => group.length > 1)));
    expect(tree.single.map(id).sort()).toEqual(
      expected
        .filter((group) => group.length === 1)
        .flat()
        .sort(),
    );
    expect(tree.links.map(({ verdict }) => verdict)).toEqual(['common-initialization']);
  });

  test('points no arrow the wrong way', () => {
    const all = tree.families.flatMap((family) => arrows(family.edges, id));
    expect(all.filter((arrow) => !descends.has(arrow))).toEqual([]);
    expect(all.length).toBeGreaterThanOrEqual(25);
  });

  test('holds the true edges between parent and child, or tells the two as one family', () => {
    const drawn = new Set(
      tree.families.flatMap((family) => family.edges.flatMap((e) => [`${id(e.a)} ${id(e.b)}`, `${id(e.b)} ${id(e.a)}`])),
    );
    const known = parentEdges.filter(([parent]) => truth.has(parent));
    const edges = known.filter(([parent, child]) => drawn.has(`${parent} ${child}`));
    const family = known.filter(([parent, child]) =>
      tree.families.some((one) => [parent, child].every((model) => one.members.map(id).includes(model))),
    );
    console.log(
      `parent-child edges drawn: ${edges.length} of ${known.length}; in one family: ${family.length}; not drawn:`,
      known.filter((edge) => !edges.includes(edge)).map((edge) => edge.join(' > ')),
    );
    expect(family.length).toBe(known.length);
    expect(edges.length / known.length).toBeGreaterThan(0.8);
  });

  test('finds the linear mixtures and the SLERP with their parents, coefficients within .03, and no others', () => {
    const merges = tree.families.flatMap((family) => family.merges);
    expect(merges.map(({ of }) => id(of)).sort()).toEqual(['a-merge-linear2', 'a-merge-linear3', 'a-merge-slerp']);
    for (const { of, merge } of merges)
      for (const { id: parent, coefficient } of truth.get(id(of))!.parents)
        expect(merge.parents.find(({ name }) => id(name) === parent)?.coefficient, `${of} ${parent}`).toBeCloseTo(coefficient!, 1);
  });

  test('tells true claims from the false one', () => {
    for (const claim of tree.claims) {
      const expected = truth.get(id(claim.model))!.truth.base_model_claim === 'true' ? 'supported' : 'refuted';
      expect([claim.model, claim.name, claim.verdict]).toEqual([claim.model, claim.name, expected]);
    }
    expect(tree.claims.filter(({ verdict }) => verdict === 'refuted')).toHaveLength(1);
  });
});

describe('a tree without its base or its cards', () => {
  test('points no arrow the wrong way, whichever model is missing', async () => {
    const family = manifest.models.filter((model) => model.roots[0] === 'DA' && !['lora-adapter'].includes(model.recipe));
    const models = new Map<string, Awaited<ReturnType<typeof sketchOf>> & { locator: string }>();
    for (const { id, folder } of family) models.set(id, { ...(await sketchOf(locatorOf(folder), {})), locator: folder });
    const relations: { a: string; b: string; relation: Relation }[] = [];
    const { lossOf } = await import('../../src/lineage/index.ts');
    const ids = [...models.keys()].sort((x, y) => lossOf(models.get(x)!.sketch) - lossOf(models.get(y)!.sketch));
    ids.forEach((a, i) =>
      ids
        .slice(i + 1)
        .forEach((b) => relations.push({ a, b, relation: relate(models.get(a)!.sketch, models.get(b)!.sketch, { searched: 51 }) })),
    );
    const ties = makeTies(models, relations);
    let drawn = 0;
    for (const missing of ['', ...ids]) {
      const nodes = ids.filter((id) => id !== missing).map((id) => ({ id, digest: id, claims: [] }));
      const { families } = buildFamilies(
        nodes,
        ties.filter((tie) => tie.a !== missing && tie.b !== missing),
      );
      const all = families.flatMap((one) => arrows(one.edges, (id) => id));
      drawn += all.length;
      // Of a mixture whose parent is missing, a relative on the same line takes its place: docs/tree.md says so.
      const orphaned = (arrow: string): boolean =>
        truth.get(arrow.split(' > ')[1]!)!.parents.length > 1 &&
        truth.get(arrow.split(' > ')[1]!)!.parents.some(({ id }) => id === missing);
      expect([missing, ...all.filter((arrow) => !descends.has(arrow) && !orphaned(arrow))]).toEqual([missing]);
    }
    expect(drawn).toBeGreaterThan(200);
  }, 300_000);
});
