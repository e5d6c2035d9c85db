/**
 * Two whole transformers, laid over each other through their tokens: what sketches cannot see because rows, channels or
 * the hidden space were rearranged. Decision rule and thresholds: research "lineage trials, transformers", sections 4 and 5.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import type { Model } from '../../model/index.ts';
import { readHeads } from '../../model/index.ts';
import { ASSUMPTIONS } from '../exact-tests.ts';
import { type Flips, log10PValue } from '../swap-sign.ts';
import type { Evidence } from '../types.ts';
import { type Hidden, type Layer, loadHidden, tokenRows } from './load.ts';
import {
  bestLayers,
  headAgreement,
  layerFlips,
  matchNeurons,
  type NeuronMatch,
  residualMap,
  turnLayers,
  unreachableFlips,
} from './tests.ts';
import { sharedTokens, type SharedTokens } from './tokens.ts';

export interface AlignedOutcome {
  /** Exact tests, each with its own corrections. */
  readonly exact: readonly Evidence[];
  readonly calibrated: readonly Evidence[];
  /** log10 of the inflated bound on chance agreements; calibrated, never exact. */
  readonly agreementLog10P: number;
  readonly learned: 'learned' | 'start-only' | 'undecided';
  readonly why: string;
  readonly layerMap: readonly number[];
  /** What was rearranged: `hidden channels permuted`, `hidden space rotated`, `neurons permuted`. */
  readonly rearranged: readonly string[];
  /** Correlation of gains after the map; null where they say nothing. */
  readonly gain: number | null;
  /** Median cosine of matched up-projections over layers. */
  readonly up: number;
  /** Median agreement of matched neurons, 1 for equal ones. */
  readonly closeness: number;
  readonly neurons: { readonly a: number; readonly b: number };
}

const MOST_TOKENS = 4096;
const LEAST_TOKENS = 64;
/** Neurons that detect or write single tokens converge in strangers too; 25 times the expected agreements bounds what was seen of it. */
const INFLATION = 25;
const LEAST_EXPECTED = 0.3;
/** Matched neurons below these say nothing about what was learned. */
const ALIGNED_UP = 0.3;
export const THRESHOLDS = { down: 0.85, heads: 0.43, gain: 0.75, tokens: 0.85 };
const HEADS_VETO = 0.3;

/** Null when the two cannot be laid over each other: no shared tokens, no MLP blocks, or too large to hold. */
export async function compareAligned(a: Model, b: Model, inputs: Evidence['inputs'], watch: Watch = {}): Promise<AlignedOutcome | null> {
  const [tokensA, tokensB] = [await a.tokens(), await b.tokens()];
  const shared = tokensA && tokensB ? sharedTokens(tokensA, tokensB, MOST_TOKENS, LEAST_TOKENS) : null;
  const [hiddenA, hiddenB] = shared ? [await loadHidden(a, watch), await loadHidden(b, watch)] : [null, null];
  if (!shared || !hiddenA || !hiddenB) return null;
  const [rowsA, rowsB] = [await tokenRows(a, hiddenA.embed, shared.a), await tokenRows(b, hiddenB.embed, shared.b)];
  const r = residualMap(rowsA, rowsB, shared.a.length, hiddenA.width, hiddenB.width);
  const turned = turnLayers(hiddenA.layers, r, hiddenA.width, hiddenB.width);
  const neurons = neuronsAfterMap(turned, hiddenB, inputs);
  const unreachable = unreachableTest(unreachableFlips(rowsA, rowsB, shared.unreachable, hiddenA.width, hiddenB.width), inputs);
  const matched = matchLayers(turned, hiddenB, watch);
  const gate = agreementTest(matched, turned.length, inputs);
  const headRows = readHeads(b.configs, b.checkpoint).headDim ?? null;
  const signed = nearSignedPermutation(r, hiddenA.width, hiddenB.width);
  const learned = judgeLearned(
    matched,
    turned,
    hiddenA,
    hiddenB,
    headRows,
    signed,
    tokenRatio(rowsA, rowsB, r, shared, hiddenA.width, hiddenB.width),
    inputs,
  );
  return {
    exact: [neurons, unreachable].filter((evidence) => evidence !== null),
    calibrated: [gate.evidence, learned.evidence],
    agreementLog10P: gate.log10P,
    learned: learned.verdict,
    why: learned.why,
    layerMap: matched.map((match) => match.source),
    rearranged: rearranged(matched, signed),
    gain: learned.gain,
    up: matched.map((match) => match.up).sort((x, y) => x - y)[matched.length >> 1]!,
    closeness: Math.min(...matched.map((match) => (match.up + match.down) / 2)),
    neurons: { a: turned[0]!.neurons, b: hiddenB.layers[0]!.neurons },
  };
}

interface LayerMatch extends NeuronMatch {
  /** Which layer of A. */
  readonly source: number;
}

/** For every layer of B the layer of A whose neurons fit best. */
function matchLayers(a: readonly Layer[], b: Hidden, watch: Watch): LayerMatch[] {
  return b.layers.map((right, j) => {
    let best: LayerMatch | null = null;
    for (const [source, left] of a.entries()) {
      watch.signal?.throwIfAborted();
      watch.onProgress?.({ what: 'match neurons', done: j * a.length + source, total: b.layers.length * a.length });
      const match = { ...matchNeurons(left, right, b.width), source };
      if (!best || match.up + match.down > best.up + best.down) best = match;
    }
    return best!;
  });
}

function neuronsAfterMap(a: readonly Layer[], b: Hidden, inputs: Evidence['inputs']): Evidence | null {
  const best = bestLayers(a, b.layers, b.width);
  const straight = a.length === b.layers.length ? b.layers.map((layer, j) => layerFlips(a[j]!, layer, b.width)) : [];
  const diagonal = straight.reduce<Flips>((sum, flips) => ({ k: sum.k + flips.k, n: sum.n + flips.n, features: flips.features }), {
    k: 0,
    n: 0,
    features: 0,
  });
  const useStraight = diagonal.n > 0 && log10PValue(diagonal) <= best.log10P;
  const flips = useStraight ? diagonal : best.flips;
  if (flips.n === 0) return null;
  return {
    test: 'swap-sign/neurons-after-map',
    version: 1,
    class: 'exact',
    question: 'Do the same neurons sit in the same places once the hidden spaces are laid over each other by their tokens?',
    statistic: { name: 'agreeing flips', value: flips.k },
    n: flips.n,
    log10P: Math.min(0, (useStraight ? log10PValue(diagonal) : best.log10P) + Math.log10(2)),
    effect: { name: 'share of agreeing flips', value: flips.k / flips.n },
    nullModel: `fair coins: about ${Math.round(flips.n / 2)} of ${flips.n} flips would agree`,
    assumptions: [ASSUMPTIONS.start, ASSUMPTIONS.training],
    details: {
      alignment: useStraight ? 'block i with block i' : 'best block of A for every block of B',
      layerAgree: (useStraight ? straight : best.perLayer).map((layer) => layer.k),
      layerFlips: (useStraight ? straight : best.perLayer).map((layer) => layer.n),
    },
    inputs,
  };
}

function unreachableTest(flips: Flips, inputs: Evidence['inputs']): Evidence | null {
  if (flips.n === 0) return null;
  return {
    test: 'swap-sign/unreachable-tokens',
    version: 1,
    class: 'exact',
    question: 'Do the rows of tokens that no text can produce, and so no training ever shaped, agree after the map?',
    statistic: { name: 'agreeing flips', value: flips.k },
    n: flips.n,
    log10P: log10PValue(flips),
    effect: { name: 'share of agreeing flips', value: flips.k / flips.n },
    nullModel: `fair coins: about ${Math.round(flips.n / 2)} of ${flips.n} flips would agree`,
    assumptions: [ASSUMPTIONS.start, 'the tokens taken for unreachable never occurred in training'],
    details: { smallestPossibleLog10P: -flips.n * Math.log10(2) },
    inputs,
  };
}

function agreementTest(
  matched: readonly LayerMatch[],
  layersA: number,
  inputs: Evidence['inputs'],
): { evidence: Evidence; log10P: number } {
  const k = matched.reduce((sum, match) => sum + match.agreements, 0);
  const m = matched.reduce((sum, match) => sum + INFLATION * Math.max(match.expected, LEAST_EXPECTED), 0);
  const x = k / m;
  // Chernoff: P[count >= k] <= exp(-m h(k/m)), h(x) = x ln x - x + 1; times the layers each was chosen from.
  const bound = x > 1 ? -m * (x * Math.log(x) - x + 1) * Math.LOG10E : 0;
  const log10P = Math.min(0, bound + matched.length * Math.log10(layersA));
  return {
    log10P,
    evidence: {
      test: 'neuron-agreement',
      version: 1,
      class: 'calibrated',
      question: 'Do independent ways of matching neurons (by what they read and by what they write) pick the same ones?',
      statistic: { name: 'agreeing matches', value: k },
      n: matched.length,
      log10P: null,
      effect: { name: 'median cosine of matched neurons', value: Math.min(...matched.map((match) => match.up)) },
      nullModel: `strangers agree on a few; ${m.toFixed(0)} are allowed, ${INFLATION} times what chance expects`,
      assumptions: ['calibrated on small transformers: neurons of strangers may converge more in other designs'],
      details: {
        log10Bound: log10P,
        layerAgreements: matched.map((match) => match.agreements),
        layerMap: matched.map((match) => match.source),
      },
      inputs,
    },
  };
}

function judgeLearned(
  matched: readonly LayerMatch[],
  turned: readonly Layer[],
  a: Hidden,
  b: Hidden,
  headRows: number | null,
  signed: Int32Array | null,
  tokens: number | null,
  inputs: Evidence['inputs'],
): { verdict: AlignedOutcome['learned']; gain: number | null; why: string; evidence: Evidence } {
  const aligned = matched.flatMap((match, j) =>
    match.up >= ALIGNED_UP ? [{ match, left: turned[match.source]!, from: a.layers[match.source]!, right: b.layers[j]! }] : [],
  );
  const median = (values: number[]): number | null => (values.length === 0 ? null : values.sort((x, y) => x - y)[values.length >> 1]!);
  const over = (value: number | null, up: number | null): number | null => (value === null || up === null ? null : value / up);
  const up = median(aligned.map(({ match }) => match.up));
  const heads =
    headRows === null ? null : median(aligned.flatMap(({ left, right }) => headAgreement(left, right, b.width, headRows) ?? []));
  const ratios: [keyof typeof THRESHOLDS, number | null][] = [
    ['down', median(aligned.map(({ match }) => match.down / match.up))],
    ['heads', over(heads, up)],
    ['gain', signed && median(aligned.flatMap(({ from, right }) => gainCorrelation(from, right, signed) ?? []))],
    ['tokens', tokens],
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
    why: `after the map, what training fills ${word} (${told})`,
    evidence: {
      test: 'learned-agreement-after-map',
      version: 1,
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

/** Cosine of frequent tokens' rows after the map, over that of unreachable tokens' rows, which only the start fixes. */
function tokenRatio(
  a: Float64Array,
  b: Float64Array,
  r: Float64Array,
  shared: SharedTokens,
  widthA: number,
  widthB: number,
): number | null {
  const cosine = (row: number): number => {
    let [ab, aa, bb] = [0, 0, 0];
    for (let j = 0; j < widthB; j++) {
      let x = 0;
      for (let i = 0; i < widthA; i++) x += a[row * widthA + i]! * r[i * widthB + j]!;
      const y = b[row * widthB + j]!;
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
  };
  const mean = (rows: readonly number[]): number => rows.reduce((sum, row) => sum + cosine(row), 0) / (rows.length || 1);
  const unreachable = shared.unreachable.flatMap((is, row) => (is ? [row] : []));
  const frequent = shared.frequent.slice(0, 128);
  const base = mean(unreachable);
  return unreachable.length >= 16 && frequent.length >= 64 && base > 0.2 ? mean(frequent) / base : null;
}

/** For each channel of A its channel of B, when R is a permutation with signs; null for a real rotation. */
function nearSignedPermutation(r: Float64Array, widthA: number, widthB: number): Int32Array | null {
  const map = new Int32Array(widthA).fill(-1);
  let clear = 0;
  for (let i = 0; i < widthA; i++) {
    for (let j = 0; j < widthB; j++) if (map[i]! < 0 || Math.abs(r[i * widthB + j]!) > Math.abs(r[i * widthB + map[i]!]!)) map[i] = j;
    if (Math.abs(r[i * widthB + map[i]!]!) > 0.5) clear++;
  }
  return clear >= 0.8 * Math.min(widthA, widthB) ? map : null;
}

function gainCorrelation(a: Layer, b: Layer, channels: Int32Array): number[] | null {
  const out = a.gains.flatMap((gain, i) => {
    const other = b.gains[i];
    if (!other) return [];
    const pairs = Array.from(gain, (x, channel): [number, number] => [x, other[channels[channel]!] ?? NaN]).filter(([, y]) =>
      Number.isFinite(y),
    );
    const [mx, my] = [0, 1].map((side) => pairs.reduce((sum, pair) => sum + pair[side]!, 0) / (pairs.length || 1));
    let [xy, xx, yy] = [0, 0, 0];
    for (const [x, y] of pairs) {
      xy += (x - mx!) * (y - my!);
      xx += (x - mx!) ** 2;
      yy += (y - my!) ** 2;
    }
    // Folded gains are all one; they then say nothing.
    return xx > 1e-8 && yy > 1e-8 ? [xy / Math.sqrt(xx * yy)] : [];
  });
  return out.length === 0 ? null : out;
}

function rearranged(matched: readonly LayerMatch[], signed: Int32Array | null): string[] {
  const out: string[] = [];
  if (!signed) out.push('hidden space rotated');
  else if (signed.some((to, from) => to !== from)) out.push('hidden channels permuted');
  if (matched.some((match) => match.map.some((i, j) => i >= 0 && i !== j))) out.push('neurons permuted');
  return out;
}
