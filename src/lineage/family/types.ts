/**
 * A family of models as a graph: who is tied to whom, how strongly, and, where there are grounds, who came first.
 * @module
 */
import type { Kind, Merge, Relation, Verdict } from '../types.ts';

/** A model in the graph; `id` is unique in it. */
export interface FamilyNode {
  readonly id: string;
  readonly digest: string;
  /** Ids of the bases that its own card names and that are in the graph. */
  readonly claims: readonly string[];
}

/** Two models whose weights are tied by training; `a` and `b` are ids. */
export interface Tie {
  readonly a: string;
  readonly b: string;
  readonly verdict: Extract<Verdict, 'derived' | 'identical'>;
  readonly kind: Kind;
  readonly log10P: number | null;
  /** Squared distance over the product of the sizes, or null where the values were not laid over each other. */
  readonly distance: number | null;
  /** What of `distance` the rounding of sketches alone can bring about; differences below it are none. */
  readonly error: number;
  /** Whether `distance` is over the same coordinates as the other distances with this flag, so that angles can be taken. */
  readonly inFrame: boolean;
  /** What says that `b` is `a` with information taken away, or the reverse. */
  readonly loss: Loss | null;
}

export interface Loss {
  /** The id of the model that lost. */
  readonly of: string;
  /** `proved`: the other model, treated alike, gives it. `seen`: marks of it only; a relative of the other would show them too. */
  readonly certainty: 'proved' | 'seen';
  readonly grounds: string;
}

export type Direction = Relation['direction'];

/** What a direction rests on, strongest first. */
export type Grounds = 'loss' | 'merge' | 'claim' | 'none';

export interface FamilyEdge {
  readonly a: string;
  readonly b: string;
  readonly verdict: Tie['verdict'];
  readonly kind: Kind;
  /** |B - A| / |A|, about; null when not measured. */
  readonly change: number | null;
  readonly log10P: number | null;
  readonly direction: Direction;
  readonly grounds: Grounds;
  readonly directionGrounds: string;
  /** Whether the edge belongs to the shortest tree; others were added for a merge or a claim. */
  readonly inTree: boolean;
  /** Ids that could stand in the place of one end as well: just as near. */
  readonly alternatives: readonly string[];
}

export interface FoundMerge {
  readonly of: string;
  readonly merge: Merge;
}

export interface Family {
  /** Sorted; one entry for each group of models that hold the same values. */
  readonly members: readonly string[];
  /** Models with the same values as a member: member to the others, sorted. */
  readonly copies: Readonly<Record<string, readonly string[]>>;
  readonly edges: readonly FamilyEdge[];
  readonly merges: readonly FoundMerge[];
  /** Where the drawing begins; no claim that it came first. */
  readonly top: string;
  /** What the shape of the family says and does not say. */
  readonly notes: readonly string[];
}
