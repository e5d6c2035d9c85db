/**
 * A base that a publisher names, against what the weights say of it.
 * @module
 */
import type { Relation } from '../lineage/index.ts';
import { ALPHA_LOG10 } from '../math/index.ts';
import type { ClaimCheck } from './types.ts';

/** Another model's tie to the suspect, and that model's relation to the one the card names. */
export interface OtherTie {
  readonly relation: Relation;
  readonly toClaimed: Relation;
}

/** The named base would have shown at this part of the correlation that the other model shows. */
const POWER = 0.5;
/** The other tie must leave no room for a second parent: this share of the suspect, at this correlation of weights. */
const MIN_SHARE = 0.95;
const MIN_CORRELATION = 0.7;

/**
 * @param relation of the named model to the suspect; undefined when that model is not known.
 * @param others ties of other known models to the same suspect.
 */
export function checkClaim(name: string, from: string, relation: Relation | undefined, others: readonly OtherTie[]): ClaimCheck {
  if (!relation)
    return {
      name,
      from,
      verdict: 'not-registered',
      because: 'the register holds no model of this name, so the claim was not compared with weights',
    };
  switch (relation.verdict) {
    case 'identical':
    case 'derived':
      return { name, from, verdict: 'supported', because: relation.because };
    case 'unresolved':
    case 'shared-origin':
      return { name, from, verdict: 'unresolved', because: relation.because };
    case 'common-initialization':
      return { name, from, verdict: 'not-shown', because: relation.because };
    case 'no-evidence': {
      const other = others.find((candidate) => excludes(candidate, relation));
      if (!other) return { name, from, verdict: 'not-shown', because: relation.because };
      const because = `the weights share training with ${nameOf(other, relation)} (${other.relation.because}), correlation about ${correlationOf(other.relation)!.toFixed(2)}; against ${name} ${relation.detectable!.toFixed(2)} would have been seen and nothing was, and the two are no relatives of each other as far as the tests see`;
      return { name, from, verdict: 'refuted', because };
    }
  }
}

function excludes({ relation, toClaimed }: OtherTie, claimed: Relation): boolean {
  const correlation = correlationOf(relation);
  return (
    (relation.verdict === 'derived' || relation.verdict === 'identical') &&
    (relation.log10PAdjusted ?? 0) <= ALPHA_LOG10 &&
    (relation.share.fraction ?? 0) >= MIN_SHARE &&
    correlation !== null &&
    correlation >= MIN_CORRELATION &&
    claimed.detectable !== null &&
    claimed.detectable <= POWER * correlation &&
    // A go-between that descends from the named base would make the claim true.
    toClaimed.verdict === 'no-evidence' &&
    toClaimed.detectable !== null &&
    toClaimed.detectable <= POWER * correlation
  );
}

/** Of weights that changed by `relativeChange`, the change taken as unrelated to them. */
function correlationOf({ kind }: Relation): number | null {
  return kind.relativeChange === undefined ? null : 1 / Math.sqrt(1 + kind.relativeChange ** 2);
}

function nameOf({ relation }: OtherTie, claimed: Relation): string {
  // A relation has no order of age; the other model is the side that is not the suspect.
  return relation.a.digest === claimed.a.digest || relation.a.digest === claimed.b.digest ? relation.b.name : relation.a.name;
}
