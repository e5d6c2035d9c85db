/**
 * A suspect as a mixture of known parents: least squares over all shared tensors, coefficients that add up to 1.
 * With that constraint a linear merge, and task arithmetic `base + sum lambda_k (P_k - base)`, are one fit: the base is the parent whose
 * coefficient is what the others leave of 1. R2 counts against the change from the nearest parent, the hardest measure there is:
 * a fine-tune of one candidate, fitted on its siblings, stays far below .99, and then nothing is told.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import type { Model } from '../../model/index.ts';
import type { Evidence, Merge } from '../types.ts';
import { type Sums, solveSymmetric, sumProducts, symmetric, type TensorSums } from './normal-equations.ts';
import { fitSlerp, type SlerpFit } from './slerp.ts';

/** Below this no coefficient is told (trials, transformers, section 6). */
const TOLD_R2 = 0.99;
/** A parent with less is left out and the fit made anew. */
const SMALL = 0.01;
const ERRORS = 5;
/** Residual over what rounding to the suspect's format leaves: computing in half precision gives about 3. */
const ROUNDING_EXPLAINS = 6;
/** Residual of SLERP over that of the linear fit from which SLERP is said; spread of t over tensors. */
const CLEARLY_SLERP = 0.6;
const SAME_T = 0.02;
/** More near relatives than this are not told apart by their coefficients. */
const MAX_PARENTS = 8;
/**
 * Residual up to which a mixture is exact. With a coefficient below zero the equation can be solved for any of its models: only the one
 * that was computed from the others holds no more than its own rounding.
 */
const EXACT = 1.2;
/** Values equal to one parent's, with few small steps beside them, from which a merge of trimmed changes is likely. */
const TRIMMED = 0.1;

export interface MergeParent {
  readonly model: Model;
  readonly name: string;
  readonly digest: string;
}

export interface MergeFit {
  /** Null when nothing can be told: R2 below .99, one parent alone, or parents that repeat one another. */
  readonly merge: Merge | null;
  readonly evidence: Evidence;
}

/**
 * @param parents two to eight opened models that may be parents, the base among them where it is known.
 * @returns null when there are too few or too many parents, or fewer than half of the suspect's values have a partner in all of them.
 * Reads every model once, side by side. @throws SourceError, WeightsError when bytes cannot be had; the signal's reason.
 */
export async function fitMerge(suspect: MergeParent, parents: readonly MergeParent[], watch: Watch = {}): Promise<MergeFit | null> {
  // Digests of headers alone are shared by all models of one shape, and name none.
  const isSame = (x: MergeParent, y: MergeParent): boolean => x.digest === y.digest && !x.digest.startsWith('header-');
  const others = parents.filter(
    (parent, i) =>
      !isSame(parent, suspect) &&
      !parent.model.isAdapter &&
      parent.model.checkpoint !== null &&
      parents.findIndex((other) => other === parent || isSame(other, parent)) === i,
  );
  if (others.length < 2 || others.length > MAX_PARENTS || !suspect.model.checkpoint || suspect.model.isAdapter) return null;
  const sums = await sumProducts(
    suspect.model,
    others.map(({ model }) => model),
    watch,
  );
  if (sums.coverage < 0.5 || sums.tensors.length === 0) return null;
  return judgeMerge(suspect, others, sums);
}

function judgeMerge(suspect: MergeParent, parents: readonly MergeParent[], sums: Sums): MergeFit {
  let active = parents.map((_, i) => i);
  let fit = fitAffine(sums, active);
  // Wrong parents come out at zero; leaving them out sharpens the others.
  for (let round = 0; fit && round < parents.length; round++) {
    const { coefficients, errors } = fit;
    const kept = active.filter((_, i) => Math.abs(coefficients[i]!) >= Math.max(SMALL, ERRORS * errors[i]!));
    if (kept.length === active.length || kept.length === 0) break;
    const next: number = active.length;
    active = kept;
    fit = active.length > 1 ? fitAffine(sums, active) : null;
    if (active.length >= next) break;
  }
  const slerp = parents.length >= 2 ? bestSlerp(sums, parents.length) : null;
  const isSlerp =
    slerp !== null && slerp.fit.r2 >= TOLD_R2 && slerp.fit.spread <= SAME_T && (!fit || slerp.fit.residual < CLEARLY_SLERP * fit.residual);
  const merge = isSlerp ? slerpMerge(slerp, parents, sums) : fit && fit.r2 >= TOLD_R2 ? linearMerge(fit, active, parents, sums) : null;
  const share = (pick: (tensor: TensorSums) => number): number => sums.tensors.reduce((sum, tensor) => sum + pick(tensor), 0) / sums.values;
  const kept = parents.map((_, k) => share((tensor) => tensor.kept[k]!));
  const trimmed = kept.findIndex((same, k) => same >= TRIMMED && share((tensor) => tensor.near[k]!) < (same / 3) * (1 - same));
  return { merge, evidence: evidenceOf(suspect, parents, sums, { fit, active, slerp: slerp?.fit ?? null, merge, kept, trimmed }) };
}

interface Affine {
  /** In the order of the active parents; they add up to 1. */
  readonly coefficients: readonly number[];
  readonly errors: readonly number[];
  readonly r2: number;
  readonly residual: number;
}

/** Regression of `suspect - first` on `parent - first` over the active parents, pooled; errors clustered by tensor. */
function fitAffine(sums: Sums, active: readonly number[]): Affine | null {
  const k = active.length - 1;
  const [first, ...rest] = active as [number, ...number[]];
  // Differences to the first active parent, from differences to parent 0: columns of a change of basis.
  const reduced = sums.tensors.map((tensor) => reduce(tensor, sums.size, first, rest));
  const gram = new Float64Array(k * k);
  const right = new Float64Array(k);
  let total = 0;
  for (const { xx, xy, yy } of reduced) {
    xx.forEach((value, i) => (gram[i] = gram[i]! + value));
    xy.forEach((value, i) => (right[i] = right[i]! + value));
    total += yy;
  }
  const solved = solveSymmetric(gram, right, k);
  if (!solved) return null;
  const residual = Math.max(0, total - solved.reduce((sum, value, i) => sum + value * right[i]!, 0));
  const nearest = nearestDistance(sums);
  // Sandwich: V = G^-1 (sum u u') G^-1 with u = X'(y - X c) of each tensor.
  const scores = reduced.map(({ xx, xy }) => xy.map((value, i) => value - solved.reduce((sum, c, j) => sum + xx[i * k + j]! * c, 0)));
  const projected = scores.map((score) => solveSymmetric(gram, score, k)!);
  const few = sums.tensors.length / Math.max(1, sums.tensors.length - 1);
  const errors = solved.map((_, i) => Math.sqrt(few * projected.reduce((sum, p) => sum + p[i]! ** 2, 0)));
  const own = Math.sqrt(few * projected.reduce((sum, p) => sum + p.reduce((s, value) => s + value, 0) ** 2, 0));
  return {
    coefficients: [1 - solved.reduce((sum, value) => sum + value, 0), ...solved],
    errors: [own, ...errors],
    r2: nearest > 0 ? 1 - residual / nearest : 0,
    residual,
  };
}

function reduce(
  tensor: TensorSums,
  size: number,
  first: number,
  rest: readonly number[],
): { xx: Float64Array; xy: Float64Array; yy: number } {
  const all = symmetric(tensor, size);
  // Row 0 holds parent 0 itself; a difference to it is zero.
  const product = (p: number, q: number): number => (p === 0 || q === 0 ? 0 : all[p * size + q]!);
  const between = (p: number, q: number): number => product(p, q) - product(p, first) - product(first, q) + product(first, first);
  const y = size - 1;
  const k = rest.length;
  const xx = new Float64Array(k * k);
  rest.forEach((p, i) => rest.forEach((q, j) => (xx[i * k + j] = between(p, q))));
  return { xx, xy: Float64Array.from(rest, (p) => between(p, y)), yy: between(y, y) };
}

/** Squared distance of the suspect to the parent nearest to it. */
function nearestDistance(sums: Sums): number {
  const distances = Array.from({ length: sums.size - 1 }, (_, k) =>
    sums.tensors.reduce((sum, tensor) => sum + reduce(tensor, sums.size, k, []).yy, 0),
  );
  return Math.min(...distances);
}

function bestSlerp(sums: Sums, parents: number): { fit: SlerpFit; i: number; j: number } | null {
  let best: { fit: SlerpFit; i: number; j: number } | null = null;
  const nearest = nearestDistance(sums);
  for (let i = 0; i < parents; i++)
    for (let j = i + 1; j < parents; j++) {
      const fit = fitSlerp(sums, i, j, nearest);
      if (fit && (!best || fit.residual < best.fit.residual)) best = { fit, i, j };
    }
  return best;
}

function roundingOf(sums: Sums): number {
  return sums.tensors.reduce((sum, tensor) => sum + tensor.rounding, 0);
}

function slerpMerge({ fit, i, j }: { fit: SlerpFit; i: number; j: number }, parents: readonly MergeParent[], sums: Sums): Merge {
  const parent = (at: number, coefficient: number): Merge['parents'][number] => ({
    name: parents[at]!.name,
    digest: parents[at]!.digest,
    coefficient,
    standardError: fit.error,
  });
  return {
    method: 'slerp',
    parents: [parent(i, 1 - fit.t), parent(j, fit.t)],
    r2: fit.r2,
    t: fit.t,
    missingParent: fit.residual > ROUNDING_EXPLAINS * roundingOf(sums),
  };
}

function linearMerge(fit: Affine, active: readonly number[], parents: readonly MergeParent[], sums: Sums): Merge | null {
  if (active.length < 2) return null;
  if (fit.coefficients.some((value) => value < 0) && fit.residual > EXACT * roundingOf(sums)) return null;
  const base = baseOf(sums, active, fit);
  return {
    method: base === null ? 'linear' : 'task-arithmetic',
    ...(base !== null && { base: parents[base]!.name }),
    parents: active.flatMap((at, i) =>
      at === base
        ? []
        : [{ name: parents[at]!.name, digest: parents[at]!.digest, coefficient: fit.coefficients[i]!, standardError: fit.errors[i]! }],
    ),
    r2: fit.r2,
    missingParent: fit.residual > ROUNDING_EXPLAINS * roundingOf(sums),
  };
}

/**
 * The model that task arithmetic measures from: nearest to all others, as the ancestor of siblings is, and with a coefficient below zero,
 * or beside coefficients that a weighted average cannot have. A positive rest may as well be an average with the base.
 */
function baseOf(sums: Sums, active: readonly number[], { coefficients }: Affine): number | null {
  if (coefficients.every((value) => value >= 0)) return null;
  // One changed model, its change made larger.
  if (active.length === 2) return active[coefficients[0]! < 0 ? 0 : 1]!;
  const distance = (i: number, j: number): number => {
    const y = j;
    return sums.tensors.reduce((sum, tensor) => sum + reduce(tensor, sums.size, i, [y]).xx[0]!, 0);
  };
  const spans = active.map((i) => active.reduce((sum, j) => (i === j ? sum : sum + distance(i, j)), 0));
  const center = active[spans.indexOf(Math.min(...spans))]!;
  return coefficients[active.indexOf(center)]! < 0 ? center : null;
}

interface Outcome {
  readonly fit: Affine | null;
  readonly active: readonly number[];
  readonly slerp: SlerpFit | null;
  readonly merge: Merge | null;
  readonly kept: readonly number[];
  /** The parent whose values are left alone, or -1. */
  readonly trimmed: number;
}

function evidenceOf(
  suspect: MergeParent,
  parents: readonly MergeParent[],
  sums: Sums,
  { fit, active, slerp, merge, kept, trimmed }: Outcome,
): Evidence {
  const r2 = merge?.r2 ?? fit?.r2 ?? 0;
  return {
    test: 'merge-fit',
    version: 1,
    class: 'descriptive',
    question: 'Is the suspect a mixture of these models?',
    statistic: { name: 'share of its change from the nearest of them that the mixture explains (R2)', value: r2 },
    n: sums.tensors.length,
    log10P: null,
    effect: merge ? { name: 'largest coefficient', value: Math.max(...merge.parents.map(({ coefficient }) => coefficient)) } : null,
    nullModel: 'a model trained further, fitted on its siblings, stays below .7; nothing is told under .99',
    assumptions: ['all candidates are laid over each other slot by slot', 'coefficients add up to 1'],
    details: {
      candidates: parents.map(({ name }) => name),
      digests: parents.map(({ digest }) => digest),
      values: sums.values,
      coverage: sums.coverage,
      told: merge ? merge.method : 'nothing',
      // Below the threshold coefficients would be read as findings.
      ...(merge && fit && merge.method !== 'slerp'
        ? { parents: active.map((at) => parents[at]!.name), coefficients: [...fit.coefficients], standardErrors: [...fit.errors] }
        : {}),
      ...(merge?.method === 'slerp' && slerp ? { t: slerp.t, tByTensor: slerp.perTensor, tSpread: slerp.spread } : {}),
      ...(fit ? { residualOverRounding: fit.residual / Math.max(1e-300, roundingOf(sums)) } : {}),
      equalToCandidate: [...kept],
      ...(!merge && trimmed >= 0
        ? {
            marks: `${(100 * kept[trimmed]!).toFixed(0)} % of the values are those of ${parents[trimmed]!.name}, as merging trimmed changes (TIES, DARE) leaves them; what share each parent has cannot be told`,
          }
        : {}),
    },
    inputs: { a: parents[0]!.digest, b: suspect.digest },
  };
}
