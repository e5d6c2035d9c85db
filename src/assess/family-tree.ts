/**
 * The answer to "how are these models related": families, weaker links, and what cards name.
 * @module
 */
import type { ReadStats } from '../base/index.ts';
import type { Family, RelationSubject, Verdict } from '../lineage/index.ts';
import type { ClaimCheck } from './types.ts';

export interface FamilyTree {
  readonly schema: 'heirloom-tree/1';
  readonly models: readonly TreeModel[];
  readonly families: readonly Family[];
  /** Ids of models without a tie by training. */
  readonly single: readonly string[];
  /** Weaker ties: at most one between two families or single models, the strongest. */
  readonly links: readonly TreeLink[];
  readonly claims: readonly TreeClaim[];
  readonly failed: readonly { readonly locator: string; readonly error: { readonly code: string; readonly message: string } }[];
  readonly limits: readonly string[];
  readonly read: ReadStats;
}
export interface TreeModel extends RelationSubject {
  /** Unique in the tree: its name, with a number where two models have one name. */
  readonly id: string;
  readonly locator: string;
}
export interface TreeLink {
  readonly a: string;
  readonly b: string;
  readonly verdict: Extract<Verdict, 'common-initialization' | 'shared-origin'>;
  readonly because: string;
  /** Pairs between the two groups with such a tie. */
  readonly pairs: number;
}
/** A base that a card names, with the model meant when it is among those given. */
export interface TreeClaim extends ClaimCheck {
  readonly model: string;
  readonly base?: string;
}
