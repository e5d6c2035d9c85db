/**
 * One known model against one suspect: tests, then the verdict, in the order the house demands:
 * equal values, exact tests, then calibrated measures that only decide between `derived` and weaker words.
 * @module
 */
import { ALPHA_LOG10 } from '../math/index.ts';
import { agreementOf } from './agreement.ts';
import { encodeForDigest } from './codec.ts';
import { areDrawn } from './drawn.ts';
import { equalValues } from './equal-values.ts';
import { type BlockPair, channelTest, framedTest, neuronTest, type Outcome, rankTest, tiedPairs, valueTest } from './exact-tests.ts';
import { filterTest, type FilterOutcome } from './filter-test.ts';
import { type Identity, identityOf, ofBoth } from './identity.ts';
import { directionOf, kindOf, limitsWith, relativeChange } from './kind.ts';
import { partialKind, partsOf, shareOf } from './partial.ts';
import { underNamesOf } from './renamed.ts';
import { type Sketch, swapGates } from './sketch.ts';
import { renameStacks } from './stacks.ts';
import { type StartEvidence, startEvidence } from './start.ts';
import { detectableCorrelation } from './swap-sign.ts';
import { isTrainedEqual } from './trained-equal.ts';
import { type Evidence, type Relation, sharesTraining, type Verdict } from './types.ts';

/** Flips a layer needs to show anything alone: 2^-10 is one in a thousand. */
const MIN_FLIPS_TO_SHOW = 10;
/** Pooled filters decide only with this much from a single layer (trials, convnets, section 6). */
const LAYER_SUPPORT_LOG10 = -3;

export interface RelateOptions {
  /** Known models searched for this suspect, this one included; p-values are multiplied by it. */
  readonly searched?: number;
}

interface Judged {
  readonly verdict: Verdict;
  readonly because: string;
  readonly tests: readonly Evidence[];
  readonly log10P: number | null;
  readonly layerMap: ReadonlyMap<string, readonly number[]> | null;
  readonly detectable: number | null;
  readonly share: Relation['share'];
}

/**
 * @param known the possible ancestor. @param given the suspect.
 * Deterministic: the same two sketches give the same bytes. Never throws on sketches that decoded.
 */
export function relate(known: Sketch, given: Sketch, options: RelateOptions = {}): Relation {
  const searched = Math.max(1, options.searched ?? 1);
  const inputs = { a: encodeForDigest(known), b: encodeForDigest(given) };
  const a = renameStacks(underNamesOf(given, known), given);
  const { b, readings } = bestReading(a, given, inputs);
  const told = judge(a, b, inputs, ALPHA_LOG10 - Math.log10(searched * readings));
  const judged = { ...told, log10P: told.log10P === null ? null : Math.min(0, told.log10P + Math.log10(readings)) };
  // Only shared training has a kind and a direction; a common start or an open question has neither.
  const trained = sharesTraining(judged.verdict);
  const change = trained ? relativeChange(a, b, judged.layerMap) : null;
  const identity = identityOf(a, b, inputs);
  const kind = trained
    ? partialKind(kindOf(a, b, { identity, layerMap: judged.layerMap, change }), judged.share)
    : { name: 'unknown' as const, note: 'shared training was not shown, so nothing is said about how' };
  const direction = trained
    ? directionOf(a, b, kind, 'in sketches', judged.layerMap)
    : { direction: 'unknown' as const, directionGrounds: 'shared training was not shown' };
  const { architecture: _a, scheme: _b, isAdapter: _c, dtype: _d, ...subjectA } = a.subject;
  const { architecture: _e, scheme: _f, isAdapter: _g, dtype: _h, ...subjectB } = b.subject;
  return {
    schema: 'heirloom-relation/1',
    a: subjectA,
    b: subjectB,
    verdict: judged.verdict,
    because: judged.because,
    share: judged.share,
    kind,
    ...direction,
    log10P: judged.log10P,
    log10PAdjusted: judged.log10P === null ? null : Math.min(0, judged.log10P + Math.log10(searched)),
    searched,
    detectable: judged.detectable,
    tests: judged.tests,
    limits: limitsWith(direction.direction, limitsOf(judged.verdict, direction.direction, a, b)),
  };
}

/** Where names that tell gate from up are gone, both readings are tried and the better counts twice. */
function bestReading(a: Sketch, b: Sketch, inputs: Evidence['inputs']): { b: Sketch; readings: 1 | 2 } {
  if (a.subject.scheme !== 'inferred' && b.subject.scheme !== 'inferred') return { b, readings: 1 };
  const swapped = swapGates(b);
  const p = (sketch: Sketch): number => neuronTest(a, sketch, inputs)?.evidence.log10P ?? 0;
  return { b: p(swapped) < p(b) ? swapped : b, readings: 2 };
}

function judge(a: Sketch, b: Sketch, inputs: Evidence['inputs'], threshold: number): Judged {
  if (a.salt !== b.salt) return unresolved('the two sketches look at different positions (other salts); sketch both anew');
  if (a.subject.isAdapter !== b.subject.isAdapter)
    return unresolved('one side is an adapter and the other a full model; they share no tensors to compare');
  const identity = identityOf(a, b, inputs);
  if (a.subject.isAdapter) return judgeAdapters(a, b, identity, inputs, threshold);

  const neurons = neuronTest(a, b, inputs);
  const values = valueTest(a, b, inputs);
  const framed = framedTest(a, b, inputs);
  const exact = [neurons, values, channelTest(a, b, inputs), filterTest(a, b, inputs), framed].filter((test) => test !== null);
  const tests = [...exact.map((test) => test.evidence), ...(identity ? [identity.evidence] : [])];
  const smallest = exact.reduce((least, test) => Math.min(least, test.evidence.log10P ?? 0), 0);
  const log10P = exact.length === 0 ? null : Math.min(0, smallest + Math.log10(exact.length));
  const layerMap = neurons && (neurons.evidence.log10P ?? 0) <= threshold ? neurons.layerMap : null;
  const detectable = bestDetectable(exact, threshold - Math.log10(Math.max(1, exact.length)));
  const filters = exact.find((test): test is FilterOutcome => 'holm' in test) ?? null;
  const common = { log10P, layerMap, detectable };

  const equal = equalValues(a, b, identity, layerMap);
  if (equal && equal.verdict !== 'shared-origin') return { ...common, ...equal, tests };
  if (exact.length === 0)
    return unresolved('the two models have no tensors of the same place and shape that hold something to compare', tests);
  const related = log10P !== null && log10P <= threshold;
  // Networks of many small tied layers: no layer reaches the threshold alone, all together do.
  const pooledFilters = filters !== null && filters.whole + Math.log10(exact.length) <= threshold && filters.holm <= LAYER_SUPPORT_LOG10;
  if (!related && !pooledFilters) {
    if (equal) return { ...common, ...equal, tests };
    if (detectable === null)
      return { ...unresolved('too few comparable units: even full agreement would not reach the threshold', tests), log10P };
    return {
      ...common,
      tests,
      verdict: 'no-evidence',
      because: `no test rejects independence; weights shared throughout with a correlation of ${detectable.toFixed(2)} would have been seen in half of the cases and stronger ties more often, unless rows or channels were rearranged`,
      share: NO_SHARE,
    };
  }
  const share = sharedParts(exact, a, b, threshold - Math.log10(exact.length));
  // Transformer blocks carry their own contrast between start and training; elsewhere the shape of what is shared decides.
  const rejects = (test: Outcome | null): boolean => (test?.evidence.log10P ?? 0) + Math.log10(exact.length) <= threshold;
  const learned = rejects(neurons)
    ? fromAgreement(a, b, neurons?.blocks ? tiedPairs(neurons.blocks) : null, 'neurons', inputs)
    : rejects(values)
      ? fromAgreement(a, b, null, 'values', inputs)
      : filters && !rejects(framed)
        ? fromFilters(a, b, filters, identity, inputs)
        : { verdict: 'undecided' as const, why: rejects(framed) ? REARRANGED : 'only token tables agree', evidence: [] };
  const p = tellP(Math.min(log10P ?? 0, filters && pooledFilters ? filters.whole : 0));
  const all = [...tests, ...learned.evidence];
  switch (learned.verdict) {
    case 'learned':
      return { ...common, tests: all, share, verdict: 'derived', because: `${p}; ${learned.why}` };
    case 'start-only':
      return {
        ...common,
        tests: all,
        share,
        verdict: 'common-initialization',
        because: `the models share a random start (${p}), but ${learned.why}`,
      };
    case 'undecided':
      return {
        ...common,
        tests: all,
        share,
        verdict: 'shared-origin',
        because: `the models are not independent (${p}); whether training or only the random start is shared is open: ${learned.why}`,
      };
  }
}

/** Below 10^-12 a p-value claims more certainty than its assumptions have. */
export function tellP(log10P: number): string {
  const p = `independence is rejected, p about 10^${Math.floor(log10P)}`;
  return log10P < -12 ? `${p}, where the assumptions bound the error and no longer chance` : p;
}

const REARRANGED =
  'neurons agree by what they make of the same tokens and not channel by channel, so the hidden space was rotated or rearranged; `compare`, with both models at hand, looks closer';

const NO_SHARE: Relation['share'] = { fraction: null, part: 'none shown', slots: [] };

function unresolved(because: string, tests: readonly Evidence[] = []): Judged {
  return { verdict: 'unresolved', because, tests, log10P: null, layerMap: null, detectable: null, share: NO_SHARE };
}

function judgeAdapters(a: Sketch, b: Sketch, identity: Identity | null, inputs: Evidence['inputs'], threshold: number): Judged {
  const trained = rankTest(a, b, 'lora_b', inputs);
  const started = rankTest(a, b, 'lora_a', inputs);
  const tests = [trained?.evidence, started?.evidence, identity?.evidence].filter((evidence) => evidence !== undefined);
  const outcomes = [trained, started].filter((outcome) => outcome !== null);
  if (outcomes.length === 0) return unresolved('the two adapters have no modules of the same name and shape', tests);
  const log10P = Math.min(0, Math.min(...outcomes.map((outcome) => outcome.evidence.log10P ?? 0)) + Math.log10(outcomes.length));
  const common = { tests, log10P, layerMap: null, detectable: bestDetectable(outcomes, threshold - Math.log10(outcomes.length)) };
  const all = { fraction: 1, part: 'all', slots: [] };
  if (identity && ofBoth(identity.ordered) >= 0.95)
    return { ...common, verdict: 'identical', because: 'the adapters hold the same values', share: all };
  const rejects = (outcome: Outcome | null): boolean => (outcome?.evidence.log10P ?? 0) + Math.log10(outcomes.length) <= threshold;
  // B learns through A: where the A halves agree from the start, the B halves come to agree without shared training.
  if (rejects(trained) && rejects(started))
    return {
      ...common,
      verdict: 'shared-origin',
      because:
        'both halves of the adapters agree; a shared start of A alone would bring that about, and so would further training of one into the other',
      share: all,
    };
  if (rejects(trained))
    return {
      ...common,
      verdict: 'derived',
      because: 'the trained halves (B) agree in rank order, and the randomly started halves (A) do not explain it',
      share: all,
    };
  if (rejects(started))
    return {
      ...common,
      verdict: 'common-initialization',
      because: 'only the randomly started halves (A) agree; the trained halves do not',
      share: all,
    };
  if (common.detectable === null) return { ...unresolved('too few ranks to reach the threshold', tests), log10P };
  return {
    ...common,
    verdict: 'no-evidence',
    because: 'neither half of the adapters agrees; adapters of one base by different people look like this',
    share: NO_SHARE,
  };
}

function fromAgreement(
  a: Sketch,
  b: Sketch,
  pairs: readonly BlockPair[] | null,
  reference: 'neurons' | 'values',
  inputs: Evidence['inputs'],
): { verdict: 'learned' | 'start-only' | 'undecided'; why: string; evidence: Evidence[] } {
  const agreement = agreementOf(a, b, pairs, reference, inputs);
  const told =
    agreement.votes.map((vote) => `${vote.name} ${vote.ratio.toFixed(2)} (threshold ${vote.threshold})`).join(', ') || 'nothing to compare';
  const over = `relative to what the start fixes: ${told}`;
  const why = {
    learned: `what training fills agrees too (${over})`,
    'start-only': `what training fills does not agree (${over})`,
    undecided: agreement.exceedsStart
      ? `the measures of shared training disagree or are missing (${over})`
      : `not clearly more is common than a shared random start explains (${over})`,
  }[agreement.verdict];
  return { verdict: agreement.verdict, why, evidence: [agreement.evidence] };
}

/** Equal tensors, and their share of the values, beyond what models are known to store as constants (filter banks come in pairs). */
const MANY_EQUAL = 8;
const EQUAL_SHARE = 0.2;
/** Layers that must each show a tie, with values that are not simply equal. */
const MIN_TIED_LAYERS = 2;

/**
 * A stored constant, a transplanted tensor, or a table whose rows data fixes ties strangers in one layer, and a constant does so with
 * equal values: neither says anything about training.
 */
function fromFilters(a: Sketch, b: Sketch, filters: FilterOutcome, identity: Identity | null, inputs: Evidence['inputs']): StartEvidence {
  const testable = filters.layers.filter((layer) => layer.flips.n >= MIN_FLIPS_TO_SHOW).length;
  const showsTie = (layer: FilterOutcome['layers'][number]): boolean =>
    layer.log10P + Math.log10(Math.max(1, testable)) <= LAYER_SUPPORT_LOG10;
  const isEqual = ({ pair: [x, y] }: FilterOutcome['layers'][number]): boolean => x.hash === y.hash && x.units === y.units;
  const selected = filters.mode === 'shapes';
  if (
    identity &&
    identity.slots.length >= MANY_EQUAL &&
    Math.max(identity.ordered.ofA, identity.ordered.ofB) >= EQUAL_SHARE &&
    isTrainedEqual(a, b, identity)
  ) {
    const all = startEvidence(a, b, filters.layers, selected, inputs);
    // Frozen uniform starts are equal too, and their shape tells.
    if (all.verdict === 'start-only') return all;
    if (areDrawn(b, ({ slot }) => identity.slots.includes(slot)))
      return {
        ...all,
        verdict: 'start-only',
        why: `the ${identity.slots.length} tensors that hold equal numbers look drawn at random and never trained`,
      };
    return {
      ...all,
      verdict: 'learned',
      why: `${identity.slots.length} tensors hold equal numbers, more than stored constants account for`,
    };
  }
  const moved = filters.layers.filter((layer) => !isEqual(layer));
  const tied = moved.filter(showsTie).length;
  if (tied >= MIN_TIED_LAYERS) return startEvidence(a, b, moved, selected, inputs);
  const why =
    tied === 0
      ? 'only tensors with equal values agree, as stored constants or transplanted parts do'
      : 'a single layer agrees, as a table whose rows are fixed by the data or a transplanted part would';
  return { verdict: 'undecided', why, evidence: [] };
}

function bestDetectable(outcomes: readonly Outcome[], threshold: number): number | null {
  const reachable = outcomes.flatMap(({ power }) => detectableCorrelation(power.flips, threshold - power.correction) ?? []);
  return reachable.length === 0 ? null : Math.min(...reachable);
}

/** Blocks and layers that individually reject, as a share of those tested, by parameters. */
function sharedParts(exact: readonly Outcome[], a: Sketch, b: Sketch, threshold: number): Relation['share'] {
  const filters = exact.find((test): test is FilterOutcome => 'holm' in test);
  const [neurons] = exact
    .filter((test) => test.blocks && (test.evidence.log10P ?? 0) <= threshold)
    .sort((x, y) => (x.evidence.log10P ?? 0) - (y.evidence.log10P ?? 0));
  if (filters && (!neurons || filters.holm < (neurons.evidence.log10P ?? 0))) return shareOf(partsOf(filters, a, b));
  if (neurons?.blocks) {
    const { ofB } = neurons.blocks;
    const shown = tiedPairs(neurons.blocks);
    const fraction = ofB === 0 ? null : shown.length / ofB;
    const names = shown.map(({ stack, b: block }) => `${stack === '' ? 'layers' : stack}.${block}`);
    return { fraction, part: fraction === 1 ? 'all blocks' : 'part of the blocks', slots: fraction === 1 ? [] : names };
  }
  return { fraction: null, part: b.samples.some((s) => s.role === 'embed') ? 'token tables' : 'unknown', slots: [] };
}

/** How the limit of every answer without a tie begins. */
export const ABSENCE = 'absence of evidence is not independence';

function limitsOf(verdict: Verdict, direction: Relation['direction'], a: Sketch, b: Sketch): string[] {
  const limits = ["training on a model's outputs (distillation) leaves no trace in weights and is not judged"];
  if (direction === 'unknown') limits.push('which of two models came first is not in these statistics');
  if (verdict === 'no-evidence' || verdict === 'unresolved')
    limits.unshift(`${ABSENCE}: rearranged rows, rotated hidden spaces and changed widths are not undone by this comparison`);
  if (verdict === 'derived' || verdict === 'shared-origin')
    limits.unshift('a small p rests on the assumptions printed with each test; below about 10^-12 they, not chance, bound the error');
  if (!a.complete || !b.complete) limits.push('only sampled rows were read, not every value');
  return limits;
}
