/**
 * Mixtures among models whose distances are known: a model that lies inside the segment or triangle of others.
 * Training in a space of many dimensions does not end there by chance, and no trained model lies inside its own mixtures: that
 * gives a direction. What lies on the line but outside (task arithmetic) is symmetric, and nothing is said.
 * @module
 */
import type { FamilyNode, FoundMerge } from './types.ts';

/** Squared distance between two ids, or null; and what of it rounding explains. */
export type Metric = (a: string, b: string) => { readonly squared: number; readonly error: number } | null;

/** Part of the squared distance to the nearest parent that may remain: R2 of .99 (trials, transformers, section 6). */
const RESIDUAL = 0.01;
/** A parent with less weight is not told from rounding. */
const MIN_WEIGHT = 0.05;
/** Distances below this many errors have no direction in space. */
const MEASURABLE = 30;
/** Triples are tried among so many nearest models. */
const NEAREST = 24;

/**
 * At most one merge for each model: the fewest parents, then those that are no mixtures themselves (what is mixed from a mixture is
 * mixed from its parents as well), then the smallest remainder.
 */
export function findMerges(nodes: readonly FamilyNode[], metric: Metric): FoundMerge[] {
  const ids = nodes.map(({ id }) => id);
  const digest = new Map(nodes.map((node) => [node.id, node.digest]));
  const found = ids.map((of) => ({ of, fits: fitsOf(of, ids, metric) })).filter(({ fits }) => fits.length > 0);
  const mixed = new Set(found.map(({ of }) => of));
  const mixtures = (one: Fit): number => one.parents.filter(({ id }) => mixed.has(id)).length;
  return found.map(({ of, fits }) => {
    const best = fits.sort((x, y) => x.weights.length - y.weights.length || mixtures(x) - mixtures(y) || x.residual - y.residual)[0]!;
    const parents = best.parents.map(({ id }, i) => ({
      name: id,
      digest: digest.get(id)!,
      coefficient: best.weights[i]!,
      standardError: best.error,
    }));
    return { of, merge: { method: 'linear', parents, r2: 1 - best.residual, missingParent: false } };
  });
}

function fitsOf(of: string, ids: readonly string[], metric: Metric): Fit[] {
  const near = ids
    .flatMap((id): Near[] => {
      const to = id === of ? null : metric(of, id);
      return to && to.squared > MEASURABLE * to.error ? [{ id, squared: to.squared }] : [];
    })
    .sort((x, y) => x.squared - y.squared || (x.id < y.id ? -1 : 1))
    .slice(0, NEAREST);
  return [...subsets(near, 2), ...subsets(near, 3)].flatMap((parents) => fit(parents, metric) ?? []);
}

interface Fit {
  readonly parents: readonly Near[];
  readonly weights: readonly number[];
  readonly residual: number;
  readonly error: number;
}

interface Near {
  readonly id: string;
  readonly squared: number;
}

/** Least squares with weights that sum to 1, from distances alone: <P_i - P_0, M - P_0> = (d_0M + d_0i - d_iM) / 2. */
function fit(parents: readonly Near[], metric: Metric): Fit | null {
  const [origin, ...others] = parents;
  const between = (x: Near, y: Near): number | null => {
    const to = x.id === y.id ? { squared: 0, error: 0 } : metric(x.id, y.id);
    return to && (x.id === y.id || to.squared > MEASURABLE * to.error) ? to.squared : null;
  };
  const legs = others.map((p) => between(origin!, p));
  if (legs.includes(null)) return null;
  const gram = others.map((x, i) =>
    others.map((y, j) => {
      const d = between(x, y);
      return d === null ? NaN : (legs[i]! + legs[j]! - d) / 2;
    }),
  );
  const target = others.map((p, i) => (origin!.squared + legs[i]! - p.squared) / 2);
  const solved = solve(gram, target);
  if (!solved) return null;
  const weights = [1 - solved.reduce((sum, w) => sum + w, 0), ...solved];
  const rest = origin!.squared - solved.reduce((sum, w, i) => sum + w * target[i]!, 0);
  const residual = Math.max(0, rest) / Math.min(...parents.map((p) => p.squared));
  const isFit = weights.every((w) => w >= MIN_WEIGHT) && residual <= RESIDUAL;
  return isFit ? { parents, weights, residual, error: Math.sqrt(residual) / 2 } : null;
}

/** One or two unknowns (Cramer); null when the parents lie on one line or are unknown. */
function solve(g: readonly (readonly number[])[], t: readonly number[]): number[] | null {
  if (t.length === 1) return g[0]![0]! > 0 ? [t[0]! / g[0]![0]!] : null;
  const [a, b, c] = [g[0]![0]!, g[0]![1]!, g[1]![1]!];
  const determinant = a * c - b * b;
  if (!(determinant > 1e-3 * a * c)) return null;
  return [(t[0]! * c - t[1]! * b) / determinant, (a * t[1]! - b * t[0]!) / determinant];
}

function* subsets(list: readonly Near[], size: 2 | 3): Generator<readonly Near[]> {
  for (let i = 0; i < list.length; i++)
    for (let j = i + 1; j < list.length; j++)
      if (size === 2) yield [list[i]!, list[j]!];
      else for (let k = j + 1; k < list.length; k++) yield [list[i]!, list[j]!, list[k]!];
}
