/**
 * Marks that storage leaves on values: zeros of pruning, lattices of quantization.
 * @module
 */
import { median } from '../math/index.ts';
import type { SampleStats } from './sketch.ts';

const GROUP = 32;

/** @param values `[rows, columns]`, whole stored rows (neighbors in a row are neighbors in the file). */
export function sampleStats(values: Float32Array, rows: number, columns: number): SampleStats {
  let zeros = 0;
  for (let i = 0; i < rows * columns; i++) if (values[i] === 0) zeros++;
  return {
    zeros: zeros / Math.max(1, rows * columns),
    distinct: distinctPerGroup(values, rows, columns),
    lattice: latticeResidual(values, rows, columns),
  };
}

function distinctPerGroup(values: Float32Array, rows: number, columns: number): number {
  if (columns < GROUP) return 0;
  const counts: number[] = [];
  for (let r = 0; r < rows && counts.length < 256; r++)
    for (let c = 0; c + GROUP <= columns && counts.length < 256; c += GROUP)
      counts.push(distinctNonZero(values.subarray(r * columns + c, r * columns + c + GROUP)));
  return median(counts) ?? 0;
}

/** Distinct values among the non-zero ones, as if all were non-zero: pruning leaves it at 32, a coarse lattice does not. */
function distinctNonZero(group: Float32Array): number {
  const rest = group.filter((value) => value !== 0);
  return rest.length === 0 ? GROUP : (new Set(rest).size * GROUP) / rest.length;
}

/** Entries under 32 steps only: above, rounding to bfloat16 already moves a value by more than the lattice residual. */
function latticeResidual(values: Float32Array, rows: number, columns: number): number {
  if (columns < GROUP) return -1;
  let sum = 0;
  let n = 0;
  for (let r = 0; r < rows && n < 65536; r++) {
    let max = 0;
    for (let c = 0; c < columns; c++) max = Math.max(max, Math.abs(values[r * columns + c]!));
    if (max === 0 || !Number.isFinite(max)) continue;
    for (let c = 0; c < columns; c++) {
      const steps = (values[r * columns + c]! / max) * 127;
      if (steps === 0 || Math.abs(steps) >= 32) continue;
      sum += (steps - Math.round(steps)) ** 2;
      n++;
    }
  }
  return n < 64 ? -1 : Math.sqrt(sum / n);
}
