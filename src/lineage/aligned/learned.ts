/**
 * Did two models laid over each other learn together, or only start together? Calibrated on small transformers (research "lineage
 * trials, transformers", section 5); never convicts alone.
 * @module
 */
import { correlation, addPair, median, pairSums } from '../../math/index.ts';
import type { Evidence } from '../types.ts';
import type { Anchors } from './anchors.ts';
import type { NeuronMatch } from './match.ts';
import { pick, type Space } from './space.ts';

export interface Learned {
  readonly verdict: 'learned' | 'start-only' | 'undecided';
  readonly why: string;
  /**
   * Whether down, heads and tokens agree nearly as well as what the start fixes, no stored gain says otherwise, and training moved frequent
   * tokens further than their start lies from its mean: siblings of one start would then agree on heads or gains far less, and a start
   * with what was trained from it too. Ratios, so noise does not lower them.
   */
  readonly throughout: boolean;
  /** Correlation of gains after the map; null where they say nothing. */
  readonly gain: number | null;
  readonly evidence: Evidence;
}

/** One pair of blocks whose neurons found each other. */
export interface AlignedPair {
  readonly match: NeuronMatch;
  /** `headAgreement`, where heads were compared. */
  readonly heads: number | null;
  /** Gains of A's and of B's block, as stored. */
  readonly gains: readonly (readonly [Float32Array, Float32Array])[];
}

export const THRESHOLDS = { down: 0.85, heads: 0.43, gain: 0.75, tokens: 0.85 };
/** The product of value and output projections forgets the start fastest; below this nothing else convicts. */
const HEADS_VETO = 0.3;
/**
 * What alone outweighs a start, each over the agreement of up-projections. Siblings of one start on like data pass one or two, not all: heads .54 with
 * tokens .98 and gains 2 (SGD), heads .98 with tokens .93 and gains .92 (large batches), heads .98 with tokens .97 and none stored. Noise,
 * pruning and mixing with a stranger after a disguise leave heads .87, tokens .999 and gains 1.09.
 */
const THROUGHOUT = { down: 0.85, heads: 0.8, tokens: 0.98 };
const GAIN_THROUGHOUT = 0.95;

export function judgeLearned(pairs: readonly AlignedPair[], space: Space, anchors: Anchors, inputs: Evidence['inputs']): Learned {
  const over = (value: number | null, by: number | null): number | null => (value === null || by === null ? null : value / by);
  const up = median(pairs.map(({ match }) => match.up));
  const { channels } = space;
  const ratios: [keyof typeof THRESHOLDS, number | null][] = [
    ['down', median(pairs.map(({ match }) => match.down / match.up))],
    ['heads', over(median(pairs.flatMap(({ heads }) => heads ?? [])), up)],
    ['gain', channels && median(pairs.flatMap(({ gains }) => gains.flatMap(([x, y]) => gainCorrelation(x, y, channels) ?? [])))],
    ['tokens', tokenRatio(anchors, space)],
  ];
  const votes = ratios.flatMap(([name, value]) => (value === null ? [] : [{ name, value, passes: value >= THRESHOLDS[name] }]));
  const down = votes.find((vote) => vote.name === 'down');
  const majority = votes.filter((vote) => vote.passes).length * 2 > votes.length;
  const vetoed = votes.some((vote) => vote.name === 'heads' && vote.value < HEADS_VETO);
  const verdict =
    votes.length < 2 || !down
      ? 'undecided'
      : down.passes && majority && !vetoed
        ? 'learned'
        : !down.passes && !majority
          ? 'start-only'
          : 'undecided';
  const told =
    votes.map((vote) => `${vote.name} ${vote.value.toFixed(2)} (threshold ${THRESHOLDS[vote.name]})`).join(', ') || 'nothing to compare';
  const word = { learned: 'agrees too', 'start-only': 'does not agree', undecided: 'is not clear' }[verdict];
  return {
    verdict,
    gain: votes.find((vote) => vote.name === 'gain')?.value ?? null,
    throughout:
      Object.entries(THROUGHOUT).every(([name, least]) => votes.some((vote) => vote.name === name && vote.value >= least)) &&
      !votes.some((vote) => vote.name === 'gain' && vote.value < GAIN_THROUGHOUT * (up ?? 1)) &&
      Math.max(movement(anchors, anchors.a, anchors.widthA), movement(anchors, anchors.b, anchors.widthB)) >= MOVED,
    why: `after the map, what training fills ${word} (${told})`,
    evidence: {
      test: 'learned-agreement-after-map',
      version: 2,
      class: 'calibrated',
      question: 'Do the two models agree on what training fills, or only on what the random start fixed?',
      statistic: { name: 'measures passed', value: votes.filter((vote) => vote.passes).length },
      n: votes.length,
      log10P: null,
      effect: up === null ? null : { name: 'median cosine of matched up-projections', value: up },
      nullModel: 'models that share only their random start agree far less on down-projections, head products, gains and frequent tokens',
      assumptions: ['thresholds come from small transformers; siblings trained hardly at all cannot be told from a copy of the start'],
      details: Object.fromEntries(
        votes.flatMap((vote) => [
          [vote.name, vote.value],
          [`${vote.name} threshold`, THRESHOLDS[vote.name]],
        ]),
      ),
      inputs,
    },
  };
}

/** Labels compared of each sort. */
const FREQUENT = 128;
const LEAST_FREQUENT = 64;
const LEAST_UNREACHABLE = 16;
/** Below this unreachable rows themselves do not agree, and there is nothing to divide by. */
const LEAST_BASE = 0.2;

/** Cosine of frequent tokens' rows after the map, over that of unreachable tokens' rows, which only the start fixes. */
function tokenRatio(anchors: Anchors, space: Space): number | null {
  const unreachable = anchors.unreachable.flatMap((is, row) => (is ? [row] : []));
  const frequent = anchors.frequent.slice(0, FREQUENT);
  if (unreachable.length < LEAST_UNREACHABLE || frequent.length < LEAST_FREQUENT) return null;
  const base = meanCosine(anchors, space, unreachable);
  return base > LEAST_BASE ? meanCosine(anchors, space, frequent) / base : null;
}

/** Spread of frequent tokens' rows over that of unreachable ones: 1 at the start, 2.2 after 250,000 tokens of training, 4 to 8 after 600,000 (corpus). */
const MOVED = 2;

/** Unchanged by rotations, permutations and scales of the hidden space. */
function movement(anchors: Anchors, rows: Float32Array, width: number): number {
  const spread = (of: readonly number[]): number => {
    const some = pick(rows, of, width);
    let total = 0;
    for (let j = 0; j < width; j++) {
      let [sum, square] = [0, 0];
      for (let at = j; at < some.length; at += width) {
        sum += some[at]!;
        square += some[at]! ** 2;
      }
      total += square / of.length - (sum / of.length) ** 2;
    }
    return total;
  };
  const start = spread(anchors.unreachable.flatMap((is, row) => (is ? [row] : [])));
  return start > 0 ? spread(anchors.frequent.slice(0, FREQUENT)) / start : 0;
}

/** Mean cosine of the given labels' rows in the common space. */
export function meanCosine({ a, b, widthA, widthB }: Anchors, space: Space, rows: readonly number[]): number {
  const [x, y] = [space.a(pick(a, rows, widthA), rows.length), space.b(pick(b, rows, widthB), rows.length)];
  let sum = 0;
  for (let row = 0; row < rows.length; row++) {
    let [xy, xx, yy] = [0, 0, 0];
    for (let j = row * space.width; j < (row + 1) * space.width; j++) {
      xy += x[j]! * y[j]!;
      xx += x[j]! * x[j]!;
      yy += y[j]! * y[j]!;
    }
    if (xx > 0 && yy > 0) sum += xy / Math.sqrt(xx * yy);
  }
  return sum / (rows.length || 1);
}

/** Spread of gains below which they count as folded away: all one, they say nothing. */
const LEAST_SPREAD = 1e-8;

function gainCorrelation(x: Float32Array, y: Float32Array, channels: Int32Array): number | null {
  const sums = pairSums();
  x.forEach((value, channel) => {
    const other = y[channels[channel] ?? -1];
    if (other !== undefined && Number.isFinite(other) && Number.isFinite(value)) addPair(sums, value, other);
  });
  const spread = (square: number, sum: number): number => square - (sum * sum) / (sums.n || 1);
  return spread(sums.aa, sums.a) > LEAST_SPREAD && spread(sums.bb, sums.b) > LEAST_SPREAD ? correlation(sums) : null;
}
