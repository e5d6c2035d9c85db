/**
 * Did the two models learn together, or only start together? Agreement of what training fills (down- and
 * output-projections, gains) against that of what the start fixes (up- and value-projections).
 * Calibrated on small transformers: see docs/calibration.md. Never convicts alone.
 * @module
 */
import { addPair, correlation, pairSums } from '../math/index.ts';
import type { BlockPair } from './exact-tests.ts';
import { comparable, type NeuronBlock, neuronBlocks, neuronPairs, type SamplePair } from './pairing.ts';
import { type Sample, type Sketch, valueAt, type VectorSample } from './sketch.ts';
import { beyondStart, startShare } from './start-share.ts';
import type { Evidence } from './types.ts';

export interface Agreement {
  readonly verdict: 'learned' | 'start-only' | 'undecided';
  readonly votes: readonly Vote[];
  /** Whether more is common than a shared random start could account for. */
  readonly exceedsStart: boolean;
  readonly evidence: Evidence;
}

interface Vote {
  readonly name: 'down' | 'output' | 'gain';
  /** Agreement of the learned part over that of the part the start fixes. */
  readonly ratio: number;
  readonly threshold: number;
  readonly passes: boolean;
}

/** Below this the reference says nothing to divide by. */
const MIN_REFERENCE = 0.03;
/** Relatives stay above in nearly all cases (lineage corpus, 1st percentile: down .95, output .79, gain .99). */
export const THRESHOLDS = { down: 0.85, output: 0.7, gain: 0.9 };
/**
 * The ratios alone do not convict: models trained briefly from one start learn alike, and keep most of the start. What starts
 * constant in every model, the gains, must itself agree (same start, other data order, 17 designs: 8 of 3,169 pairs above) ...
 */
export const GAINS_AGREE = 0.85;
/** ... or, where gains were folded away or disguised, far more must be common than a usual start explains (same start: at most .78). */
const BEYOND_START = 0.8;
/**
 * The more a start explains, the less time siblings had to part: without gains, in large batches, they show .88 to .91 where it explains .6;
 * a disguised fine-tune shows .81 at .52.
 */
const START_ALLOWED = 0.52;
const START_STEEPNESS = 1.6;
/**
 * Gains that are stored and do not agree were disguised, and then little else changed, or are those of a sibling from one start: on like
 * data, in large batches, siblings reach .93.
 */
const BESIDE_GAINS = 0.97;
/** Share of what a start explains below which `start-only` is not said; siblings stay above (corpus: 0.8 and more). */
const UNLIKE_START = 0.5;
/** An output ratio under this vetoes `learned`: the trials' product measure forgets the start fastest. */
const OUTPUT_VETO = 0.3;

/** Means of per-unit cosines, pooled over aligned blocks. */
interface Pool {
  sum: number;
  n: number;
}

/**
 * @param pairs blocks that stand for each other (places in `neuronBlocks`); null: every block for itself.
 * @param reference what the exact tests found to agree.
 */
export function agreementOf(
  a: Sketch,
  b: Sketch,
  pairs: readonly BlockPair[] | null,
  reference: 'neurons' | 'values',
  inputs: Evidence['inputs'],
): Agreement {
  const references: SamplePair[] = [];
  const pools = { up: pool(), down: pool(), value: pool(), output: pool(), gain: pool() };
  const blocksA = neuronBlocks(a);
  const [attentionA, attentionB] = [attention(a), attention(b)];
  const [gainsA, gainsB] = [gains(a), gains(b)];
  for (const [stack, listB] of neuronBlocks(b)) {
    const listA = blocksA.get(stack) ?? [];
    const own = pairs?.filter((pair) => pair.stack === stack) ?? listB.map((_, j) => ({ a: j, b: j }));
    own.forEach((pair) => {
      const [left, right] = [listA[pair.a], listB[pair.b]];
      if (!left || !right) return;
      if (reference === 'neurons') {
        addNeurons(pools, left, right);
        references.push(...neuronPairs(left, right).filter(([sample]) => sample.role !== 'down'));
      }
      for (const [role, to] of [
        ['v', pools.value],
        ['o', pools.output],
      ] as const) {
        const [x, y] = [attentionA.get(`${stack}/${left.block}/${role}`), attentionB.get(`${stack}/${right.block}/${role}`)];
        if (!comparable(x, y)) continue;
        cosines(x, y!).forEach((cosine) => put(to, cosine));
        if (reference === 'values' && role === 'v') references.push([x, y!]);
      }
      for (const role of ['norm_in', 'norm_mlp']) {
        const r = vectorCorrelation(gainsA.get(`${stack}/${left.block}/${role}`), gainsB.get(`${stack}/${right.block}/${role}`));
        if (r !== null) put(pools.gain, r);
      }
    });
  }
  return judge(
    { up: mean(pools.up), down: mean(pools.down), value: mean(pools.value), output: mean(pools.output), gain: mean(pools.gain) },
    startShare(references),
    reference,
    inputs,
  );
}

/** Up and down of a gated neuron may be scaled by any factor and its inverse: the sign of up's cosine carries over to down. */
function addNeurons(pools: { up: Pool; down: Pool }, left: NeuronBlock, right: NeuronBlock): void {
  const pick = (role: string): number[] | null => {
    const [x, y] = [left.samples.get(role), right.samples.get(role)];
    return comparable(x, y) ? cosines(x, y!) : null;
  };
  const [gate, up, down] = [pick('gate'), pick('up'), pick('down')];
  gate?.forEach((cosine) => put(pools.up, cosine));
  up?.forEach((cosine) => put(pools.up, Math.abs(cosine)));
  down?.forEach((cosine, u) => put(pools.down, cosine * ((up?.[u] ?? 1) < 0 ? -1 : 1)));
}

type Means = Record<'up' | 'down' | 'value' | 'output' | 'gain', number | null>;

function judge(means: Means, start: number, reference: 'neurons' | 'values', inputs: Evidence['inputs']): Agreement {
  const votes: Vote[] = [];
  const vote = (name: Vote['name'], value: number | null, over: number | null): void => {
    if (value === null || over === null || over < MIN_REFERENCE) return;
    votes.push({ name, ratio: value / over, threshold: THRESHOLDS[name], passes: value / over >= THRESHOLDS[name] });
  };
  vote('down', means.down, means.up);
  vote('output', means.output, means.value);
  vote('gain', means.gain, reference === 'neurons' ? means.up : means.value);
  const shared = (reference === 'neurons' ? means.up : means.value) ?? 0;
  const exceeds = exceedsStart(shared, start, means.gain);
  const voted = reference === 'neurons' ? byNeurons(votes) : byValues(votes);
  // Far less in common than a shared start would leave (a merge with a stranger): that there is one is not shown either.
  const unlikeStart = voted === 'start-only' && shared < UNLIKE_START * start;
  const verdict = (voted === 'learned' && !exceeds) || unlikeStart ? 'undecided' : voted;
  return {
    verdict,
    votes,
    exceedsStart: exceeds,
    evidence: {
      test: 'learned-agreement',
      version: 1,
      class: 'calibrated',
      question: 'Do the two models agree on what training fills, or only on what the random start fixed?',
      statistic: { name: 'measures passed', value: votes.filter((entry) => entry.passes).length },
      n: votes.length,
      log10P: null,
      effect: {
        name: reference === 'neurons' ? 'mean cosine of up-projections' : 'mean cosine of value-projections',
        value: (reference === 'neurons' ? means.up : means.value) ?? 0,
      },
      nullModel:
        'models that share only their random start: down- and output-projections and gains agree far less than up- and value-projections',
      assumptions: ['thresholds come from small transformers; siblings trained hardly at all cannot be told from a copy of the start'],
      details: {
        ...Object.fromEntries(
          votes.flatMap((entry) => [
            [`${entry.name} ratio`, entry.ratio],
            [`${entry.name} threshold`, entry.threshold],
          ]),
        ),
        // Of the agreement, what a usual random start could explain at most; and the common share of the rest.
        gainCorrelation: means.gain ?? 'not stored, or constant',
        startShare: start,
        beyondStart: beyondStart(shared, start) ?? 'the start may explain all of it',
      },
      inputs,
    },
  };
}

/** Whether more is common than a shared random start could account for. @param gain raw correlation of gains, null where they say nothing. */
export function exceedsStart(correlation: number, start: number, gain: number | null): boolean {
  const needed = gain === null ? BEYOND_START + START_STEEPNESS * Math.max(0, start - START_ALLOWED) : BESIDE_GAINS;
  return (gain ?? 0) >= GAINS_AGREE || (beyondStart(correlation, start) ?? 0) >= needed;
}

function byNeurons(votes: readonly Vote[]): Agreement['verdict'] {
  const down = votes.find((entry) => entry.name === 'down');
  const output = votes.find((entry) => entry.name === 'output');
  const majority = votes.filter((entry) => entry.passes).length * 2 > votes.length;
  if (votes.length < 2 || !down) return 'undecided';
  if (down.passes && majority && !(output && output.ratio < OUTPUT_VETO)) return 'learned';
  return !down.passes && !majority ? 'start-only' : 'undecided';
}

/** Without aligned neurons both remaining measures must say the same. */
function byValues(votes: readonly Vote[]): Agreement['verdict'] {
  if (votes.length < 2) return 'undecided';
  if (votes.every((entry) => entry.passes)) return 'learned';
  return votes.some((entry) => entry.passes) ? 'undecided' : 'start-only';
}

function pool(): Pool {
  return { sum: 0, n: 0 };
}
function put(to: Pool, value: number): void {
  if (!Number.isFinite(value)) return;
  to.sum += value;
  to.n += 1;
}
function mean(from: Pool): number | null {
  return from.n > 0 ? from.sum / from.n : null;
}

/** Cosine of every unit with its counterpart. */
function cosines(a: Sample, b: Sample): number[] {
  const width = Math.min(a.features, b.features);
  return Array.from({ length: Math.min(a.units, b.units) }, (_, u) => {
    let [ab, aa, bb] = [0, 0, 0];
    for (let f = 0; f < width; f++) {
      const [x, y] = [valueAt(a, u, f), valueAt(b, u, f)];
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : NaN;
  });
}

function vectorCorrelation(a: VectorSample | undefined, b: VectorSample | undefined): number | null {
  if (!a || !b || a.length !== b.length) return null;
  const sums = pairSums();
  const n = Math.min(a.values.length, b.values.length);
  for (let i = 0; i < n; i++) addPair(sums, a.values[i]!, b.values[i]!);
  return correlation(sums);
}

/** Gains by `stack/block/role`; the first vector of a norm is its gain, its bias comes after. */
function gains(sketch: Sketch): Map<string, VectorSample> {
  const map = new Map<string, VectorSample>();
  for (const vector of sketch.vectors) {
    const key = `${vector.stack}/${vector.block}/${vector.role}`;
    if (vector.block !== null && !map.has(key)) map.set(key, vector);
  }
  return map;
}

function attention(sketch: Sketch): Map<string, Sample> {
  return new Map(
    sketch.samples.filter((s) => !s.excluded && (s.role === 'v' || s.role === 'o')).map((s) => [`${s.stack}/${s.block}/${s.role}`, s]),
  );
}
