/**
 * Which end of an edge came first, and what says so.
 *
 * The shape of a family alone never does. A tree of distances looks the same from every root, and measured on models with a known
 * history even "in the middle" misleads: a long fine-tune lies behind a short one on the same data as exactly as behind a parent.
 * A hub proves nothing either: whoever forges a base can forge its other children. So three grounds only: information that one
 * end lost, a mixture that lies inside its parents, and the later model's own card, which speaks for nobody else.
 * @module
 */
import type { Metric } from './merges.ts';
import type { Direction, FamilyEdge, FamilyNode, Grounds, Tie } from './types.ts';

export interface Directed {
  readonly direction: Direction;
  readonly grounds: Grounds;
  readonly directionGrounds: string;
}

export const UNKNOWN: Directed = {
  direction: 'unknown',
  grounds: 'none',
  directionGrounds: 'the weights do not say which of the two came first, and neither does a card of theirs',
};

/** Part of the difference that may be something else than loss. */
const OTHER = 0.1;
/** Cosine that rounding, noise and zeros have with what relatives learned: at most .02 on the corpus. */
const CHANCE = 0.02;
/** Relatives that must say so, when the loss could not be repeated. */
const WITNESSES = 2;
/** Differences of this many errors are seen. */
const SEEN = 4;

/**
 * Information loss. `relatives` are the other models of the family that can be laid over both. Null where the source lost some as well:
 * cut twice from one model, a copy looks as if made from the other copy.
 */
export function byLoss(tie: Tie, lossy: ReadonlySet<string>, relatives: readonly string[], metric: Metric): Directed | null {
  if (!tie.loss) return null;
  const lost = tie.loss.of;
  const kept = lost === tie.a ? tie.b : tie.a;
  if (lossy.has(kept)) return null;
  const say = (more: string): Directed => ({
    direction: lost === tie.b ? 'a->b' : 'b->a',
    grounds: 'loss',
    directionGrounds: `information loss: ${tie.loss!.grounds}${more}`,
  });
  if (tie.loss.certainty === 'proved') return say('');
  const gap = metric(kept, lost);
  if (!gap) return null;
  if (gap.squared <= SEEN * gap.error) return say(', and no other difference is seen');
  let witnesses = 0;
  for (const id of relatives) {
    if (id === kept || id === lost) continue;
    const [leg, far] = [metric(kept, id), metric(lost, id)];
    if (!leg || !far) continue;
    // <lost - kept, relative - kept>: for a copy of another relative it is the square of all that `kept` learned since.
    const inner = (gap.squared + leg.squared - far.squared) / 2;
    const tolerance = OTHER * gap.squared + CHANCE * Math.sqrt(gap.squared * leg.squared) + SEEN * (gap.error + leg.error + far.error);
    if (Math.abs(inner) > tolerance) return null;
    if (tolerance < gap.squared / 2) witnesses++;
  }
  return witnesses >= WITNESSES ? say(`, and the difference has nothing in common with what ${witnesses} relatives learned`) : null;
}

/** The card of one end names the other, and not the reverse. */
export function byClaim(a: FamilyNode, b: FamilyNode): Directed | null {
  const [fromA, fromB] = [b.claims.includes(a.id), a.claims.includes(b.id)];
  if (fromA === fromB) return null;
  const [child, parent] = fromA ? [b, a] : [a, b];
  return {
    direction: fromA ? 'a->b' : 'b->a',
    grounds: 'claim',
    directionGrounds: `the card of ${child.id} names ${parent.id} as its base, and the weights bear a tie out`,
  };
}

const STRENGTH: readonly Grounds[] = ['loss', 'merge', 'claim', 'none'];

/**
 * Takes back the weakest directions that would make a model its own ancestor. Edges must come sorted; the answer keeps their order.
 */
export function withoutCycles(edges: readonly FamilyEdge[]): FamilyEdge[] {
  const children = new Map<string, string[]>();
  const reaches = (from: string, to: string): boolean => {
    const open = [from];
    const seen = new Set(open);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === to) return true;
      for (const next of children.get(at) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        open.push(next);
      }
    }
    return false;
  };
  const kept = new Map<FamilyEdge, FamilyEdge>();
  for (const edge of [...edges].sort((x, y) => STRENGTH.indexOf(x.grounds) - STRENGTH.indexOf(y.grounds))) {
    const [parent, child] = edge.direction === 'b->a' ? [edge.b, edge.a] : [edge.a, edge.b];
    if (edge.direction !== 'unknown' && reaches(child, parent))
      kept.set(edge, {
        ...edge,
        direction: 'unknown',
        grounds: 'none',
        directionGrounds: `left open: ${edge.directionGrounds}; stronger grounds say the reverse`,
      });
    else {
      kept.set(edge, edge);
      if (edge.direction !== 'unknown') children.set(parent, [...(children.get(parent) ?? []), child]);
    }
  }
  return edges.map((edge) => kept.get(edge)!);
}
