/**
 * The full comparison: where sketches leave a question that whole transformers can answer, the aligned one.
 * @module
 */
import type { Watch } from '../base/index.ts';
import { ALPHA_LOG10 } from '../math/index.ts';
import { type Model, roleShape } from '../model/index.ts';
import { type AdapterOutcome, compareAdapter } from './aligned/adapter.ts';
import { type AlignedOutcome, compareAligned } from './aligned/compare.ts';
import { ABSENCE, tellP } from './relate.ts';
import type { Sketch } from './sketch.ts';
import { exceedsStart } from './agreement.ts';
import { areDrawn } from './drawn.ts';
import { EXPLAINS_ALL, startShareIn, startShareOf } from './start-share.ts';
import type { Kind, Relation, Verdict } from './types.ts';
import { lookAtGeneric } from './walk/closer.ts';

/** Verdicts that rearranged rows, channels or hidden spaces can hide behind. */
const OPEN: readonly Verdict[] = ['no-evidence', 'unresolved', 'shared-origin'];
/** Calibrated agreement has its own, stricter threshold. */
export const AGREEMENT_LOG10 = -9;
/** Median cosine of matched neurons from which nothing but the rearrangement happened. */
const UNCHANGED = 0.999;

/**
 * Whether opening both models could change a relation told from sketches: `derived`, `identical` and
 * `common-initialization` are final there, and two adapters have no hidden space to lay over each other, only a start to draw again.
 */
export function isOpen(relation: Relation, a: Sketch, b: Sketch): boolean {
  if (a.subject.isAdapter && b.subject.isAdapter) return relation.verdict === 'shared-origin';
  return OPEN.includes(relation.verdict);
}

/** A model at hand, with its sketch. */
export interface Sketched {
  readonly model: Model;
  readonly sketch: Sketch;
}

/**
 * The relation told from sketches, taken further with both models at hand. Their trees must be open.
 * Returns it unchanged when the two cannot be laid over each other.
 * @throws SourceError, WeightsError when bytes cannot be had.
 */
export async function lookCloser(relation: Relation, first: Sketched, second: Sketched, watch: Watch = {}): Promise<Relation> {
  const [a, b] = [first.model, second.model];
  const inputs = relation.tests[0]?.inputs ?? { a: relation.a.digest, b: relation.b.digest };
  if (a.isAdapter !== b.isAdapter) {
    const outcome = a.isAdapter ? await compareAdapter(b, a, inputs, watch) : await compareAdapter(a, b, inputs, watch);
    return outcome ? withAdapter(relation, outcome, a.isAdapter ? a : b, a.isAdapter ? second.sketch : first.sketch) : relation;
  }
  const aligned = await compareAligned(a, b, inputs, watch);
  if (!aligned) return lookAtGeneric(relation, first, second, inputs, watch);
  const start = startShareOf(first.sketch, second.sketch);
  return withAligned(relation, aligned, aligned.throughout || exceedsStart(aligned.up, start, aligned.gain));
}

/** What stays unsaid once a tie was found: not that none was. */
function tieLimits(relation: Relation): string[] {
  return relation.limits.filter((limit) => !limit.startsWith(ABSENCE));
}

/** A rearrangement can be made from either side. */
const NO_DIRECTION = 'the weights of two dense models do not say which came first; dates on record might';

/** `1152 agree, where strangers are allowed 105`. */
function agreedIn({ calibrated }: AlignedOutcome): string {
  const test = calibrated.find((one) => one.test === 'neuron-agreement');
  return `${test?.statistic.value ?? 0} agree, where strangers are allowed ${Math.round(Number(test?.details['allowed'] ?? 0))}`;
}

function withAligned(relation: Relation, aligned: AlignedOutcome, beyondStart: boolean): Relation {
  const exact = [...relation.tests.filter((test) => test.class === 'exact'), ...aligned.exact];
  const smallest = exact.reduce((least, test) => Math.min(least, test.log10P ?? 0), 0);
  const log10P = exact.length === 0 ? null : Math.min(0, smallest + Math.log10(exact.length));
  const corrected = (p: number): number => Math.min(0, p + Math.log10(relation.searched));
  const tests = [...relation.tests, ...aligned.exact, ...aligned.calibrated];
  const common = { ...relation, tests, log10P, log10PAdjusted: log10P === null ? null : corrected(log10P) };
  const byExact = common.log10PAdjusted !== null && common.log10PAdjusted <= ALPHA_LOG10;
  const byAgreement = corrected(aligned.agreementLog10P) <= AGREEMENT_LOG10;
  if (!byExact && !byAgreement)
    return {
      ...common,
      limits: [`${ABSENCE}: heavy noise after a rearrangement, or a token table trained anew, would hide a tie`, ...tieLimits(relation)],
      because: `${relation.because}; laying the hidden spaces over each other by their tokens shows nothing either`,
    };
  const p = byExact
    ? tellP(log10P ?? 0)
    : `neurons matched in independent ways agree far beyond what strangers show (${agreedIn(aligned)}; calibrated, no exact p-value)`;
  const { fraction, all, slots } = aligned.share;
  const share: Relation['share'] = { fraction, part: all ? 'all blocks' : 'part of the blocks', slots };
  const learned = aligned.learned === 'learned' && !beyondStart ? 'undecided' : aligned.learned;
  switch (learned) {
    case 'learned': {
      const kind = kindAfterMap(aligned, relation.kind);
      return {
        ...common,
        verdict: 'derived',
        because: `${p}; ${aligned.why}`,
        share,
        kind,
        limits: tieLimits(relation),
        directionGrounds: NO_DIRECTION,
      };
    }
    case 'start-only':
      return {
        ...common,
        verdict: 'common-initialization',
        because: `the models share a random start (${p}), but ${aligned.why}`,
        share,
        limits: tieLimits(relation),
      };
    case 'undecided':
      return {
        ...common,
        verdict: 'shared-origin',
        because: `the models are not independent (${p}); whether training or only the random start is shared is open: ${beyondStart ? '' : 'not clearly more is common than a shared start explains; '}${aligned.why}`,
      };
  }
}

/** z of the adapter test that convicts: far above what strangers and same-start bases gave (at most 2), log10 of its tail below -8. */
export const ADAPTER_Z = 5.8;

/**
 * Correlation of the geometries, for each unit of the base's start share, from which a sibling of the base does not reach it: siblings
 * gave .42 at most (width 192, 100 to 250 steps), bases and their relatives .50 and more.
 */
export const ADAPTER_BEYOND_START = 0.45;

/**
 * Whether the geometry is more than the random start's, which siblings of the base have too. Told for output projections only: what
 * neurons write is compared over too many labels for its correlation to be told from a sibling's.
 */
function isBeyondStart(base: Sketch, { written, r }: AdapterOutcome['of'][number]): boolean {
  const start = startShareIn(base, [written]);
  return (
    written === 'o' && start <= EXPLAINS_ALL && r > ADAPTER_BEYOND_START * start && !areDrawn(base, (sample) => sample.role === written)
  );
}

function withAdapter(relation: Relation, { evidence, z, of }: AdapterOutcome, adapter: Model, base: Sketch): Relation {
  const common = { ...relation, tests: [...relation.tests, ...evidence] };
  const limits = tieLimits(relation);
  // Each known model searched is one more try; z grows with the root of twice the log of their number.
  const needed = Math.sqrt(ADAPTER_Z ** 2 + 2 * Math.log(relation.searched));
  if (z < needed)
    return {
      ...common,
      verdict: 'no-evidence',
      because: `the adapter's trained half does not show this model's geometry (z ${z.toFixed(1)}, ${needed.toFixed(1)} needed); a base with rearranged channels would look the same`,
    };
  // B's gradients pass through what the base writes: barely trained, that is the start's, and the same in all models from it.
  if (!of.some((target) => target.z >= needed && isBeyondStart(base, target)))
    return {
      ...common,
      verdict: 'shared-origin',
      limits,
      because: `the adapter's trained half carries this model's geometry (calibrated: z ${z.toFixed(1)}, ${needed.toFixed(1)} needed), but that may still be its random start, which other models from that start would show too`,
    };
  const factor = adapter.roles.find((rt) => rt.role === 'lora_b');
  const rank = factor ? roleShape(factor)[1] : 0;
  return {
    ...common,
    verdict: 'derived',
    limits,
    because: `the adapter's trained half carries this model's geometry (calibrated: z ${z.toFixed(1)}, ${needed.toFixed(1)} needed; other bases stay under 3)`,
    share: { fraction: null, part: 'an adapter, without weights of its base', slots: [] },
    kind: { name: 'low-rank', note: `an adapter of rank ${rank}, trained on this model or on one that shares its training` },
    directionGrounds: 'an adapter belongs to the model it was trained on; whether that was this one or a relative of it is not shown',
  };
}

function kindAfterMap(aligned: AlignedOutcome, before: Kind): Kind {
  const { rearranged, neurons, width, experts, layerMap, closeness, neuronMap } = aligned;
  const trained = closeness < UNCHANGED ? `, then changed (median agreement of matched neurons ${closeness.toFixed(3)})` : '';
  const found = {
    ...(rearranged.length > 0 && { disguises: rearranged }),
    ...(neuronMap && { neuronMap }),
  };
  if (experts.a !== experts.b)
    return { name: 'width-changed', note: `${told(experts.a)} a block became ${told(experts.b)}${trained}`, ...found };
  if (width.a !== width.b) return { name: 'width-changed', note: `${width.a} hidden channels became ${width.b}${trained}`, ...found };
  const moved = layerMap.some((source, j) => source !== j);
  if (neurons.a !== neurons.b)
    return {
      name: 'width-changed',
      note: `${neurons.a} neurons a block became ${neurons.b}${trained}`,
      ...(moved && { layerMap }),
      ...found,
    };
  if (moved) return { name: 'depth-changed', note: `layers were dropped, repeated or reordered${trained}`, layerMap, ...found };
  if (rearranged.length > 0)
    return { name: 'disguised', note: `the function is kept and the numbers rearranged: ${rearranged.join(', ')}${trained}`, ...found };
  return before.name === 'unknown'
    ? { name: 'fine-tune', note: `a dense change (median agreement of matched neurons ${closeness.toFixed(2)})` }
    : before;
}

function told(experts: number): string {
  return experts === 0 ? 'one network' : `${experts} experts`;
}
