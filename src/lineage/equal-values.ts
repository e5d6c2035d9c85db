/**
 * What equal numbers alone say: a copy, a part that was kept, a random start left as it was, or constants that both store.
 * @module
 */
import { areDrawn } from './drawn.ts';
import { type Identity, ofBoth } from './identity.ts';
import { isCast } from './kind.ts';
import type { Sketch } from './sketch.ts';
import { isTrainedEqual } from './trained-equal.ts';
import type { Relation } from './types.ts';

/** Equal tensors from which more than a transplanted one is shared. */
const MIN_EQUAL = 2;

/** Equal numbers decide before any statistics. */
export function equalValues(
  a: Sketch,
  b: Sketch,
  identity: Identity | null,
  layerMap: ReadonlyMap<string, readonly number[]> | null,
): Pick<Relation, 'verdict' | 'because' | 'share'> | null {
  if (!identity) return null;
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const basis = identity.sampled ? ' of the sampled rows' : '';
  const [ordered, sorted] = [ofBoth(identity.ordered), ofBoth(identity.sorted)];
  const held = `${percent(identity.ordered.ofA)} of the first and ${percent(identity.ordered.ofB)} of the second model's values${basis} stand in equal tensors`;
  const equal = Math.max(identity.ordered.ofA, identity.ordered.ofB);
  const most = equal >= 0.5;
  // Random features, and networks of which only norms or heads are trained.
  if (most && ordered < 1 && areDrawn(b, ({ slot }) => identity.slots.includes(slot)))
    return {
      verdict: 'common-initialization',
      because: `${held}, which look drawn at random and never trained: models that leave a common start as it is share them; the rest differs`,
      share: { fraction: identity.ordered.ofB, part: 'a random start', slots: identity.slots },
    };
  const moved = [...(layerMap?.values() ?? [])].some((map) => map.some((source, j) => source >= 0 && source !== j));
  const all = Math.max(ordered, sorted) === 1;
  if (!all && Math.max(equal, sorted) >= 0.5 && !isTrainedEqual(a, b, identity))
    return {
      verdict: 'shared-origin',
      because: `${percent(Math.max(equal, sorted))}${basis} of the values are equal, but no gain or bias that only training makes is equal with them: constants that both store, or a random start left as it was, look the same`,
      share: { fraction: identity.ordered.ofB, part: 'equal tensors', slots: identity.slots },
    };
  if (ordered >= 0.95)
    return {
      verdict: moved ? 'derived' : 'identical',
      because: `${percent(ordered)}${basis} of the values stand in equal tensors${moved ? ', in layers of another order' : ''}`,
      share: { fraction: ordered, part: 'all', slots: identity.slots },
    };
  if (sorted >= 0.95) {
    // A cast to half precision can change the last bfloat16 bit and no value's place.
    const conversion = a.subject.scheme === 'generic' || b.subject.scheme === 'generic' || isCast(a, b);
    return {
      verdict: conversion ? 'identical' : 'derived',
      because: `${percent(sorted)} of the values stand in tensors that hold the same numbers${isCast(a, b) ? ' up to a cast' : ' in another order'}`,
      share: { fraction: sorted, part: 'all', slots: identity.slots },
    };
  }
  if (!most) return null;
  const share = { fraction: identity.ordered.ofB, slots: identity.slots };
  // A copied token table, or one transplanted tensor, is not a copied model; say exactly that.
  return identity.slots.length < MIN_EQUAL || identity.slots.every((slot) => roleOf(b, slot) === 'embed' || roleOf(b, slot) === 'head')
    ? {
        verdict: 'shared-origin',
        because: `${held}: a single tensor, or token tables only; the rest shows nothing by this`,
        share: { ...share, part: 'single tensors or token tables' },
      }
    : { verdict: 'derived', because: `${held}; the rest differs`, share: { ...share, part: 'unchanged tensors' } };
}

function roleOf(sketch: Sketch, slot: string): string | undefined {
  return sketch.samples.find((s) => s.slot === slot)?.role;
}
