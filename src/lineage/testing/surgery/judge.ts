/**
 * Whether what was said of a base and its disguise is right.
 * @module
 */
import type { Relation } from '../../types.ts';
import type { Case } from './cases.ts';
import type { Transformer } from './transformer.ts';

export const isTie = ({ verdict }: Relation): boolean => verdict === 'derived' || verdict === 'identical';

/** `ok`, `MISS` (no tie said where there is one), `FALSE` (a tie said where there is none), or what is wrong about a tie: `kind`, `map`, `share`, `part`. */
export function judge({ expect }: Case, base: Transformer, relation: Relation): string {
  const { kind, share } = relation;
  if (isTie(relation) !== (expect.verdict === 'tie')) return expect.verdict === 'tie' ? 'MISS' : 'FALSE';
  const wrong = [
    ...(expect.kinds && !expect.kinds.includes(kind.name) ? ['kind'] : []),
    ...(expect.layerMap && kind.layerMap?.join() !== expect.layerMap.join() ? ['map'] : []),
    ...(expect.share !== undefined && Math.abs((share.fraction ?? 0) - expect.share(base)) > 0.05 ? ['share'] : []),
    ...(expect.part && !expect.part.test(share.part) ? ['part'] : []),
  ];
  return wrong.join('+') || 'ok';
}
