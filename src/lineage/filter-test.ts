/**
 * Swap-Sign on the filters of convolutional and other layers, each judged alone: paired by slot, or by shape where names say nothing.
 * @module
 */
import { median } from '../math/index.ts';
import { ALL_ASSUMPTIONS, type Inputs, type Outcome, share } from './exact-tests.ts';
import { withoutOwnChannels } from './own-channels.ts';
import { filterCandidates, type SamplePair } from './pairing.ts';
import { isRecurrent, recurrentFlips, recurrentUnits } from './recurrent.ts';
import type { Sketch } from './sketch.ts';
import { addFlips, type Flips, log10PValue, NO_FLIPS, swapSign } from './swap-sign.ts';

export interface FilterOutcome extends Outcome {
  /** How layers were matched. */
  readonly mode: 'names' | 'shapes';
  /** Per matched layer, in file order. */
  readonly layers: readonly {
    readonly pair: SamplePair;
    readonly slot: string;
    readonly flips: Flips;
    readonly log10P: number;
    readonly parameters: number;
  }[];
  /** log10 of (layers x smallest p): Holm's first step, valid under any dependence between layers. */
  readonly holm: number;
  /** log10 p of all layers pooled; supporting only, because tied channels share one coin. */
  readonly whole: number;
}

/** Layers with fewer flips cannot decide alone (trials: at most 16 rows). */
const MIN_LAYER_FLIPS = 9;

/**
 * Filters and rows of generic networks, layer by layer. Where names do not match, the best of all layers of that shape,
 * its p multiplied by their number; a selected match never enters the pooled count.
 */
export function filterTest(a: Sketch, b: Sketch, inputs: Inputs): FilterOutcome | null {
  const { mode, layers: found } = filterCandidates(a, b);
  const candidates = found.map((pairs) =>
    pairs.map(([x, y]): SamplePair => [withoutOwnChannels(x, a.salt), withoutOwnChannels(y, b.salt)]),
  );
  const layers = candidates.map((pairs) => bestFilters(pairs, b));
  const all = addFlips(layers.map((layer) => layer.flips));
  if (all.n === 0) return null;
  const testable = layers.filter((layer) => layer.flips.n >= MIN_LAYER_FLIPS);
  const smallest = Math.min(0, ...testable.map((layer) => layer.log10P));
  const holm = Math.min(0, smallest + Math.log10(Math.max(1, testable.length)));
  // Signs of matches selected by their values must not be pooled: selection alone makes them agree.
  const whole = mode === 'names' ? log10PValue(all) : holm;
  return {
    mode,
    layers,
    holm,
    whole,
    layerMap: null,
    power: strongest(layers, candidates, testable.length),
    evidence: {
      test: 'swap-sign/filters',
      version: 1,
      class: 'exact',
      question: 'Do the same filters sit in the same places of both models?',
      statistic: { name: 'smallest layer p times layers (Holm), log10', value: holm },
      n: testable.length,
      log10P: holm,
      effect: { name: 'share of agreeing flips', value: share(all) },
      nullModel:
        'fair coins in every layer; layers joined by residual sums may share coins, so layers are corrected by Holm and not multiplied',
      assumptions: ALL_ASSUMPTIONS,
      details: {
        matching: mode === 'names' ? 'by name and shape' : 'by shape: the best of all layers of that shape, p multiplied by their number',
        pooledLog10P: whole,
        medianLayerLog10P: median(testable.map((layer) => layer.log10P)) ?? 0,
        layerAgree: layers.map((layer) => layer.flips.k),
        layerFlips: layers.map((layer) => layer.flips.n),
        layers: layers.map((layer) => layer.slot),
      },
      inputs,
    },
  };
}

/** The largest layer decides what this test could have seen: layers are not pooled for a verdict. */
function strongest(layers: FilterOutcome['layers'], candidates: readonly (readonly SamplePair[])[], tested: number): Outcome['power'] {
  return layers.reduce<Outcome['power']>(
    (best, layer, i) =>
      layer.flips.n > best.flips.n ? { flips: layer.flips, correction: Math.log10(Math.max(1, tested) * candidates[i]!.length) } : best,
    { flips: NO_FLIPS, correction: 0 },
  );
}

/** The pair with the smallest p, corrected for how many were tried. */
function bestFilters(pairs: readonly SamplePair[], b: Sketch): FilterOutcome['layers'][number] {
  const tried = pairs.map((pair) => {
    const flips = filterFlips(pair, b);
    return { pair, flips, log10P: flips.n >= MIN_LAYER_FLIPS ? Math.min(0, log10PValue(flips) + Math.log10(pairs.length)) : 0 };
  });
  const best = tried.reduce((least, next) => (next.log10P < least.log10P ? next : least));
  const [, right] = best.pair;
  return { ...best, slot: right.slot, parameters: right.shape[0] * right.shape[1] };
}

/** A recurrent unit is a row in every gate, and a column; without knowing their number nothing is counted. */
function filterFlips(pair: SamplePair, b: Sketch): Flips {
  if (!isRecurrent(pair[1]) && !isRecurrent(pair[0])) return swapSign([pair], { pairing: 'neighbors', normalize: true });
  const units = recurrentUnits(b, pair[1]);
  return units === null ? NO_FLIPS : recurrentFlips(pair[0], pair[1], units, b.salt);
}
