/**
 * From ties between pairs to families: models with the same values become one, the shortest tree over the measured distances
 * connects the rest, mixtures hang on their parents, and each edge says what its direction rests on.
 * Deterministic: the order in which models and ties are given changes nothing.
 * @module
 */
import type { Kind, Merge } from '../types.ts';
import { byClaim, byLoss, type Directed, UNKNOWN, withoutCycles } from './direction.ts';
import { findMerges, type Metric } from './merges.ts';
import { topOf, treeNotes } from './shape.ts';
import type { Family, FamilyEdge, FamilyNode, FoundMerge, Tie } from './types.ts';

/** Exact coefficients of `suspect` over `candidates` (ids, nearest first), from whole files; null where it is no mixture. */
export type FitMerge = (suspect: string, candidates: readonly string[]) => Merge | null;

export interface FamilyOptions {
  /** Asked for models that the distances alone do not show to be mixtures. */
  readonly fitMerge?: FitMerge;
}

export interface FamilyGraph {
  /** Largest first, then by name. */
  readonly families: readonly Family[];
  /** Models without a tie by training, sorted. */
  readonly single: readonly string[];
}

/** Nearest relatives offered to `fitMerge`. */
const CANDIDATES = 6;
/** Distances that differ by less than this many errors are the same. */
const SAME = 4;

export function buildFamilies(given: readonly FamilyNode[], ties: readonly Tie[], options: FamilyOptions = {}): FamilyGraph {
  const nodes = [...given].sort((x, y) => compare(x.id, y.id));
  const sorted = ties.map(upright).sort((x, y) => compare(x.a, y.a) || compare(x.b, y.b));
  const same = unions(nodes.map((node) => node.id));
  for (const tie of sorted) if (tie.verdict === 'identical') same.join(tie.a, tie.b);
  const merged = mergeCopies(nodes, same.find);
  const between = sorted.filter((tie) => same.find(tie.a) === tie.a && same.find(tie.b) === tie.b && tie.a !== tie.b);
  const kin = unions(merged.map((node) => node.id));
  for (const tie of sorted) kin.join(same.find(tie.a), same.find(tie.b));
  const groups = groupBy(merged, (node) => kin.find(node.id));
  const copiesOf = groupBy(
    nodes.filter((node) => same.find(node.id) !== node.id),
    (node) => same.find(node.id),
  );
  const families = [...groups.values()]
    .filter((group) => group.length > 1 || copiesOf.has(group[0]!.id))
    .map((group) => familyOf(group, between, copiesOf, options));
  return {
    families: families.sort((x, y) => sizeOf(y) - sizeOf(x) || compare(x.members[0]!, y.members[0]!)),
    single: [...groups.values()].flatMap(([only, ...others]) => (others.length === 0 && !copiesOf.has(only!.id) ? [only!.id] : [])),
  };
}

function familyOf(
  group: readonly FamilyNode[],
  ties: readonly Tie[],
  copiesOf: ReadonlyMap<string, readonly FamilyNode[]>,
  { fitMerge }: FamilyOptions,
): Family {
  const node = new Map(group.map((one) => [one.id, one]));
  const own = ties.filter((tie) => node.has(tie.a) && node.has(tie.b));
  const byPair = new Map(own.map((tie) => [pairKey(tie.a, tie.b), tie]));
  const tieOf = (a: string, b: string): Tie | undefined => byPair.get(pairKey(a, b));
  const metric: Metric = (a, b) => {
    const tie = tieOf(a, b);
    return tie?.inFrame && tie.distance !== null ? { squared: tie.distance, error: tie.error } : null;
  };
  const ids = [...node.keys()];
  const merges = addFitted(ids, findMerges([...node.values()], metric), tieOf, fitMerge);
  const mixed = new Set(merges.map((found) => found.of));
  const lossy = new Set(own.flatMap((tie) => tie.loss?.of ?? []));
  const weigh = (tie: Tie): number =>
    // A copy that lost information is no place to hang others on while its source is as near.
    (tie.distance ?? Infinity) + SAME * tie.error * (Number(lossy.has(tie.a)) + Number(lossy.has(tie.b)));
  // Other shapes are compared over the part that has its like, which makes them look near: they come second. So do two copies that
  // lost information: pruned twice from one source, the one looks as if made from the other.
  const rank = (tie: Tie): number => 2 * Number(!tie.inFrame) + Number(lossy.has(tie.a) && lossy.has(tie.b));
  const byWeight = [...own].sort((x, y) => rank(x) - rank(y) || weigh(x) - weigh(y) || 0);
  const tree = unions(ids);
  // One base that a card names, borne out by the weights, says more than who happens to be nearest.
  const named = byWeight.filter((tie) => isNamed(node.get(tie.a)!, node.get(tie.b)!) && byClaim(node.get(tie.a)!, node.get(tie.b)!));
  const chosen = [...named, ...byWeight].filter((tie) => !mixed.has(tie.a) && !mixed.has(tie.b) && tree.join(tie.a, tie.b));

  const edges = new Map<string, FamilyEdge>();
  const put = (tie: Tie, directed: Directed, inTree: boolean, alternatives: readonly string[] = [], kind: Kind = tie.kind): void => {
    edges.set(pairKey(tie.a, tie.b), {
      a: tie.a,
      b: tie.b,
      verdict: tie.verdict,
      kind,
      change: tie.distance === null ? null : Math.sqrt(tie.distance),
      log10P: tie.log10P,
      ...directed,
      inTree,
      alternatives,
    });
  };
  for (const tie of chosen)
    put(
      tie,
      byLoss(tie, lossy, ids, metric) ?? byClaim(node.get(tie.a)!, node.get(tie.b)!) ?? UNKNOWN,
      true,
      asNear(tie, chosen, own, lossy),
    );
  for (const { of, merge } of merges)
    for (const parent of merge.parents) {
      const tie = tieOf(of, parent.name);
      if (!tie || mergesFrom(merges, parent.name, of)) continue;
      tree.join(tie.a, tie.b);
      put(tie, mixture(tie, of, merge), true, [], { name: 'merge', note: 'one of the parents it is mixed from', merge });
    }
  // A mixture whose parents were themselves left out, or that a cycle took the parents from.
  for (const tie of byWeight) if (tree.join(tie.a, tie.b)) put(tie, UNKNOWN, true);
  for (const tie of own) {
    const claimed = edges.has(pairKey(tie.a, tie.b)) ? null : byClaim(node.get(tie.a)!, node.get(tie.b)!);
    if (claimed) put(tie, claimed, false);
  }
  const all = withoutCycles([...edges.values()].sort((x, y) => compare(x.a, y.a) || compare(x.b, y.b)));
  const copies = Object.fromEntries(ids.flatMap((id) => (copiesOf.has(id) ? [[id, copiesOf.get(id)!.map((one) => one.id)]] : [])));
  return { members: ids, copies, edges: all, merges, top: topOf(ids, all), notes: treeNotes(ids, all) };
}

function isNamed(a: FamilyNode, b: FamilyNode): boolean {
  return [a, b].some((one) => one.claims.length === 1 && one.claims[0] === (one === a ? b : a).id);
}

function addFitted(
  ids: readonly string[],
  found: readonly FoundMerge[],
  tieOf: (a: string, b: string) => Tie | undefined,
  fitMerge: FitMerge | undefined,
): FoundMerge[] {
  const known = new Set(found.map((one) => one.of));
  const fitted = ids.flatMap((of): FoundMerge[] => {
    if (!fitMerge || known.has(of)) return [];
    const near = ids
      .flatMap((id) => {
        const distance = id === of ? undefined : tieOf(of, id)?.distance;
        return distance === undefined || distance === null ? [] : [{ id, distance }];
      })
      .sort((x, y) => x.distance - y.distance || compare(x.id, y.id))
      .slice(0, CANDIDATES);
    const merge =
      near.length < 2
        ? null
        : fitMerge(
            of,
            near.map(({ id }) => id),
          );
    return merge ? [{ of, merge }] : [];
  });
  return [...found, ...fitted].sort((x, y) => compare(x.of, y.of));
}

/** Whether `suspect` is, over mixtures, a parent of `of`: then `of` cannot be one of its own. */
function mergesFrom(merges: readonly FoundMerge[], suspect: string, of: string, seen: ReadonlySet<string> = new Set()): boolean {
  if (seen.has(suspect)) return false;
  const parents = merges.find((found) => found.of === suspect)?.merge.parents ?? [];
  return parents.some(({ name }) => name === of || mergesFrom(merges, name, of, new Set([...seen, suspect])));
}

function mixture(tie: Tie, of: string, merge: Merge): Directed {
  const others = merge.parents.map(({ name, coefficient }) => `${coefficient.toFixed(2)} ${name}`).join(' + ');
  return {
    direction: tie.b === of ? 'a->b' : 'b->a',
    grounds: 'merge',
    directionGrounds: `${of} lies inside ${others} (R2 ${merge.r2.toFixed(3)}); training does not end there, mixing does`,
  };
}

/** Models as near to one end as the other end is, on that other end's side of the tree; not copies that lost information, which stand near their source. */
function asNear(edge: Tie, tree: readonly Tie[], ties: readonly Tie[], lossy: ReadonlySet<string>): string[] {
  if (edge.distance === null) return [];
  const rest = tree.filter((tie) => tie !== edge);
  const sideOf = (start: string): Set<string> => {
    const side = new Set([start]);
    for (let grown = true; grown;) {
      grown = false;
      for (const { a, b } of rest)
        if (side.has(a) !== side.has(b)) {
          side.add(a).add(b);
          grown = true;
        }
    }
    return side;
  };
  const sides = [sideOf(edge.a), sideOf(edge.b)] as const;
  const near = ties.filter(
    (tie) =>
      tie !== edge &&
      tie.inFrame === edge.inFrame &&
      tie.distance !== null &&
      Math.abs(tie.distance - edge.distance!) <= SAME * Math.max(tie.error, edge.error) &&
      [tie.a, tie.b].some((end) => end === edge.a || end === edge.b) &&
      ((sides[0].has(tie.a) && sides[1].has(tie.b)) || (sides[1].has(tie.a) && sides[0].has(tie.b))),
  );
  return [...new Set(near.flatMap((tie) => [tie.a, tie.b]))].filter((id) => id !== edge.a && id !== edge.b && !lossy.has(id)).sort(compare);
}

/** One node for each group of equal values; a claim of one is a claim of all. */
function mergeCopies(nodes: readonly FamilyNode[], find: (id: string) => string): FamilyNode[] {
  const groups = groupBy(nodes, (node) => find(node.id));
  return [...groups].map(([id, group]) => ({
    id,
    digest: group[0]!.digest,
    claims: [...new Set(group.flatMap((node) => node.claims.map(find)))].filter((claim) => claim !== id).sort(compare),
  }));
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

function upright(tie: Tie): Tie {
  return tie.a <= tie.b ? tie : { ...tie, a: tie.b, b: tie.a };
}

/** Disjoint sets; the smallest id stands for each. `join` says whether two became one. */
function unions(ids: readonly string[]): { find: (id: string) => string; join: (a: string, b: string) => boolean } {
  const parent = new Map(ids.map((id) => [id, id]));
  const find = (id: string): string => {
    let at = id;
    for (let up = parent.get(at) ?? at; up !== at; up = parent.get(at) ?? at) at = up;
    return at;
  };
  return {
    find,
    join(a, b) {
      const [x, y] = [find(a), find(b)];
      if (x !== y) parent.set(x < y ? y : x, x < y ? x : y);
      return x !== y;
    },
  };
}

function sizeOf(family: Family): number {
  return family.members.length + Object.values(family.copies).reduce((sum, list) => sum + list.length, 0);
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a}\n${b}` : `${b}\n${a}`;
}

/** By UTF-16 code units: the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
