/**
 * Whether what is equal in two models was trained. Strangers hold equal tensors too: transforms, filter banks and tables that both store,
 * whatever they are called, and layers that stand as a seed drew them because nothing ever trained them.
 * @module
 */
import { isDrawn } from './drawn.ts';
import type { Identity } from './identity.ts';
import type { Sketch, VectorSample } from './sketch.ts';

/** Vectors that must be equal and not constant. */
const MIN_VECTORS = 2;
/** Distinct values of a vector that was trained. */
const MIN_DISTINCT = 4;
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
  return 2 * matrices.filter(isDrawn).length < matrices.length;
}

function keyOf({ length, values }: VectorSample): string {
  return `${length}|${values.join(' ')}`;
}
