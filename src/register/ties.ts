/**
 * Relations of pairs as ties with distances: where three models can be laid over each other, in one unit.
 * @module
 */
import { distanceOf, frameOf, type Loss, type Relation, sizeOf, type Sketch, type Tie } from '../lineage/index.ts';
import type { Described } from './judge-pair.ts';

/** Beyond this the values hardly lie over each other (correlation under .75): unrelated ones are at 2, and those of a relative in another order too. */
const LAID_OVER = 0.5;
/** Part of the values in tensors that hold the same numbers in another order. */
const SAME_NUMBERS = 0.95;
export function makeTies(
  models: ReadonlyMap<string, Described>,
  relations: readonly { a: string; b: string; relation: Relation }[],
): Tie[] {
  const frames = new Map([...models].map(([id, { sketch }]) => [id, frameOf(sketch)]));
  const units = new Map<string, number>();
  for (const [id, { sketch }] of models) if (!units.has(frames.get(id)!)) units.set(frames.get(id)!, sizeOf(sketch));
  return relations.flatMap(({ a, b, relation }): Tie[] => {
    if (relation.verdict !== 'derived' && relation.verdict !== 'identical') return [];
    const [x, y] = [models.get(a)!.sketch, models.get(b)!.sketch];
    const frame = frames.get(a)!;
    const measured = frame !== '' && frame === frames.get(b) ? distanceOf(x, y, units.get(frame)!) : null;
    const common = { a, b, verdict: relation.verdict, kind: relation.kind, log10P: relation.log10PAdjusted };
    if (measured && measured.squared < LAID_OVER)
      return [
        {
          ...common,
          distance: measured.squared,
          error: measured.error,
          inFrame: true,
          loss: sameTokens(x, y) ? lossOf(a, b, relation, measured) : null,
        },
      ];
    const change = changeOf(relation);
    return [
      {
        ...common,
        distance: change === null ? null : change ** 2,
        error: 1e-3,
        inFrame: false,
        loss: sameTokens(x, y) ? lossOf(a, b, relation, null) : null,
      },
    ];
  });
}

/** The change of a pair that no common frame measures: along the layer map, or from how well matched neurons agree. */
function changeOf({ kind, tests }: Relation): number | null {
  if (kind.relativeChange !== undefined && kind.relativeChange ** 2 < LAID_OVER) return kind.relativeChange;
  if ((tests.find(({ test }) => test === 'equal-values')?.effect?.value ?? 0) >= SAME_NUMBERS) return 0;
  const matched = tests.find((test) => test.effect?.name === 'median cosine of matched neurons')?.effect?.value;
  // Two vectors of one length at cosine c are sqrt(2 - 2c) apart.
  return matched === undefined ? null : Math.sqrt(Math.max(0, 2 - 2 * Math.min(1, matched)));
}

function lossOf(
  a: string,
  b: string,
  relation: Relation,
  measured: { squared: number; keptByA: number; keptByB: number; error: number } | null,
): Loss | null {
  const { kind, direction } = relation;
  if (direction === 'unknown' || (kind.name !== 'quantized' && kind.name !== 'pruned')) return null;
  const of = direction === 'a->b' ? b : a;
  const source = of === b ? a : b;
  if (kind.name === 'pruned') {
    const kept = measured && (of === b ? measured.keptByB : measured.keptByA);
    return kept !== null && kept <= measured!.error
      ? { of, certainty: 'proved', grounds: `where ${of} is not zero it holds the values of ${source}` }
      : { of, certainty: 'seen', grounds: `weights of ${of} are zero where ${source} has values` };
  }
  if (kind.schemeProved)
    return { of, certainty: 'proved', grounds: `quantizing ${source} by ${kind.scheme ?? 'its scheme'} gives ${of} to the bit` };
  return { of, certainty: 'seen', grounds: `${of} is quantized and ${source} is not` };
}

/** Neither cutting nor quantizing takes tokens away. */
function sameTokens(a: Sketch, b: Sketch): boolean {
  const rows = (sketch: Sketch): number | undefined => sketch.samples.find((s) => s.role === 'embed')?.shape[0];
  return rows(a) === rows(b);
}
