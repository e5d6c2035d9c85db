/**
 * A relation with further models at hand: other possible parents of the suspect, or an adapter that may have been merged into it.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { limitsWith } from '../kind.ts';
import type { Kind, Merge, Relation } from '../types.ts';
import { proveAdapter } from './adapter.ts';
import { percent } from './judge.ts';
import { fitMerge, type MergeParent } from './merge.ts';

/**
 * @param a, b the models of the relation. @param others opened models; adapters are applied to A, full ones fitted as parents beside A.
 * @throws SourceError, WeightsError when bytes cannot be had; the signal's reason.
 */
export async function explainWith(
  relation: Relation,
  a: MergeParent,
  b: MergeParent,
  others: readonly MergeParent[],
  watch: Watch = {},
): Promise<Relation> {
  let told = relation;
  const inputs = relation.tests[0]?.inputs ?? { a: a.digest, b: b.digest };
  for (const { model, name } of others.filter((other) => other.model.isAdapter)) {
    const proof = await proveAdapter(a.model, b.model, model, inputs, watch);
    if (!proof) continue;
    told = { ...told, tests: [...told.tests, proof.evidence] };
    if (!proof.proved) continue;
    const equal = proof.evidence.statistic.value;
    told = {
      ...told,
      verdict: 'derived',
      because: `the first model with the adapter ${name} added gives ${percent(equal)} of the touched values to the bit, and all else is kept`,
      kind: {
        ...(told.kind.relativeChange !== undefined && { relativeChange: told.kind.relativeChange }),
        name: 'low-rank',
        note: `the first model with the adapter ${name} added at a scale of ${proof.scale}: ${percent(equal)} of the values it touches are equal to the bit, and ${percent(proof.evidence.effect!.value)} elsewhere`,
        rank: proof.rank,
      },
      direction: 'unknown',
      directionGrounds: 'an adapter can be taken off a model as it can be added; dates on record might say which came first',
      limits: limitsWith('unknown', told.limits),
    };
  }
  const parents = others.filter((other) => !other.model.isAdapter);
  if (parents.length === 0) return told;
  const fit = await fitMerge(b, [a, ...parents], watch);
  if (!fit) return told;
  told = { ...told, tests: [...told.tests, fit.evidence] };
  // An exact explanation that was found already is not replaced by a fit.
  return fit.merge && !['copy', 're-encoded'].includes(told.kind.name) ? { ...told, kind: mergeKind(fit.merge, told.kind) } : told;
}

function mergeKind(merge: Merge, before: Kind): Kind {
  const parts = merge.parents.map(
    ({ name, coefficient, standardError }) => `${coefficient.toFixed(4)} ± ${standardError.toExponential(0)} of ${name}`,
  );
  const how = {
    linear: `a weighted average: ${parts.join(', ')}`,
    'task-arithmetic': `changes from ${merge.base ?? 'the base'} added: ${parts.join(', ')}`,
    slerp: `a spherical interpolation at t = ${(merge.t ?? 0).toFixed(3)} from ${merge.parents[0]!.name} to ${merge.parents[1]?.name ?? ''}`,
    trimmed: 'a merge of trimmed changes',
  }[merge.method];
  return {
    ...(before.relativeChange !== undefined && { relativeChange: before.relativeChange }),
    name: 'merge',
    note: `${how}; R2 ${merge.r2.toFixed(4)}${merge.missingParent ? ', with a rest that rounding does not explain: a parent is missing from the list' : ''}`,
    merge,
  };
}
