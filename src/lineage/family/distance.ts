/**
 * How far apart two models are, from their sketches, in a way that distances of three models fit together.
 * @module
 */
import { type Sample, type Sketch, valueAt } from '../sketch.ts';

export interface Distance {
  /** Squared distance in the unit given; the sketches' own rounding is taken off. Never below 0. */
  readonly squared: number;
  /** Standard error of `squared` by that rounding. */
  readonly error: number;
  /** The same over places where the second, then the first, has values: what pruning leaves. */
  readonly keptByB: number;
  readonly keptByA: number;
}

/** Below this a difference may come from how values lie on the codes' lattice: a change of .3 %. */
const FLOOR = 1e-5;

/**
 * Names the coordinates a sketch looks at: models of one frame can be laid over each other, value by value. Token tables stay out,
 * so that an extended vocabulary changes nothing.
 */
export function frameOf(sketch: Sketch): string {
  return framed(sketch)
    .map((s) => `${s.slot} ${s.shape[0]}x${s.shape[1]} ${s.units}x${s.features}`)
    .join('\n');
}

/** Sum of squares over the frame: the unit of one family, so that its distances are of one space. */
export function sizeOf(sketch: Sketch): number {
  let sum = 0;
  for (const s of framed(sketch)) for (let u = 0; u < s.units; u++) for (let f = 0; f < s.features; f++) sum += valueAt(s, u, f) ** 2;
  return sum;
}

/** The distance of two models of one frame, in units of `unit`; null when there is nothing to measure. */
export function distanceOf(a: Sketch, b: Sketch, unit: number): Distance | null {
  const [left, right] = [framed(a), framed(b)];
  const sum = { all: 0, noise: 0, n: 0, keptByB: 0, noiseB: 0, keptByA: 0, noiseA: 0 };
  left.forEach((x, i) => {
    const y = right[i]!;
    for (let u = 0; u < x.units; u++) {
      // Rounding to a step s is uniform noise of variance s^2 / 12.
      const noise = (x.scales[u]! ** 2 + y.scales[u]! ** 2) / 12;
      for (let f = 0; f < x.features; f++) {
        const [p, q] = [valueAt(x, u, f), valueAt(y, u, f)];
        const square = (q - p) ** 2;
        sum.all += square;
        sum.noise += noise;
        sum.n++;
        if (q !== 0) [sum.keptByB, sum.noiseB] = [sum.keptByB + square, sum.noiseB + noise];
        if (p !== 0) [sum.keptByA, sum.noiseA] = [sum.keptByA + square, sum.noiseA + noise];
      }
    }
  });
  if (!(unit > 0) || sum.n === 0 || !Number.isFinite(sum.all)) return null;
  const over = (square: number, noise: number): number => Math.max(0, square - noise) / unit;
  const squared = over(sum.all, sum.noise);
  const noise = sum.noise / unit;
  return {
    squared,
    error: FLOOR + Math.sqrt((2 * noise ** 2 + 4 * squared * noise) / sum.n),
    keptByB: over(sum.keptByB, sum.noiseB),
    keptByA: over(sum.keptByA, sum.noiseA),
  };
}

/** Sorted by slot: formats store tensors in orders of their own. */
function framed(sketch: Sketch): Sample[] {
  return sketch.samples
    .filter((s) => s.role !== 'embed' && s.role !== 'head' && s.excluded === '')
    .sort((x, y) => (x.slot < y.slot ? -1 : x.slot > y.slot ? 1 : 0));
}
