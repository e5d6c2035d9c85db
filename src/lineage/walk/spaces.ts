/**
 * Channels between layers, and what a layer says of the channels it makes.
 * @module
 */
import type { WalkLayer } from './layers.ts';
import type { Features } from './match.ts';

/** The channels that one layer writes and others read, and which of A's each of B's is. */
export interface Space {
  readonly a: number;
  readonly b: number;
  /** For each channel of B its channel in A, -1 where it has none. */
  readonly map: Int32Array;
  /** The slot of the layer that writes it; '' for the network's input, whose order the data fixes. */
  readonly source: string;
}

export interface LayerPair {
  readonly a: WalkLayer;
  readonly b: WalkLayer;
}

/** How a layer reads a space. `spread`: columns for each channel, after a flatten; `last`: channels run fastest there. */
export interface Reading {
  readonly space: Space;
  readonly spread: number;
  readonly lastA: boolean;
  readonly lastB: boolean;
}

/** A pair of channels, A's and B's. */
export type Channels = readonly (readonly [a: number, b: number])[];

/** Columns are thinned to this many, and to what keeps one comparison of channels under a second. */
const MAX_COLUMNS = 1024;
const MAX_PRODUCTS = 6e8;

export function channelsOf({ map }: Space): Channels {
  return [...map].flatMap((a, b): [number, number][] => (a >= 0 ? [[a, b]] : []));
}

/** One depthwise kernel for every channel. A 1-channel input read by a usual convolution has no space of as many outputs before it. */
export function isDepthwise({ a, b }: LayerPair): boolean {
  return a.inputs === 1 && b.inputs === 1 && a.kernel > 1;
}

/** The ways the pair could read a space, straight first; none when the sizes do not fit. Decided by shapes alone. */
export function readingsOf({ a, b }: LayerPair, space: Space): Reading[] {
  const spread = a.inputs / space.a;
  if (!Number.isInteger(spread) || spread < 1 || b.inputs !== spread * space.b || a.kernel !== b.kernel) return [];
  const straight = { space, spread, lastA: false, lastB: false };
  if (spread === 1) return [straight];
  // A flatten after convolutions, only before matrices: PyTorch leaves [channel, place], TensorFlow [place, channel].
  if (a.kernel > 1) return [];
  return [straight, { ...straight, lastA: true, lastB: true }, { ...straight, lastB: true }, { ...straight, lastA: true }];
}

/** Rows of both layers over the same input channels. */
export function rowsOf(pair: LayerPair, reading: Reading, channels: Channels): Features {
  const { space, spread } = reading;
  const { kernel } = pair.a;
  const most = Math.min(MAX_COLUMNS, Math.max(64, Math.floor(MAX_PRODUCTS / (pair.a.outputs * pair.b.outputs))));
  const kept = thin(channels, Math.max(1, Math.floor(most / (spread * kernel))));
  const columns = kept.length * spread * kernel;
  const gather = (layer: WalkLayer, side: 0 | 1, size: number, last: boolean): Float64Array => {
    const out = new Float64Array(layer.outputs * columns);
    const width = layer.inputs * kernel;
    for (let r = 0, at = 0; r < layer.outputs; r++)
      for (const pairOf of kept)
        for (let s = 0; s < spread; s++) {
          const input = last ? s * size + pairOf[side] : pairOf[side] * spread + s;
          // What a channel reads of itself may be a skip folded in, or a start at the identity: strangers hold it too.
          const own = layer.inputs === layer.outputs && r === pairOf[side];
          for (let p = 0; p < kernel; p++) out[at++] = own ? 0 : layer.values[r * width + input * kernel + p]!;
        }
    return out;
  };
  return { a: gather(pair.a, 0, space.a, reading.lastA), b: gather(pair.b, 1, space.b, reading.lastB), columns };
}

/** Evenly spaced members of a list. */
function thin(channels: Channels, count: number): Channels {
  if (channels.length <= count) return channels;
  return Array.from({ length: count }, (_, i) => channels[Math.floor((i * channels.length) / count)]!);
}

/** Quantiles kept of what a channel's readers hold for it. */
const QUANTILES = 64;

/**
 * What stands after a layer says of its channels: the depthwise kernel over each, and what the next layer reads it by, sorted over that
 * layer's outputs, whose order is not known yet. Null when nothing that follows fits.
 */
export function followersOf(pairs: readonly LayerPair[], at: number): { depthwise: Features | null; readers: Features | null } {
  const maker = pairs[at]!;
  let depthwise: Features | null = null;
  for (const next of pairs.slice(at + 1)) {
    const fits = next.a.outputs === maker.a.outputs && next.b.outputs === maker.b.outputs && next.a.kernel === next.b.kernel;
    if (isDepthwise(next)) {
      if (fits && !depthwise)
        depthwise = { a: Float64Array.from(next.a.values), b: Float64Array.from(next.b.values), columns: next.a.kernel };
      continue;
    }
    if (next.a.inputs !== maker.a.outputs || next.b.inputs !== maker.b.outputs || next.a.kernel !== next.b.kernel) continue;
    const quantiles = Math.min(QUANTILES, next.a.outputs, next.b.outputs);
    return {
      depthwise,
      readers: { a: sortedReads(next.a, quantiles), b: sortedReads(next.b, quantiles), columns: quantiles * next.a.kernel },
    };
  }
  return { depthwise, readers: null };
}

function sortedReads({ values, outputs, inputs, kernel }: WalkLayer, quantiles: number): Float64Array {
  const out = new Float64Array(inputs * kernel * quantiles);
  const read = new Float64Array(outputs);
  for (let c = 0, at = 0; c < inputs; c++)
    for (let p = 0; p < kernel; p++) {
      for (let r = 0; r < outputs; r++) read[r] = values[(r * inputs + c) * kernel + p]!;
      read.sort();
      for (let q = 0; q < quantiles; q++) out[at++] = read[quantiles === 1 ? 0 : Math.round((q * (outputs - 1)) / (quantiles - 1))]!;
    }
  return out;
}
