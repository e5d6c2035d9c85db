/**
 * Undoes a permutation of channels, and finds which channels pruning left: from the input, whose order the data fixes, layer by layer
 * (research "lineage trials, convnets", section 3). Without a graph a layer is tried on the spaces its shape fits.
 * @module
 */
import { linearAssignment } from '../../math/index.ts';
import { renamedSlots } from '../renamed.ts';
import type { WalkLayer } from './layers.ts';
import { agreement, type Agreement, agreementLog10P, cosines, mutualNeighbors } from './match.ts';
import { channelsOf, followersOf, isDepthwise, type LayerPair, type Reading, readingsOf, rowsOf, type Space } from './spaces.ts';

/** A layer whose channels were found. */
export interface Placed extends LayerPair {
  /** How it reads what is before it; null for depthwise kernels. */
  readonly reading: Reading | null;
  /** The channels it writes. */
  readonly space: Space;
  readonly agreement: Agreement | null;
}

export interface Walk {
  readonly placed: readonly Placed[];
  /** Every comparison made, also of layers that then were not placed. */
  readonly agreements: readonly Agreement[];
  /** log10 of the ways tried beyond the first, all layers together. */
  readonly log10Tries: number;
  readonly log10P: number;
  /** The first layer that could not be placed, '' when all were. */
  readonly stopped: string;
  readonly layers: number;
}

/** Readings tried for one layer: residual sums make two, branches more. */
const MAX_READINGS = 6;
/** Layers are gone through again while new channels turn up: names do not give every order. */
const MAX_PASSES = 4;
/** Channels of one layer; assignment takes their cube. */
const MAX_CHANNELS = 2048;
/** Input channels that are enough to be split in two halves. */
const SPLIT = 8;
/** A layer counts as placed from here, or where nearly all its few channels agree. */
const PLACED_LOG10 = -3;
const NEARLY_ALL = 0.9;

export function walk(layersA: readonly WalkLayer[], layersB: readonly WalkLayer[]): Walk {
  const pairs = pairLayers(layersA, layersB).filter(
    ({ a, b }) => Math.max(a.outputs, b.outputs) <= MAX_CHANNELS && a.outputs > 1 && b.outputs > 1,
  );
  const placed = new Map<LayerPair, Placed>();
  const agreements: Agreement[] = [];
  let log10Tries = 0;
  const first = inputLayer(pairs);
  const spaces: Space[] = first ? [inputSpace(first)] : [];
  const tried = new Set<string>();
  for (let pass = 0, before = -1; pass < MAX_PASSES && placed.size > before; pass++) {
    before = placed.size;
    pairs.forEach((pair, at) => {
      if (placed.has(pair)) return;
      if (isDepthwise(pair)) {
        const space = spaces.findLast(({ a, b, source }) => source !== '' && a === pair.a.outputs && b === pair.b.outputs);
        if (space) placed.set(pair, { ...pair, reading: null, space, agreement: null });
        else if (pair !== first) return;
        if (space) return;
      }
      const readings = spaces
        .toReversed()
        .flatMap((space) => readingsOf(pair, space))
        .slice(0, MAX_READINGS);
      const fresh = readings.filter((reading) => !tried.has(key(pair, reading)));
      if (fresh.length === 0) return;
      const outcomes: { reading: Reading; agreement: Agreement | null; map: () => Int32Array }[] = [];
      for (const reading of fresh) {
        tried.add(key(pair, reading));
        outcomes.push({ reading, ...compare(pairs, at, reading) });
        if (isPlaced(outcomes.at(-1)!.agreement)) break;
      }
      log10Tries += Math.log10(fresh.length);
      const chosen = outcomes.find((outcome) => isPlaced(outcome.agreement)) ?? outcomes[0]!;
      if (chosen.agreement) agreements.push(chosen.agreement);
      // Without anything that follows the first layer cannot be tested; those after it will tell.
      if (!isPlaced(chosen.agreement) && !(chosen.agreement === null && pair === first)) return;
      const space: Space = { a: pair.a.outputs, b: pair.b.outputs, map: chosen.map(), source: pair.b.slot };
      spaces.push(space);
      placed.set(pair, { ...pair, reading: chosen.reading, space, agreement: chosen.agreement });
    });
  }
  return {
    placed: pairs.flatMap((pair) => placed.get(pair) ?? []),
    agreements,
    log10Tries,
    log10P: Math.min(0, agreementLog10P(agreements) + log10Tries),
    stopped: pairs.find((pair) => !placed.has(pair))?.b.slot ?? '',
    layers: layersB.length,
  };
}

function key({ b }: LayerPair, { space, lastA, lastB }: Reading): string {
  return `${b.slot}|${space.source}|${lastA}|${lastB}`;
}

function isPlaced(found: Agreement | null): boolean {
  if (!found) return false;
  return agreementLog10P([found]) <= PLACED_LOG10 || (found.k >= 2 && found.k >= NEARLY_ALL * Math.max(found.m, NEARLY_ALL * found.n));
}

/** Two matchings of the layer's channels, and the permutation that all its numbers give. */
function compare(pairs: readonly LayerPair[], at: number, reading: Reading): { agreement: Agreement | null; map: () => Int32Array } {
  const pair = pairs[at]!;
  const [nA, nB] = [pair.a.outputs, pair.b.outputs];
  const channels = channelsOf(reading.space);
  const { depthwise, readers } = followersOf(pairs, at);
  const near = (score: Float64Array): Int32Array => mutualNeighbors(score, nA, nB);
  const rows = cosines(rowsOf(pair, reading, channels), nA, nB);
  const after = [depthwise, readers].flatMap((features) => (features ? [cosines(features, nA, nB)] : []));
  let found: Agreement | null = null;
  // Over the input the two halves would agree by meaning: edges and colors look alike in every network.
  if (reading.space.source !== '' && channels.length >= SPLIT) {
    const half = (odd: number): Int32Array =>
      near(
        cosines(
          rowsOf(
            pair,
            reading,
            channels.filter((_, i) => i % 2 === odd),
          ),
          nA,
          nB,
        ),
      );
    found = agreement(half(0), half(1), nA);
  } else if (after.length > 0) found = agreement(near(rows), near(sum(after)), nA);
  return { agreement: found, map: () => linearAssignment(sum(depthwise ? [rows, after[0]!] : [rows]), nB, nA) };
}

function sum(scores: readonly Float64Array[]): Float64Array {
  return scores.length === 1
    ? scores[0]!
    : scores[0]!.map((value, i) => scores.reduce((total, score, s) => (s === 0 ? value : total + score[i]!), 0));
}

/** Where the data come in: filters over 2 to 4 channels, else over one, else the first matrix. */
function inputLayer(pairs: readonly LayerPair[]): LayerPair | undefined {
  const same = pairs.filter(({ a, b }) => a.inputs === b.inputs);
  return (
    same.find(({ a }) => a.kernel > 1 && a.inputs >= 2 && a.inputs <= 4) ?? same.find(({ a }) => a.kernel > 1 && a.inputs === 1) ?? same[0]
  );
}

function inputSpace({ a }: LayerPair): Space {
  return { a: a.inputs, b: a.inputs, map: Int32Array.from({ length: a.inputs }, (_, i) => i), source: '' };
}

/** By name where names meet, also behind prefixes; else in order, as far as kernels agree. */
function pairLayers(layersA: readonly WalkLayer[], layersB: readonly WalkLayer[]): LayerPair[] {
  const bySlot = new Map(layersA.map((layer) => [layer.slot, layer]));
  const kernels = new Map(layersB.map((layer) => [layer.slot, layer.kernel]));
  const named = (slotOf: (slot: string) => string | undefined): LayerPair[] =>
    layersB.flatMap((b) => {
      const a = bySlot.get(slotOf(b.slot) ?? '');
      return a && a.kernel === b.kernel ? [{ a, b }] : [];
    });
  const enough = Math.min(layersA.length, layersB.length) / 2;
  const straight = named((slot) => slot);
  if (straight.length >= enough) return straight;
  const map = renamedSlots([...bySlot.keys()], [...kernels.keys()], (x, y) => bySlot.get(x)?.kernel === kernels.get(y));
  const renamed = named((slot) => map.get(slot));
  if (renamed.length >= enough) return renamed;
  const differ = layersB.findIndex((b, i) => layersA[i]?.kernel !== b.kernel || (layersA[i]!.inputs === 1) !== (b.inputs === 1));
  return layersB.slice(0, differ < 0 ? layersB.length : differ).map((b, i) => ({ a: layersA[i]!, b }));
}
