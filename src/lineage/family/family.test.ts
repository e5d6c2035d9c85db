import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildFamilies, type FamilyGraph } from './graph.ts';
import type { FamilyEdge, FamilyNode, Tie } from './types.ts';

/** Models as points: each is a sum of steps, steps of different names are at right angles. */
type Point = Readonly<Record<string, number>>;
const BASE: Point = { base: 1 };
const plus = (point: Point, step: Point): Point => {
  const out: Record<string, number> = { ...point };
  for (const [name, size] of Object.entries(step)) out[name] = (out[name] ?? 0) + size;
  return out;
};
const times = (point: Point, by: number): Point => Object.fromEntries(Object.entries(point).map(([name, size]) => [name, size * by]));
const squared = (x: Point, y: Point): number => Object.values(plus(x, times(y, -1))).reduce((sum, size) => sum + size ** 2, 0);

const KIND = { name: 'fine-tune', note: '' } as const;

function tiesOf(points: Readonly<Record<string, Point>>, lossy: Readonly<Record<string, string>> = {}): Tie[] {
  const ids = Object.keys(points);
  return ids.flatMap((a, i) =>
    ids.slice(i + 1).map((b): Tie => {
      const distance = squared(points[a]!, points[b]!);
      const of = lossy[a] === undefined ? b : a;
      const isLoss = (lossy[a] === undefined) !== (lossy[b] === undefined);
      return {
        a,
        b,
        verdict: distance === 0 ? 'identical' : 'derived',
        kind: KIND,
        log10P: -100,
        distance,
        error: 1e-9,
        inFrame: true,
        loss: isLoss ? { of, certainty: 'seen', grounds: 'made up' } : null,
      };
    }),
  );
}
const nodesOf = (points: object, claims: Readonly<Record<string, string[]>> = {}): FamilyNode[] =>
  Object.keys(points).map((id) => ({ id, digest: `sha256:${id}`, claims: claims[id] ?? [] }));

function arrows({ families }: FamilyGraph): string[] {
  return families
    .flatMap((family) => family.edges)
    .flatMap((edge) => (edge.direction === 'unknown' ? [] : [edge.direction === 'a->b' ? `${edge.a}>${edge.b}` : `${edge.b}>${edge.a}`]))
    .sort();
}
const pairsOf = (edges: readonly FamilyEdge[]): string[] => edges.map(({ a, b }) => `${a}-${b}`).sort();

describe('a family', () => {
  const hub = {
    A: BASE,
    B: plus(BASE, { b: 0.1 }),
    C: plus(BASE, { c: 0.2 }),
    D: plus(BASE, { d: 0.3 }),
    B2: plus(BASE, { b: 0.1, b2: 0.05 }),
  };

  test('is the shortest tree over the distances', () => {
    const { families } = buildFamilies(nodesOf(hub), tiesOf(hub));
    expect(pairsOf(families[0]!.edges)).toEqual(['A-B', 'A-C', 'A-D', 'B-B2']);
    expect(families[0]!.top).toBe('A');
  });

  test('of dense models without cards has no arrow, however much one looks like a base', () => {
    const graph = buildFamilies(nodesOf(hub), tiesOf(hub));
    expect(arrows(graph)).toEqual([]);
    expect(graph.families[0]!.notes.join(' ')).toMatch(/3 models branch off A.*no ground for a direction/);
  });

  test('of a model and a "victim" forged from it by noise has no arrow, and neither do forged children of the victim', () => {
    const alone = { A: BASE, victim: plus(BASE, { noise: 0.05 }) };
    expect(arrows(buildFamilies(nodesOf(alone), tiesOf(alone)))).toEqual([]);
    const victim = plus(BASE, { noise: 0.05 });
    const more = { A: BASE, victim, f1: plus(victim, { x: 0.1 }), f2: plus(victim, { y: 0.1 }), f3: plus(victim, { z: 0.1 }) };
    expect(arrows(buildFamilies(nodesOf(more), tiesOf(more)))).toEqual([]);
  });

  test('lets nobody but the later model’s own card speak for a direction', () => {
    const alone = { A: BASE, B: plus(BASE, { b: 0.1 }) };
    expect(arrows(buildFamilies(nodesOf(alone, { B: ['A'] }), tiesOf(alone)))).toEqual(['A>B']);
    expect(arrows(buildFamilies(nodesOf(alone, { B: ['A'], A: ['B'] }), tiesOf(alone)))).toEqual([]);
  });

  test('points at a copy that lost information only if relatives show that nothing else changed', () => {
    const copy = { ...hub, q: plus(BASE, { rounding: 0.08 }) };
    expect(arrows(buildFamilies(nodesOf(copy), tiesOf(copy, { q: 'A' })))).toEqual(['A>q']);
    // The source is missing: q is a copy of the base, A only another child of it.
    const { A: _base, ...orphans } = copy;
    expect(arrows(buildFamilies(nodesOf(orphans), tiesOf(orphans, { q: 'A' })))).toEqual([]);
    const alone = { A: BASE, q: plus(BASE, { rounding: 0.08 }) };
    expect(arrows(buildFamilies(nodesOf(alone), tiesOf(alone, { q: 'A' })))).toEqual([]);
  });

  test('hangs two copies that lost information on their source, not on each other', () => {
    const cuts = { A: plus(BASE, { x: 0.3, y: 0.4 }), p: plus(BASE, { y: 0.4 }), q: BASE, C: plus(BASE, { x: 0.3, y: 0.4, c: 0.2 }) };
    const ties = tiesOf(cuts, { p: 'A', q: 'A' }).map((tie): Tie => {
      const of = tie.b === 'q' || tie.a === 'q' ? 'q' : tie.b === 'p' || tie.a === 'p' ? 'p' : null;
      return { ...tie, loss: of ? { of, certainty: 'proved', grounds: 'equal where not zero' } : null };
    });
    expect(arrows(buildFamilies(nodesOf(cuts), ties))).toEqual(['A>p', 'A>q']);
  });

  test('hangs a mixture on its parents, with its coefficients', () => {
    const mixed = {
      ...hub,
      M: plus(times(hub.B, 0.7), times(hub.C, 0.3)),
      N: plus(plus(times(hub.B, 0.5), times(hub.C, 0.3)), times(hub.D, 0.2)),
    };
    const graph = buildFamilies(nodesOf(mixed), tiesOf(mixed));
    expect(arrows(graph)).toEqual(['B>M', 'B>N', 'C>M', 'C>N', 'D>N']);
    const [m] = graph.families[0]!.merges;
    expect(m!.merge.parents.map(({ name, coefficient }) => [name, Number(coefficient.toFixed(6))])).toEqual([
      ['B', 0.7],
      ['C', 0.3],
    ]);
  });

  test('does not call extrapolation a mixture: it looks the same from either end', () => {
    const line = { A: BASE, B: plus(BASE, { b: 0.1 }), C: plus(BASE, { c: 0.1 }), X: plus(BASE, { b: 0.14, c: 0.08 }) };
    expect(arrows(buildFamilies(nodesOf(line), tiesOf(line)))).toEqual([]);
  });

  test('takes exact coefficients from whoever has the files', () => {
    const asked: string[] = [];
    const graph = buildFamilies(nodesOf(hub), tiesOf(hub), {
      fitMerge(suspect, candidates) {
        asked.push(`${suspect}: ${candidates.join(' ')}`);
        if (suspect !== 'D') return null;
        const parents = ['B', 'C'].map((name) => ({ name, digest: 'sha256:0', coefficient: 0.5, standardError: 0.001 }));
        return { method: 'task-arithmetic', base: 'A', parents, r2: 0.999, missingParent: false };
      },
    });
    expect(asked).toContain('B2: B A C D');
    expect(arrows(graph)).toEqual(['B>D', 'C>D']);
  });

  test('tells models of the same values as one', () => {
    const twice = { ...hub, A2: BASE };
    const { families } = buildFamilies(nodesOf(twice), tiesOf(twice));
    expect(families[0]!.copies).toEqual({ A: ['A2'] });
    expect(pairsOf(families[0]!.edges)).toEqual(['A-B', 'A-C', 'A-D', 'B-B2']);
  });

  test('lists who else could stand at an end', () => {
    const tied = { A: BASE, B: plus(BASE, { b: 0.2 }), A1: plus(BASE, { tiny: 1e-5 }) };
    const { families } = buildFamilies(nodesOf(tied), tiesOf(tied));
    expect(families[0]!.edges.find((edge) => edge.b === 'B')?.alternatives).toEqual(['A1']);
  });
});

test('the order of models and ties changes nothing; arrows never run in a circle; every model stands in one place', () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
  const point = fc.dictionary(fc.constantFrom('p', 'q', 'r', 's'), fc.constantFrom(0, 0.1, 0.2, 0.3, 0.5), { maxKeys: 4 });
  const world = fc.record({
    points: fc.array(point, { minLength: 6, maxLength: 6 }),
    claims: fc.array(fc.array(fc.constantFrom(...ids), { maxLength: 2 }), { minLength: 6, maxLength: 6 }),
    lossy: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    drop: fc.array(fc.nat(14), { maxLength: 8 }),
    shuffle: fc.array(fc.nat(1000), { minLength: 15, maxLength: 15 }),
  });
  fc.assert(
    fc.property(world, ({ points, claims, lossy, drop, shuffle }) => {
      const placed = Object.fromEntries(ids.map((id, i) => [id, plus(BASE, points[i]!)]));
      const lost = Object.fromEntries(ids.flatMap((id, i) => (lossy[i] ? [[id, 'x']] : [])));
      const nodes = ids.map((id, i): FamilyNode => ({ id, digest: `sha256:${id}`, claims: claims[i]!.filter((claim) => claim !== id) }));
      const ties = tiesOf(placed, lost).filter((_, i) => !drop.includes(i));
      const graph = buildFamilies(nodes, ties);
      const shuffled = ties
        .map((tie, i) => ({ tie: shuffle[i]! % 2 ? { ...tie, a: tie.b, b: tie.a } : tie, key: shuffle[i]! }))
        .sort((x, y) => x.key - y.key)
        .map(({ tie }) => tie);
      expect(buildFamilies([...nodes].reverse(), shuffled)).toEqual(graph);

      const below = new Map<string, string[]>();
      for (const arrow of arrows(graph)) {
        const [from, to] = arrow.split('>') as [string, string];
        below.set(from, [...(below.get(from) ?? []), to]);
      }
      const reached = (from: string, seen: Set<string> = new Set()): Set<string> => {
        for (const next of below.get(from) ?? []) if (!seen.has(next)) reached(next, seen.add(next));
        return seen;
      };
      for (const id of ids) expect(reached(id).has(id)).toBe(false);

      const places = [...graph.single, ...graph.families.flatMap((family) => [...family.members, ...Object.values(family.copies).flat()])];
      expect([...places].sort()).toEqual(ids);
    }),
    { numRuns: 300 },
  );
});
