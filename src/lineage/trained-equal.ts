/**
 * Whether what is equal in two models was trained. Strangers hold equal tensors too: transforms, filter banks and tables that both store,
 * whatever they are called, and layers that stand as a seed drew them because nothing ever trained them.
 * @module
 */
import type { Identity } from './identity.ts';
import { type Sample, type Sketch, valueAt, type VectorSample } from './sketch.ts';

/** Vectors that must be equal and not constant. */
const MIN_VECTORS = 2;
/** Distinct values of a vector that was trained. */
const MIN_DISTINCT = 4;
/** Spread of rows' mean squares, in units of what independent draws of a normal law give; training tells rows apart. */
const FRESH_SPREAD = 2;
/** Excess kurtosis of what starts are drawn from: uniform, normal, cut normal. */
const FRESH_KURTOSIS = 0.3;

/**
 * Norm gains and shifts start at 1 and 0 in every model, so equal ones that moved were trained together. Biases are drawn by some
 * frameworks: they count where the equal matrices do not look freshly drawn.
 */
export function isTrainedEqual(a: Sketch, b: Sketch, identity: Identity): boolean {
  const known = new Set(a.vectors.map(keyOf));
  const equal = b.vectors.filter((vector) => new Set(vector.values).size >= MIN_DISTINCT && known.has(keyOf(vector)));
  const isGain = (vector: VectorSample): boolean => vector.role.startsWith('norm');
  if (equal.filter(isGain).length >= MIN_VECTORS) return true;
  if (equal.length < MIN_VECTORS) return false;
  const slots = new Set(identity.slots);
  const matrices = b.samples.filter((sample) => slots.has(sample.slot) && !sample.excluded && sample.units >= 8);
  return 2 * matrices.filter(looksFresh).length < matrices.length;
}

function keyOf({ length, values }: VectorSample): string {
  return `${length}|${values.join(' ')}`;
}

/** Rows no more unlike in size than independent draws are, and no heavier tails than starts have. */
function looksFresh(sample: Sample): boolean {
  const { units, features } = sample;
  const sizes = new Float64Array(units);
  let fourth = 0;
  for (let u = 0; u < units; u++)
    for (let f = 0; f < features; f++) {
      const square = valueAt(sample, u, f) ** 2;
      sizes[u]! += square / features;
      fourth += square ** 2 / (units * features);
    }
  const mean = sizes.reduce((sum, size) => sum + size, 0) / units;
  const spread = sizes.reduce((sum, size) => sum + (size / mean - 1) ** 2, 0) / units;
  return spread <= (FRESH_SPREAD * 2) / features && fourth / mean ** 2 - 3 <= FRESH_KURTOSIS;
}
