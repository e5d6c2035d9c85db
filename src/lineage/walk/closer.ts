/**
 * The closer look at two networks without a token table: a start drawn again where a tie is open, a walk along channels where none was seen.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { ALPHA_LOG10 } from '../../math/index.ts';
import type { Model } from '../../model/index.ts';
import { ABSENCE } from '../relate.ts';
import { regeneratedStart, type SeededStart } from '../seeded/start.ts';
import type { Sketch } from '../sketch.ts';
import type { Evidence, Relation } from '../types.ts';
import { compareWalked, type WalkOutcome } from './aligned.ts';

/** Calibrated agreement has its own, stricter threshold. */
const WALK_LOG10 = -9;
const NO_DIRECTION = 'the weights of two dense models do not say which came first; dates on record might';

/** @throws SourceError, WeightsError when bytes cannot be had. */
export async function lookAtGeneric(
  relation: Relation,
  first: { readonly model: Model; readonly sketch: Sketch },
  second: { readonly model: Model; readonly sketch: Sketch },
  inputs: Evidence['inputs'],
  watch: Watch,
): Promise<Relation> {
  if (relation.verdict === 'shared-origin') {
    const adapters = first.model.isAdapter;
    const seeded = await regeneratedStart(first.model, second.model, inputs, watch, (rt) => !adapters || rt.role === 'lora_a');
    return seeded ? withSeed(relation, seeded, adapters) : relation;
  }
  const walked = await compareWalked(first, second, inputs, watch);
  return walked ? withWalk(relation, walked) : relation;
}

/** A layer located in a seed's stream never supports more than a common start; what is left of it may (trials, section 6, step 4). */
function withSeed(relation: Relation, { verdict, why, residualLog10P, evidence }: SeededStart, adapters: boolean): Relation {
  const common = { ...relation, tests: [...relation.tests, evidence] };
  const rejected = residualLog10P + Math.log10(relation.searched) <= ALPHA_LOG10;
  if (verdict === 'learned' && rejected)
    return {
      ...common,
      verdict: 'derived',
      because: `${why}: more is shared than the start`,
      kind: { name: 'fine-tune', note: 'a dense change on top of what both models learned' },
      directionGrounds: NO_DIRECTION,
    };
  // The trained half of an adapter learns through the random one, and agrees without shared training.
  if (verdict === 'start-only' && !adapters)
    return { ...common, verdict: 'common-initialization', because: `the models share a random start, and only that: ${why}` };
  return { ...common, because: `${relation.because}; ${why}` };
}

/** `310 of 352 in two ways alike, where chance gives about 9`. */
function agreedIn({ evidence }: WalkOutcome): string {
  const test = evidence.find((one) => one.test === 'channel-walk');
  return `${test?.statistic.value ?? 0} of ${test?.n ?? 0} matched alike in both, where chance gives about ${Math.ceil(Number(test?.details['byChance'] ?? 0))}`;
}

function withWalk(relation: Relation, walked: WalkOutcome): Relation {
  const common = { ...relation, tests: [...relation.tests, ...walked.evidence] };
  if (!walked.tied || walked.log10P + Math.log10(relation.searched) > WALK_LOG10)
    return { ...common, because: `${relation.because}; walking along the channels from the input shows nothing either` };
  const limits = relation.limits.filter((limit) => !limit.startsWith(ABSENCE));
  const p = `channels matched in independent ways agree far beyond what strangers show (${agreedIn(walked)}; calibrated, no exact p-value)`;
  const share = { fraction: walked.fraction, part: 'layers that the walk reached', slots: walked.slots };
  switch (walked.learned) {
    case 'learned':
      return {
        ...common,
        verdict: 'derived',
        because: `${p}; ${walked.why}`,
        share,
        kind: walked.kind,
        limits,
        directionGrounds: NO_DIRECTION,
      };
    case 'start-only':
      return {
        ...common,
        verdict: 'common-initialization',
        because: `the models share a random start (${p}), but ${walked.why}`,
        share,
        limits,
      };
    case 'undecided':
      return {
        ...common,
        verdict: 'shared-origin',
        because: `the models are not independent (${p}); whether training or only the random start is shared is open: ${walked.why}`,
        share,
        limits,
      };
  }
}
