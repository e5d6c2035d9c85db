/**
 * The random numbers that PyTorch's CPU generator hands to initializers, for seeds that scripts use.
 * Source: ATen, CPUGeneratorImpl.h, TransformationHelper.h (`uniform_real`: 24 bits) and DistributionTemplates.h (`normal_fill`).
 * @module
 */
import { mersenneTwister } from '../../math/index.ts';

/** Defaults of frameworks, tutorials and papers (trials, convnets, section 4). */
export const SEEDS: readonly number[] = [0, 1, 2, 3, 7, 10, 42, 100, 123, 1234, 1337, 2020, 2021, 2022, 2023, 2024, 3407];

/**
 * `uniform`: every law drawn one number a value, in rising order: uniform, and truncated normal by its quantile function.
 * `normal`: tensors of 16 values and more, drawn in blocks of 16.
 */
export type Law = 'uniform' | 'normal';

/** A seed's stream, each standardized to mean 0 and variance 1. */
export interface Stream {
  readonly seed: number;
  readonly uniform: Float64Array;
  /** What stands at place t of a normal tensor if t is among the first (`low`) or last (`high`) 8 of its block. */
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export function streamOf(seed: number, length: number): Stream {
  const raw = mersenneTwister(seed, length + 8);
  const u = Float64Array.from(raw, (x) => (x & 0xffffff) / 2 ** 24);
  const uniform = u.subarray(0, length).map((x) => (x - 0.5) * Math.sqrt(12));
  const low = new Float64Array(length);
  const high = new Float64Array(length);
  for (let t = 0; t < length; t++) {
    const radius = Math.sqrt(-2 * Math.log(1 - u[t]!));
    const angle = 2 * Math.PI * u[t + 8]!;
    low[t] = radius * Math.cos(angle);
    if (t + 8 < length) high[t + 8] = radius * Math.sin(angle);
  }
  return { seed, uniform, low, high };
}

/** What the stream puts at the `count` first places of a tensor that begins at `offset`. */
export function regenerated(stream: Stream, law: Law, offset: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const at = offset + i;
    if (law === 'uniform') return stream.uniform[at] ?? 0;
    return (i % 16 < 8 ? stream.low[at] : stream.high[at]) ?? 0;
  });
}
