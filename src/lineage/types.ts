/**
 * What lineage says, in data. Words are the house's: see docs/verdicts.md.
 * @module
 */
import { HeirloomError } from '../base/index.ts';

/**
 * `identical`: same values, after cast or re-encoding. `derived`: shared training. `common-initialization`: the same
 * random start, no shared training shown. `shared-origin`: not independent, but training and start cannot be told apart.
 * `no-evidence`: nothing seen; `Relation.detectable` says what would have been. `unresolved`: cannot be compared.
 */
export type Verdict = 'identical' | 'derived' | 'common-initialization' | 'shared-origin' | 'no-evidence' | 'unresolved';

/** Whether a verdict says that training is shared. */
export function sharesTraining(verdict: Verdict): boolean {
  return verdict === 'derived' || verdict === 'identical';
}

/**
 * What the number rests on. `exact`: a p-value that follows from symmetry alone, given the assumptions.
 * `calibrated`: a threshold set on known pairs. `descriptive`: an effect size, never a verdict by itself.
 */
export type EvidenceClass = 'exact' | 'calibrated' | 'descriptive';

/** One test's outcome. The same inputs give the same bytes (canonical JSON). */
export interface Evidence {
  /** Stable id, e.g. `swap-sign/neurons`. */
  readonly test: string;
  readonly version: number;
  readonly class: EvidenceClass;
  /** What was asked, in one plain sentence. */
  readonly question: string;
  readonly statistic: { readonly name: string; readonly value: number };
  /** Independent units the statistic counts (flips, layers, tensors). */
  readonly n: number;
  /** log10 of the p-value under the null, after this test's own corrections; null where the test has none. */
  readonly log10P: number | null;
  readonly effect: { readonly name: string; readonly value: number } | null;
  /** What would hold if the two models were independent. */
  readonly nullModel: string;
  readonly assumptions: readonly string[];
  /** Numbers behind the statistic: per layer, per part. */
  readonly details: { readonly [key: string]: number | string | readonly number[] | readonly string[] };
  /** Digests of the two sketches the numbers were computed from. */
  readonly inputs: { readonly a: string; readonly b: string };
}

export type KindName =
  | 'copy'
  | 're-encoded'
  | 'quantized'
  | 'pruned'
  | 'fine-tune'
  | 'low-rank'
  | 'noise'
  | 'merge'
  | 'depth-changed'
  | 'width-changed'
  | 'disguised'
  | 'partial'
  | 'unknown';

export interface Kind {
  readonly name: KindName;
  /** One sentence with the numbers, and what the kind could also be. */
  readonly note: string;
  /** |B - A| / |A| over the compared values (root of sums of squares); absent when not measured. */
  readonly relativeChange?: number;
  /** Share of exact zeros in B where A has none. */
  readonly sparsity?: number;
  /** `unstructured`, `2:4`, `rows`, ...; with `sparsity`. */
  readonly pattern?: string;
  /** For each layer of B the layer of A it matches. */
  readonly layerMap?: readonly number[];
  /** For each layer of B and each of its neurons the neuron of A it matches, -1 where none does; only where the numbers differ from 0, 1, 2... */
  readonly neuronMap?: readonly (readonly number[])[];
  /** Of a quantized copy. */
  readonly scheme?: string;
  /** Whether quantizing A anew by `scheme` gives B to the bit. */
  readonly schemeProved?: boolean;
  /** Rank of the change, the mode over the matrices it touches. */
  readonly rank?: number;
  readonly merge?: Merge;
  /** Rearrangements that keep the function, in the words of docs/verdicts.md: `neurons permuted`, `hidden space rotated`... */
  readonly disguises?: readonly string[];
  /** What else would look the same. */
  readonly alternatives?: readonly string[];
}

/** How B is mixed from its parents; only told at R2 of .99 and more (trials, transformers, section 6). */
export interface Merge {
  readonly method: 'linear' | 'task-arithmetic' | 'slerp' | 'trimmed';
  /** The model that coefficients are measured from, for task arithmetic. */
  readonly base?: string;
  readonly parents: readonly {
    readonly name: string;
    readonly digest: string;
    readonly coefficient: number;
    readonly standardError: number;
  }[];
  readonly r2: number;
  /** SLERP's interpolation, 0 at the first parent. */
  readonly t?: number;
  /** A gap in R2 that a parent outside the list would explain. */
  readonly missingParent: boolean;
}

export interface RelationSubject {
  readonly name: string;
  /** `sha256:<hex>`; what it covers stands in `digestCovers`. */
  readonly digest: string;
  readonly digestCovers: string;
  readonly format: string;
  readonly parameters: number;
}

/** A is the possible ancestor, B the suspect. */
export interface Relation {
  readonly schema: 'heirloom-relation/1';
  readonly a: RelationSubject;
  readonly b: RelationSubject;
  readonly verdict: Verdict;
  /** Why this verdict and not the next weaker one, one sentence a lawyer can read. */
  readonly because: string;
  /** Share of B's parameters, by count, in parts where sharing is shown. */
  readonly share: { readonly fraction: number | null; readonly part: string; readonly slots: readonly string[] };
  readonly kind: Kind;
  readonly direction: 'a->b' | 'b->a' | 'unknown';
  readonly directionGrounds: string;
  /** Smallest exact log10 p over the tests, Bonferroni over them; null when no exact test could run. */
  readonly log10P: number | null;
  /** The same, times the number of known models searched (`searched`). */
  readonly log10PAdjusted: number | null;
  readonly searched: number;
  /** The smallest correlation of weights that these tests would have detected at the threshold; null when they could not run. */
  readonly detectable: number | null;
  readonly tests: readonly Evidence[];
  /** What this comparison does not show. */
  readonly limits: readonly string[];
}

export type LineageErrorCode = 'SKETCH_INVALID' | 'SKETCH_VERSION' | 'SKETCH_TOO_LARGE' | 'SKETCH_SALT';
export class LineageError extends HeirloomError<LineageErrorCode> {
  override readonly name = 'LineageError';
}
