/**
 * The family of many models: each is sketched, all pairs are related, what the sketches leave open between two groups is looked at
 * closer, and the ties become a graph.
 * @module
 */
import { checkClaim, type FamilyTree, isTie, type TreeClaim, type TreeLink } from '../assess/index.ts';
import { HeirloomError, type ReadStats, type Watch } from '../base/index.ts';
import {
  buildFamilies,
  type Family,
  type FamilyEdge,
  type FamilyNode,
  type FitMerge,
  isOpen,
  lossOf,
  type Relation,
  sharesTraining,
} from '../lineage/index.ts';
import { sameName } from '../model/index.ts';
import { makePairPool } from './compare-models.ts';
import type { Described } from './judge-pair.ts';
import type { PairAnswer, PairTask } from './pair-task.ts';
import type { Pool } from './pool.ts';
import { makeTies } from './ties.ts';

export interface FamilyOptions extends Watch {
  readonly jobs?: number;
  /** Exact coefficients of mixtures; see `buildFamilies`. */
  readonly fitMerge?: FitMerge;
}

/** Pairs grow with the square: 400 models are 80,000 pairs, about ten minutes on two cores. (CWE-770) */
const MAX_MODELS = 400;

/**
 * @param given locators, and models already sketched (registered ones).
 * A model that cannot be read stands under `failed`; the others are answered.
 * @throws HeirloomError `TREE_TOO_LARGE` over 400 models; the signal's reason.
 */
export async function familyTree(given: readonly (string | Described)[], options: FamilyOptions = {}): Promise<FamilyTree> {
  if (given.length > MAX_MODELS)
    throw new HeirloomError('TREE_TOO_LARGE', `${given.length} models, over the cap of ${MAX_MODELS}`, { hint: 'name fewer models' });
  const pool = makePairPool(options, options.jobs);
  try {
    return await answer(given, pool, options);
  } finally {
    await pool.close();
  }
}

async function answer(
  given: readonly (string | Described)[],
  pool: Pool<PairTask, PairAnswer>,
  options: FamilyOptions,
): Promise<FamilyTree> {
  const read: ReadStats = { bytes: 0, requests: 0 };
  const failed: { locator: string; error: { code: string; message: string } }[] = [];
  const run = counted(pool, read, options);
  const described = await Promise.all(
    given.map(async (one): Promise<Described | null> => {
      if (typeof one !== 'string') return one;
      try {
        return (await run('sketch', { do: 'describe', locator: one })).described!;
      } catch (error) {
        if (options.signal?.aborted || !(error instanceof HeirloomError)) throw error;
        failed.push({ locator: one, error: error.toJSON() });
        return null;
      }
    }),
  );
  const models = named(described.filter((one) => one !== null));
  const relations = new Relations(models, run);
  await relations.fromSketches();
  await relations.lookCloser(claimedPairs(models));
  const ids = [...models.keys()];
  const nodes = ids.map((id): FamilyNode => ({
    id,
    digest: models.get(id)!.sketch.subject.digest,
    claims: claimsOf(models, id).flatMap(({ base }) => base ?? []),
  }));
  const { fitMerge } = options;
  const { families: drawn, single } = buildFamilies(nodes, makeTies(models, relations.all()), fitMerge ? { fitMerge } : {});
  const families = await Promise.all(drawn.map(async (family) => ({ ...family, edges: await withKinds(family.edges, models, run) })));
  return {
    schema: 'heirloom-tree/1',
    models: ids.map((id) => {
      const { sketch, locator } = models.get(id)!;
      const { architecture: _a, scheme: _s, isAdapter: _i, dtype: _d, ...subject } = sketch.subject;
      return { id, locator, ...subject };
    }),
    families,
    single,
    links: linksOf(families, single, relations),
    claims: ids.flatMap((id) => claimsOf(models, id).map((claim) => checked(claim, id, relations))),
    failed: failed.sort((x, y) => compare(x.locator, y.locator)),
    limits: LIMITS,
    read,
  };
}

/** The edges of the tree, their kinds told from whole files where those are at hand; which edges there are rests on sketches. */
function withKinds(edges: readonly FamilyEdge[], models: ReadonlyMap<string, Described>, run: Run): Promise<FamilyEdge[]> {
  return Promise.all(
    edges.map(async (edge) => {
      const [a, b] = [models.get(edge.a)!, models.get(edge.b)!];
      if (!edge.inTree || edge.kind.name === 'merge' || !a.isModel || !b.isModel) return edge;
      const options = { searched: models.size, closer: 'kind', full: false, threads: false } as const;
      const { relation } = await run('kinds', { do: 'relate', a, b, options });
      return sharesTraining(relation!.verdict) ? { ...edge, kind: relation!.kind } : edge;
    }),
  );
}

const LIMITS: readonly string[] = [
  'models that are not among those given are not seen: what hangs on one model may descend from a sibling of it that is missing here',
  'between two groups of related models only one model of each is looked at closer, so a rearranged member stands beside that one, not beside its nearest relative',
  "training on a model's outputs (distillation) leaves no trace in weights and is not judged",
];

type Run = (what: string, task: PairTask) => Promise<PairAnswer>;

/** Adds up what was read, and tells progress. */
function counted(pool: Pool<PairTask, PairAnswer>, read: ReadStats, watch: Watch): Run {
  const progress = new Map<string, { done: number; total: number }>();
  return async (what, task) => {
    const state = progress.get(what) ?? { done: 0, total: 0 };
    progress.set(what, state);
    state.total++;
    const answered = await pool.run(task);
    state.done++;
    watch.onProgress?.({ what, ...state });
    read.bytes += answered.read.bytes;
    read.requests += answered.read.requests;
    return answered;
  };
}

/** Ids by name; the order is that of names and digests, whatever the order of the locators. */
function named(models: readonly Described[]): Map<string, Described> {
  const sorted = [...models].sort(
    (x, y) =>
      compare(x.sketch.subject.name, y.sketch.subject.name) ||
      compare(x.sketch.subject.digest, y.sketch.subject.digest) ||
      compare(x.locator, y.locator),
  );
  const out = new Map<string, Described>();
  for (const one of sorted) {
    const { name } = one.sketch.subject;
    let id = name;
    for (let n = 2; out.has(id); n++) id = `${name} (${n})`;
    out.set(id, one);
  }
  return new Map([...out].sort(([x], [y]) => compare(x, y)));
}

/** Relations of pairs of ids; the model that lost less, else the smaller id, stands first: kinds are told of the second. */
class Relations {
  readonly #models: ReadonlyMap<string, Described>;
  readonly #run: Run;
  readonly #lost = new Map<string, number>();
  readonly #known = new Map<string, { a: string; b: string; relation: Relation }>();

  constructor(models: ReadonlyMap<string, Described>, run: Run) {
    this.#models = models;
    this.#run = run;
  }

  all(): { a: string; b: string; relation: Relation }[] {
    return [...this.#known.values()].sort((x, y) => compare(x.a, y.a) || compare(x.b, y.b));
  }

  between(a: string, b: string): Relation | undefined {
    return this.#known.get(pairKey(a, b))?.relation;
  }

  async fromSketches(): Promise<void> {
    const ids = [...this.#models.keys()];
    await this.#relate(
      'relate',
      ids.flatMap((a, i) => ids.slice(i + 1).map((b): [string, string] => [a, b])),
      'never',
    );
  }

  /** Where sketches leave open whether two groups are one: one pair of each two groups, and all pairs that a card ties. */
  async lookCloser(also: readonly (readonly [string, string])[]): Promise<void> {
    const groups = this.#groups();
    const heads = groups.map((group) => this.#headOf(group));
    const pairs = [...heads.flatMap((a, i) => heads.slice(i + 1).map((b): [string, string] => [a, b])), ...also].filter(([a, b]) => {
      const relation = this.between(a, b);
      const [x, y] = [this.#models.get(a)!, this.#models.get(b)!];
      return relation && x.isModel && y.isModel && isOpen(relation, x.sketch, y.sketch);
    });
    await this.#relate('look closer', [...new Map(pairs.map((pair) => [pairKey(...pair), pair])).values()], 'open');
  }

  async #relate(what: string, pairs: readonly (readonly [string, string])[], closer: 'never' | 'open'): Promise<void> {
    await Promise.all(
      pairs.map(async (pair) => {
        const [a, b] = [...pair].sort((p, q) => this.#loss(p) - this.#loss(q) || compare(p, q)) as [string, string];
        const [x, y] = [this.#models.get(a)!, this.#models.get(b)!];
        // Every pair is one more try: the correction is for all models given.
        const { relation } = await this.#run(what, {
          do: 'relate',
          a: x,
          b: y,
          options: { searched: this.#models.size, closer, full: false, threads: false },
        });
        this.#known.set(pairKey(a, b), {
          a,
          b,
          relation: { ...relation!, a: { ...relation!.a, name: a }, b: { ...relation!.b, name: b } },
        });
      }),
    );
  }

  #loss(id: string): number {
    const known = this.#lost.get(id) ?? lossOf(this.#models.get(id)!.sketch);
    this.#lost.set(id, known);
    return known;
  }

  /** Connected by training, from what is known so far. */
  #groups(): string[][] {
    const groups: Set<string>[] = [...this.#models.keys()].map((id) => new Set([id]));
    for (const { a, b, relation } of this.all()) {
      if (!sharesTraining(relation.verdict)) continue;
      const [x, y] = [groups.find((group) => group.has(a))!, groups.find((group) => group.has(b))!];
      if (x === y) continue;
      for (const id of y) x.add(id);
      groups.splice(groups.indexOf(y), 1);
    }
    return groups.map((group) => [...group]);
  }

  /** The member nearest to all others. */
  #headOf(group: readonly string[]): string {
    const far = (id: string): number =>
      group.reduce((sum, other) => sum + (other === id ? 0 : Math.min(1, this.between(id, other)?.kind.relativeChange ?? 1)), 0);
    return [...group].sort((x, y) => far(x) - far(y) || compare(x, y))[0]!;
  }
}

interface Claim {
  readonly value: string;
  readonly from: string;
  readonly base?: string;
}

/** What the card of a model names, each with the model meant, when it is here. */
function claimsOf(models: ReadonlyMap<string, Described>, id: string): Claim[] {
  return models.get(id)!.claims.map(({ value, from }) => {
    const base = [...models].find(([other, one]) => other !== id && one.names.some((name) => sameName(value, name)))?.[0];
    return { value, from, ...(base !== undefined && { base }) };
  });
}

function claimedPairs(models: ReadonlyMap<string, Described>): [string, string][] {
  return [...models.keys()].flatMap((id) =>
    claimsOf(models, id).flatMap(({ base }): [string, string][] => (base === undefined ? [] : [[base, id]])),
  );
}

function checked({ value, from, base }: Claim, model: string, relations: Relations): TreeClaim {
  const others = relations.all().flatMap(({ a, b, relation }) => {
    const other = a === model ? b : b === model ? a : undefined;
    if (other === undefined || other === base) return [];
    const between = base === undefined ? undefined : relations.between(base, other);
    return between ? [{ relation, toClaimed: between }] : [];
  });
  const check = checkClaim(value, from, base === undefined ? undefined : relations.between(base, model), others);
  return { model, ...(base !== undefined && { base }), ...check };
}

/** The strongest weaker tie between each two groups. */
function linksOf(families: readonly Family[], single: readonly string[], relations: Relations): TreeLink[] {
  const group = new Map<string, number>();
  families.forEach((family, i) => {
    for (const id of [...family.members, ...Object.values(family.copies).flat()]) group.set(id, i);
  });
  single.forEach((id, i) => group.set(id, families.length + i));
  const best = new Map<string, { a: string; b: string; relation: Relation; pairs: number }>();
  for (const { a, b, relation } of relations.all()) {
    const [x, y] = [group.get(a)!, group.get(b)!];
    if (x === y || !isTie(relation.verdict) || sharesTraining(relation.verdict)) continue;
    const key = `${Math.min(x, y)}/${Math.max(x, y)}`;
    const before = best.get(key);
    const stronger = !before || (relation.log10P ?? 0) < (before.relation.log10P ?? 0);
    best.set(key, { ...(stronger ? { a, b, relation } : before), pairs: (before?.pairs ?? 0) + 1 });
  }
  return [...best.values()].map(({ a, b, relation, pairs }) => ({
    a,
    b,
    verdict: relation.verdict as TreeLink['verdict'],
    because: relation.because,
    pairs,
  }));
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a}\n${b}` : `${b}\n${a}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
