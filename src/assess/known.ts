/**
 * A model against one of the register, and the order in which such relations are told.
 * @module
 */
import { relate, type Relation, type Sketch, type Verdict } from '../lineage/index.ts';
import type { AncestorRecord, KnownModel } from './types.ts';

export type KnownRelation = Relation & { readonly ancestor: AncestorRecord };

/** Strongest first; what shows no tie comes last. */
const RANK: readonly Verdict[] = ['identical', 'derived', 'shared-origin', 'common-initialization', 'no-evidence', 'unresolved'];

/** @param searched models in the register: what p-values are corrected for. The known model goes by its registered name. */
export function relateKnown({ record, sketch }: KnownModel, suspect: Sketch, searched: number): KnownRelation {
  const relation = relate(sketch, suspect, { searched });
  return { ...relation, a: { ...relation.a, name: record.name }, ancestor: record };
}

export function isTie(verdict: Verdict): boolean {
  return RANK.indexOf(verdict) < RANK.indexOf('no-evidence');
}

/** By verdict, then by how little changed, then by evidence; equals by name. */
export function byStrength(x: KnownRelation, y: KnownRelation): number {
  return (
    RANK.indexOf(x.verdict) - RANK.indexOf(y.verdict) ||
    (x.kind.relativeChange ?? Infinity) - (y.kind.relativeChange ?? Infinity) ||
    (x.log10P ?? 0) - (y.log10P ?? 0) ||
    (x.ancestor.name < y.ancestor.name ? -1 : 1)
  );
}
