/**
 * Two whole transformers, laid over each other through the labels they share: what sketches cannot see because rows, channels or
 * the hidden space were rearranged. Decision rule and thresholds: research "lineage trials, transformers", sections 4 and 5.
 * Both models are read once, block by block.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { type Model, readHeads, roleShape } from '../../model/index.ts';
import type { Evidence } from '../types.ts';
import { type Anchors, anchorsOf } from './anchors.ts';
import { agreementEvidence, neuronsEvidence, unreachableEvidence } from './evidence.ts';
import { type AlignedPair, judgeLearned, type Learned, meanCosine } from './learned.ts';
import { type Attention, type Block, blocksOf, count, type Neurons, readAttention, readGain, readNeurons } from './load.ts';
import { layerScore, matchNeurons, type NeuronMatch, unit } from './match.ts';
import { commonSpace, type Space } from './space.ts';
import { headAgreement, layerFlips, unreachableFlips } from './tests.ts';
import type { Flips } from '../swap-sign.ts';

export interface AlignedOutcome {
  /** Exact tests, each with its own corrections. */
  readonly exact: readonly Evidence[];
  readonly calibrated: readonly Evidence[];
  /** log10 of the inflated bound on chance agreements; calibrated, never exact. */
  readonly agreementLog10P: number;
  readonly learned: Learned['verdict'];
  readonly throughout: boolean;
  readonly why: string;
  /** For each block of B (in order, experts apart) the block of A its neurons fit best. */
  readonly layerMap: readonly number[];
  /** What was rearranged: `hidden channels permuted`, `hidden space rotated`, `neurons permuted`. */
  readonly rearranged: readonly string[];
  /** Correlation of gains after the map; null where they say nothing. */
  readonly gain: number | null;
  /** Median cosine of matched up-projections over aligned blocks. */
  readonly up: number;
  /** Median agreement of matched neurons in the block that agrees least, 1 for equal ones. */
  readonly closeness: number;
  readonly neurons: { readonly a: number; readonly b: number };
  /** For each block of B its neurons' places in A; null where no neuron moved. */
  readonly neuronMap: readonly (readonly number[])[] | null;
  readonly width: { readonly a: number; readonly b: number };
  readonly experts: { readonly a: number; readonly b: number };
  /** Share of B's parameters in blocks and tables that agree, and the blocks' names. */
  readonly share: { readonly fraction: number; readonly all: boolean; readonly slots: readonly string[] };
  /** How labels were matched. */
  readonly by: Anchors['by'];
}

/** Neurons of A that stand for their block, in two runs half a block apart; the partners are sought among (nearly) all of B's. */
const SAMPLE_UNITS = { least: 64, most: 512 };
const MOST_UNITS = 8192;
/** Values held of all of A's samples (200 MB), and of one matrix of B in its own hidden space (134 MB). */
const SAMPLE_VALUES = 50e6;
const MATRIX_VALUES = 1 << 25;
/** Matched neurons below this say nothing about what was learned. */
const ALIGNED_UP = 0.3;
/** Blocks whose attention is compared, evenly spread. */
const MOST_ATTENTION = 12;
/** Mean cosine of labels' rows from which tables count as shared. */
const SHARED_TABLES = 0.5;
const SHARED_LABELS = 512;

/** Null when the two cannot be laid over each other: no shared labels, or no MLP blocks. @throws SourceError, WeightsError */
export async function compareAligned(a: Model, b: Model, inputs: Evidence['inputs'], watch: Watch = {}): Promise<AlignedOutcome | null> {
  const outcome = await align(a, b, false, inputs, watch);
  if (!outcome || (a.scheme !== 'inferred' && b.scheme !== 'inferred')) return outcome;
  // Names that tell gate from up are gone: both readings are tried, and the better one counts twice.
  const other = await align(a, b, true, inputs, watch);
  const better = other && other.agreementLog10P < outcome.agreementLog10P ? other : outcome;
  const twice = (p: number): number => Math.min(0, p + Math.log10(2));
  return {
    ...better,
    agreementLog10P: twice(better.agreementLog10P),
    exact: better.exact.map((test) => ({ ...test, log10P: test.log10P === null ? null : twice(test.log10P) })),
  };
}

async function align(a: Model, b: Model, swapGates: boolean, inputs: Evidence['inputs'], watch: Watch): Promise<AlignedOutcome | null> {
  if (!a.checkpoint || !b.checkpoint) return null;
  const anchors = await anchorsOf(a, b);
  if (!anchors) return null;
  const [blocksA, blocksB] = [
    blocksOf(a, anchors.widthA),
    blocksOf(b, anchors.widthB).map((block) => (swapGates ? swapped(block) : block)),
  ];
  if (blocksA.length === 0 || blocksB.length === 0) return null;
  const space = commonSpace(anchors);
  const total = blocksA.length + blocksB.length;
  const step = (done: number): void => {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: 'lay blocks over each other', done, total });
  };
  const sample = even(SAMPLE_VALUES / (3 * blocksA.length * space.width), SAMPLE_UNITS.least, SAMPLE_UNITS.most);
  const most = even(MATRIX_VALUES / anchors.widthB, SAMPLE_UNITS.most, MOST_UNITS);
  const left: Neurons[] = [];
  for (const block of blocksA) {
    step(left.length);
    left.push(unit(await readNeurons(a, block, unitsOf(block.neurons, 2 * sample, sample), space.a), space.width));
  }
  const flips: Flips[][] = [];
  const matched: BlockMatch[] = [];
  for (const [j, block] of blocksB.entries()) {
    step(blocksA.length + j);
    const right = unit(await readNeurons(b, block, unitsOf(block.neurons, most, most), space.b), space.width);
    flips.push(left.map((neurons) => layerFlips(neurons, right, space.width)));
    matched.push(bestMatch(left, right, space.width));
  }
  const neurons = neuronsEvidence(flips, sameOrder(blocksA, blocksB), inputs);
  const unreachable = unreachableEvidence(unreachableFlips(anchors, space), inputs);
  const gate = agreementEvidence(matched, blocksA.length, inputs);
  const alignedBlocks = matched.flatMap((match, j) => (match.up >= ALIGNED_UP ? [j] : []));
  const pairs = await alignedPairs(a, b, blocksA, blocksB, matched, alignedBlocks, space, watch);
  const learned = judgeLearned(pairs, space, anchors, inputs);
  return {
    exact: [neurons, unreachable].filter((evidence) => evidence !== null),
    calibrated: [gate.evidence, learned.evidence],
    agreementLog10P: gate.log10P,
    learned: learned.verdict,
    throughout: learned.throughout,
    why: learned.why,
    layerMap: matched.map((match) => match.source),
    rearranged: rearranged(matched, space),
    gain: learned.gain,
    up: middle(matched.map((match) => match.up)),
    closeness: Math.min(...matched.map((match) => (match.up + match.down) / 2)),
    neurons: { a: blocksA[0]!.neurons, b: blocksB[0]!.neurons },
    neuronMap: neuronMaps(matched),
    width: { a: anchors.widthA, b: anchors.widthB },
    experts: { a: expertsOf(blocksA), b: expertsOf(blocksB) },
    share: shareOf(
      b,
      blocksB,
      alignedBlocks,
      meanCosine(anchors, space, [...count(Math.min(anchors.count, SHARED_LABELS))]) >= SHARED_TABLES,
    ),
    by: anchors.by,
  };
}

function swapped(block: Block): Block {
  return block.gate ? { ...block, gate: block.up, up: block.gate } : block;
}

export interface BlockMatch extends NeuronMatch {
  /** Which block of A. */
  readonly source: number;
  /** Share of matched neurons that stand elsewhere in B. */
  readonly moved: number;
  /** For each neuron of B its neuron of A, -1 where none was matched. */
  readonly neuronMap: readonly number[];
}

/** The block of A whose neurons fit this one of B best, and how. */
function bestMatch(left: readonly Neurons[], right: Neurons, width: number): BlockMatch {
  let [source, top] = [0, -Infinity];
  for (const [i, neurons] of left.entries()) {
    const score = left.length === 1 ? 0 : layerScore(neurons, right, width);
    if (score > top) [source, top] = [i, score];
  }
  const match = matchNeurons(left[source]!, right, width);
  const neuronMap = Array<number>(right.total).fill(-1);
  let [moved, all] = [0, 0];
  match.map.forEach((row, i) => {
    if (row < 0) return;
    const [from, to] = [left[source]!.units[i]!, right.units[row]!];
    neuronMap[to] = from;
    all++;
    if (from !== to) moved++;
  });
  return { ...match, source, moved: moved / (all || 1), neuronMap };
}

/** All units up to `whole`, else `most` of them in two runs half a block apart, so that pairs (i, i + half) are both there. */
function unitsOf(neurons: number, whole: number, most: number): Int32Array {
  if (neurons <= whole) return count(neurons);
  const half = neurons >> 1;
  return Int32Array.from({ length: most }, (_, i) => (i < most / 2 ? i : half + i - most / 2));
}

function even(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, 2 * Math.floor(value / 2)));
}

/** Whether block i of one can only stand for block i of the other. */
function sameOrder(a: readonly Block[], b: readonly Block[]): boolean {
  return a.length === b.length && a.every((block, i) => block.stack === b[i]!.stack && block.expert === b[i]!.expert);
}

async function alignedPairs(
  a: Model,
  b: Model,
  blocksA: readonly Block[],
  blocksB: readonly Block[],
  matched: readonly BlockMatch[],
  aligned: readonly number[],
  space: Space,
  watch: Watch,
): Promise<AlignedPair[]> {
  const headRows = readHeads(b.configs, b.checkpoint).headDim ?? null;
  const every = Math.max(1, Math.ceil(aligned.length / MOST_ATTENTION));
  const kept: { source: number; attention: Attention | null } = { source: -1, attention: null };
  const out: AlignedPair[] = [];
  for (const [at, j] of aligned.entries()) {
    watch.signal?.throwIfAborted();
    const match = matched[j]!;
    const [left, right] = [blocksA[match.source]!, blocksB[j]!];
    let heads: number | null = null;
    if (headRows !== null && at % every === 0) {
      // Experts of one block stand one after the other and share its attention.
      if (kept.source !== match.source) {
        kept.attention = await readAttention(a, left, space.a);
        kept.source = match.source;
      }
      const other = kept.attention && (await readAttention(b, right, space.b));
      heads = kept.attention && other && headAgreement(kept.attention, other, space.width, headRows);
    }
    const gains: [Float32Array, Float32Array][] = [];
    for (const [x, y] of [
      [left.gainIn, right.gainIn],
      [left.gainMlp, right.gainMlp],
    ] as const) {
      const [gainA, gainB] = [await readGain(a, x), await readGain(b, y)];
      if (gainA && gainB) gains.push([gainA, gainB]);
    }
    out.push({ match, heads, gains });
  }
  return out;
}

/** Noise makes some neurons look like others; a permutation moves nearly all. */
const MOVED_SHARE = 0.1;

function rearranged(matched: readonly BlockMatch[], { channels }: Space): string[] {
  const out: string[] = [];
  if (!channels) out.push('hidden space rotated');
  else if (channels.some((to, from) => to !== from)) out.push('hidden channels permuted');
  if (matched.some((match) => match.up >= ALIGNED_UP && match.moved > MOVED_SHARE)) out.push('neurons permuted');
  return out;
}

/** Entries of maps told; larger models' maps would outweigh everything else said of them. */
const MOST_MAPPED = 1 << 16;

function neuronMaps(matched: readonly BlockMatch[]): readonly (readonly number[])[] | null {
  const size = matched.reduce((sum, match) => sum + match.neuronMap.length, 0);
  const moved = matched.some((match) => match.neuronMap.some((from, to) => from !== to));
  return moved && size <= MOST_MAPPED ? matched.map((match) => match.neuronMap) : null;
}

function shareOf(b: Model, blocks: readonly Block[], aligned: readonly number[], tables: boolean): AlignedOutcome['share'] {
  const prefixes = aligned.map((j) => ({ ...blocks[j]!, name: slotOf(blocks[j]!) }));
  const inside = (rt: Model['roles'][number]): boolean =>
    rt.block === null
      ? tables
      : prefixes.some((at) => at.stack === rt.stack && at.block === rt.block && (rt.expert === undefined || rt.expert === at.expert));
  let [shared, all] = [0, 0];
  for (const rt of b.roles) {
    if (rt.role === 'buffer') continue;
    const [rows, columns] = roleShape(rt);
    all += rows * columns;
    if (inside(rt)) shared += rows * columns;
  }
  return {
    fraction: all === 0 ? 0 : shared / all,
    all: aligned.length === blocks.length,
    slots: aligned.length === blocks.length ? [] : prefixes.map((at) => at.name),
  };
}

function slotOf({ stack, block, expert }: Block): string {
  return `${stack === '' ? 'layers' : stack}.${block}${expert === null ? '' : `.experts.${expert}`}`;
}

function expertsOf(blocks: readonly Block[]): number {
  return Math.max(...blocks.map((block) => (block.expert ?? -1) + 1));
}

function middle(values: number[]): number {
  return values.sort((x, y) => x - y)[values.length >> 1] ?? 0;
}
