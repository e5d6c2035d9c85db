/**
 * What an assessment and the register say of the models one was made from, as credit is written from.
 * @module
 */
import type { Assessment } from '../assess/index.ts';
import { basesOf, type BasesFound, type CreditNode, creditTree, type KnownBase } from '../credit/index.ts';
import type { Register } from '../register/index.ts';

export interface CreditFacts extends BasesFound {
  readonly tree: CreditNode;
  readonly known: readonly KnownBase[];
}

/** @param relation `base_model_relation` of the card. */
export async function creditFactsOf(assessment: Assessment, register: Register, relation?: string): Promise<CreditFacts> {
  const { lineage, license, subject } = assessment;
  const found = basesOf(lineage.relations, lineage.claims, relation);
  const { entries } = await register.list();
  const own = license.declared.flatMap((declared) => (declared.id === null ? [] : [declared.id]));
  const tree = creditTree(
    { name: subject.name, licenses: [...new Set(own)], ...(subject.revision !== undefined && { revision: subject.revision }) },
    found.bases,
    entries,
  );
  return { ...found, tree, known: entries };
}
