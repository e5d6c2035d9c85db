import { multiply, multiplyTransposed } from './matrix.ts';
import { eigenSymmetric } from './symmetric.ts';

/** Singular values under this share of the largest carry no direction. */
const RANK_TOLERANCE = 1e-6;

/**
 * The orthogonal factor U V^T of `m = U S V^T`, `[rows, columns]`: the rotation nearest to m. Directions m does not
 * reach map to zero, so differing widths are no special case. Cost: an eigenproblem of the smaller side.
 */
export function polar(m: Float64Array, rows: number, columns: number): Float64Array {
  if (rows < columns) return transpose(polar(transpose(m, rows, columns), columns, rows), columns, rows);
  const { values, vectors } = eigenSymmetric(multiplyTransposed(m, m, rows, columns, columns), columns);
  const largest = Math.sqrt(Math.max(0, values[columns - 1] ?? 0));
  // m V S^-1 V^T = U V^T
  const scaled = Float64Array.from(vectors);
  for (let j = 0; j < columns; j++) {
    const singular = Math.sqrt(Math.max(0, values[j]!));
    const scale = singular > largest * RANK_TOLERANCE ? 1 / singular : 0;
    for (let i = 0; i < columns; i++) scaled[i * columns + j]! *= scale;
  }
  const inverse = multiply(scaled, transpose(vectors, columns, columns), columns, columns, columns);
  return multiply(m, inverse, rows, columns, columns);
}

export function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]!;
  return out;
}
