/**
 * The exact tests over two sketches, each returning `Evidence`.
 * @module
 */
import { comparable, comparableTables, type NeuronBlock, neuronBlocks, neuronPairs, type SamplePair, slotPairs } from './pairing.ts';
import type { Sample, Sketch } from './sketch.ts';
import { addFlips, type Flips, log10PValue, NO_FLIPS, swapSign } from './swap-sign.ts';
import type { Evidence } from './types.ts';

export const ASSUMPTIONS = {
  start: 'A1: if independent, the two models were initialized from independent randomness',
  training: 'A2: training treats exchangeable units alike (true of SGD, Adam, AdamW, Adafactor, Lion)',
  positions: 'A3: sample positions were fixed before either file was seen',
};
export const ALL_ASSUMPTIONS: readonly string[] = Object.values(ASSUMPTIONS);

export interface Outcome {
  readonly evidence: Evidence;
  /** What can decide alone, and log10 of the corrections its p-value carries: for the power statement. */
  readonly power: { readonly flips: Flips; readonly correction: number };
  /** For each block of B the matching block of A, per stack; only for neurons. */
  readonly layerMap: ReadonlyMap<string, readonly number[]> | null;
  /** The pairs of blocks behind the flips, and how many blocks B has; only for neurons. */
  readonly blocks?: {
    readonly pairs: readonly BlockPair[];
    readonly ofB: number;
    /** Among how many each was chosen as the best; 1 for the straight order. */
    readonly chosenOf: number;
  };
}

/** Places in the lists of `neuronBlocks`. */
export interface BlockPair {
  readonly stack: string;
  readonly a: number;
  readonly b: number;
  readonly flips: Flips;
}

export type Inputs = Evidence['inputs'];

/** log10 at which the straight layer order is so clear that other orders need not be searched, if every block ties in it. */
const CLEAR = -12;

/**
 * Swap-Sign on neurons of gated and plain MLPs. Three layer alignments, the smallest p counts three times:
 * block i with block i; for every block of B its best block of A (times L_A^L_B); the best single pair (times L_A L_B).
 */
export function neuronTest(a: Sketch, b: Sketch, inputs: Inputs): Outcome | null {
  return overBlocks(neuronBlocks(a), neuronBlocks(b), flipsOf, {
    test: 'swap-sign/neurons',
    question: 'Do the same neurons sit in the same places of both models?',
    inputs,
  });
}

/**
 * The same, each neuron told by what it makes of the same tokens: a rotated, permuted or rescaled hidden space leaves that as it is.
 * Token rows do not depend on the order of neurons, so the test stays exact.
 */
export function framedTest(a: Sketch, b: Sketch, inputs: Inputs): Outcome | null {
  const flips: FlipsOf = (x, y) => swapSign(neuronPairs(x, y), { pairing: 'halves', normalize: true });
  return overBlocks(neuronBlocks({ samples: a.framed }), neuronBlocks({ samples: b.framed }), flips, {
    test: 'swap-sign/neurons-by-tokens',
    question: 'Do the same neurons sit in the same places, by what they make of the same tokens?',
    inputs,
  });
}

type Blocks = ReadonlyMap<string, NeuronBlock[]>;
type FlipsOf = (a: NeuronBlock, b: NeuronBlock) => Flips;

function overBlocks(
  blocksA: Blocks,
  blocksB: Blocks,
  flipsOf: FlipsOf,
  about: { readonly test: string; readonly question: string; readonly inputs: Inputs },
): Outcome | null {
  const candidates: Candidate[] = [];
  const straight: BlockPair[] = [];
  for (const [stack, listB] of blocksB) {
    const listA = blocksA.get(stack);
    if (!listA) continue;
    if (listA.length === listB.length) straight.push(...listB.map((block, j) => ({ stack, a: j, b: j, flips: flipsOf(listA[j]!, block) })));
  }
  const inA = repeatsIn(blocksA, flipsOf);
  const inB = repeatsIn(blocksB, flipsOf);
  const once = (pairs: readonly BlockPair[]): Flips => addFlips(withoutRepeats(pairs, inA, inB).map((pair) => pair.flips));
  const diagonal = once(straight);
  if (diagonal.n > 0) candidates.push({ name: 'block i with block i', flips: diagonal, log10P: log10PValue(diagonal), pairs: straight });
  const all = straight.every(({ flips }) => flips.n === 0 || flips.k / flips.n >= TIED_BLOCK);
  if (diagonal.n === 0 || log10PValue(diagonal) > CLEAR || !all) searchLayers(blocksA, blocksB, flipsOf, once, candidates);
  const best = candidates.sort((x, y) => x.log10P - y.log10P)[0];
  if (!best) return null;
  const log10P = Math.min(0, best.log10P + Math.log10(3));
  const blocks = {
    pairs: best.all ?? best.pairs,
    ofB: [...blocksB.values()].reduce((sum, list) => sum + list.length, 0),
    chosenOf: best.pairs === straight ? 1 : Math.max(...[...blocksA.values()].map((list) => list.length)),
  };
  return {
    power: { flips: best.flips, correction: Math.log10(3) },
    layerMap: mapOf(blocks, blocksB),
    blocks,
    evidence: {
      test: about.test,
      version: 1,
      class: 'exact',
      question: about.question,
      statistic: { name: 'agreeing flips', value: best.flips.k },
      n: best.flips.n,
      log10P,
      effect: { name: 'share of agreeing flips', value: share(best.flips) },
      nullModel: `fair coins: about ${Math.round(best.flips.n / 2)} of ${best.flips.n} flips would agree`,
      assumptions: ALL_ASSUMPTIONS,
      details: {
        alignment: best.name,
        correction:
          'three layer alignments are tried; the p-value is three times the smallest, each first multiplied by the alignments it searched',
        layerAgree: best.pairs.map(({ flips }) => flips.k),
        layerFlips: best.pairs.map(({ flips }) => flips.n),
      },
      inputs: about.inputs,
    },
  };
}

/** Share of agreeing flips from which a block counts as shared by itself. */
const TIED_BLOCK = 0.7;

/** log10 of the chance that a block chosen as the best of several ties by itself. */
const CHOSEN_LOG10 = -2;

/**
 * Pairs that tie by themselves; all of them where the tie is thin everywhere. Of pairs that were chosen among several, as the
 * best, some agree by chance alone: those must each be beyond it.
 */
export function tiedPairs({ pairs, chosenOf }: NonNullable<Outcome['blocks']>): readonly BlockPair[] {
  const limit = CHOSEN_LOG10 - Math.log10(chosenOf);
  const tied = pairs.filter(
    ({ flips }) => flips.n > 0 && flips.k / flips.n >= TIED_BLOCK && (chosenOf === 1 || log10PValue(flips) <= limit),
  );
  return tied.length > 0 ? tied : pairs;
}

/** For each block of B its block of A; -1 for one that stands for none, where half of them tie at most. */
function mapOf(blocks: NonNullable<Outcome['blocks']>, blocksB: Blocks): Map<string, number[]> {
  const maps = new Map([...blocksB].map(([stack, list]) => [stack, Array<number>(list.length).fill(-1)]));
  const tied = tiedPairs(blocks);
  for (const { stack, a, b } of 2 * tied.length <= blocks.ofB ? tied : blocks.pairs) maps.get(stack)![b] = a;
  return maps;
}

interface Candidate {
  readonly name: string;
  readonly flips: Flips;
  readonly log10P: number;
  readonly pairs: readonly BlockPair[];
  /** The best pair for every block of B, where the p-value rests on one of them. */
  readonly all?: readonly BlockPair[];
}

type Repeats = (stack: string, i: number, j: number) => boolean;

/** log10 of the chance that two blocks of one model tie by accident; to be wrong here costs flips and no error rate. */
const REPEATED_LOG10 = -3;

/** Whether two blocks of one model hold the same network: upcycled experts, repeated layers. */
function repeatsIn(blocks: Blocks, flipsOf: FlipsOf): Repeats {
  const known = new Map<string, boolean>();
  return (stack, i, j) => {
    if (i === j) return true;
    const key = `${stack}/${i}/${j}`;
    const hit = known.get(key);
    if (hit !== undefined) return hit;
    const list = blocks.get(stack)!;
    const repeats = log10PValue(flipsOf(list[i]!, list[j]!)) <= REPEATED_LOG10;
    known.set(key, repeats);
    return repeats;
  };
}

/** Where both sides repeat themselves, their coins are one coin thrown once. */
function withoutRepeats(pairs: readonly BlockPair[], inA: Repeats, inB: Repeats): BlockPair[] {
  const kept: BlockPair[] = [];
  for (const pair of pairs)
    if (!kept.some((other) => other.stack === pair.stack && inA(pair.stack, other.a, pair.a) && inB(pair.stack, other.b, pair.b)))
      kept.push(pair);
  return kept;
}

function searchLayers(
  blocksA: Blocks,
  blocksB: Blocks,
  flipsOf: FlipsOf,
  once: (pairs: readonly BlockPair[]) => Flips,
  candidates: Candidate[],
): void {
  const chosen: BlockPair[] = [];
  const all: { pair: BlockPair; log10P: number }[] = [];
  let paths = 0;
  for (const [stack, listB] of blocksB) {
    const listA = blocksA.get(stack);
    if (!listA) continue;
    paths += listB.length * Math.log10(listA.length);
    listB.forEach((block, b) => {
      let top: BlockPair = { stack, a: 0, b, flips: NO_FLIPS };
      listA.forEach((candidate, a) => {
        const flips = flipsOf(candidate, block);
        const pair = { stack, a, b, flips };
        all.push({ pair, log10P: log10PValue(flips) });
        if (flips.n > 0 && (top.flips.n === 0 || share(flips) > share(top.flips))) top = pair;
      });
      chosen.push(top);
    });
  }
  const pooled = once(chosen);
  if (pooled.n === 0) return;
  const log10P = Math.min(0, log10PValue(pooled) + paths);
  candidates.push({ name: 'best block of A for every block of B', flips: pooled, log10P, pairs: chosen });
  const single = all.reduce((least, next) => (next.log10P < least.log10P ? next : least));
  candidates.push({
    name: 'best single pair of blocks',
    flips: single.pair.flips,
    log10P: Math.min(0, single.log10P + Math.log10(all.length)),
    pairs: [single.pair],
    all: chosen,
  });
}

function flipsOf(a: NeuronBlock, b: NeuronBlock): Flips {
  return swapSign(neuronPairs(a, b), { pairing: 'halves' });
}

/** Value channels of attention, pairs inside a head; same slots only, and of layers that repeat themselves on both sides one. */
export function valueTest(a: Sketch, b: Sketch, inputs: Inputs): Outcome | null {
  const flips = (pair: SamplePair): Flips => swapSign([pair], { pairing: 'neighbors' });
  const repeats = (x: Sample, y: Sample): boolean => comparable(x, y) && log10PValue(flips([x, y])) <= REPEATED_LOG10;
  const kept: SamplePair[] = [];
  for (const [x, y] of slotPairs(a, b, ['v', 'cross_v']))
    if (!kept.some(([otherX, otherY]) => repeats(otherX, x) && repeats(otherY, y))) kept.push([x, y]);
  return pooled('swap-sign/value-channels', 'Do the same attention value channels sit in the same places?', kept.map(flips), inputs);
}

/** Residual channels, seen in the token tables. */
export function channelTest(a: Sketch, b: Sketch, inputs: Inputs): Outcome | null {
  const bySlot = new Map(b.samples.map((sample) => [sample.role, sample]));
  const pairs = a.samples
    .filter((left) => (left.role === 'embed' || left.role === 'head') && left.stack === '' && !left.excluded && left.axis === 'columns')
    .flatMap((left): [typeof left, typeof left][] => {
      const right = bySlot.get(left.role);
      return right && !right.excluded && comparableTables(left, right) ? [[left, right]] : [];
    });
  if (pairs.length === 0) return null;
  return pooled(
    'swap-sign/residual-channels',
    'Do the same hidden channels sit in the same places of the token tables?',
    [swapSign(pairs, { pairing: 'halves' })],
    inputs,
  );
}

function pooled(test: string, question: string, layers: readonly Flips[], inputs: Inputs): Outcome | null {
  const flips = addFlips(layers);
  if (flips.n === 0) return null;
  return {
    power: { flips, correction: 0 },
    layerMap: null,
    evidence: {
      test,
      version: 1,
      class: 'exact',
      question,
      statistic: { name: 'agreeing flips', value: flips.k },
      n: flips.n,
      log10P: log10PValue(flips),
      effect: { name: 'share of agreeing flips', value: share(flips) },
      nullModel: `fair coins: about ${Math.round(flips.n / 2)} of ${flips.n} flips would agree`,
      assumptions: ALL_ASSUMPTIONS,
      details: { layerAgree: layers.map((layer) => layer.k), layerFlips: layers.map((layer) => layer.n) },
      inputs,
    },
  };
}

/** Rank index of adapters: columns of B (which start at zero and only training fills), rows of A (random from the start). */
export function rankTest(a: Sketch, b: Sketch, side: 'lora_a' | 'lora_b', inputs: Inputs): Outcome | null {
  const layers = slotPairs(a, b, [side]).map((pair) => swapSign([pair], { pairing: 'neighbors' }));
  return side === 'lora_b'
    ? pooled('swap-sign/adapter-b', 'Do the trained halves (B) of the two adapters use the same rank order?', layers, inputs)
    : pooled('swap-sign/adapter-a', 'Do the randomly started halves (A) of the two adapters agree?', layers, inputs);
}

export function share(flips: Flips): number {
  return flips.n === 0 ? 0 : flips.k / flips.n;
}
