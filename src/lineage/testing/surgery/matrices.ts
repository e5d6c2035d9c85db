/**
 * Picking, scaling and multiplying the matrices of a taken-apart transformer.
 * @module
 */
import { multiply, polar, transpose } from '../../../math/index.ts';
import { randomness } from '../synthetic.ts';
import { type Linear, type Matrix, matrix } from './transformer.ts';

/** Row i of the result is row `order[i]`; -1 gives zeros. */
export function pickRows<T extends Matrix>(m: T, order: readonly number[], scale: (i: number) => number = () => 1): T {
  const picked = matrix(order.length, m.columns, (i, j) => (order[i]! < 0 ? 0 : m.data[order[i]! * m.columns + j]! * scale(i)));
  const bias = biasOf(m);
  return { ...m, ...picked, ...(bias && { bias: Float64Array.from(order, (from, i) => (from < 0 ? 0 : bias[from]! * scale(i))) }) };
}

/** Column j of the result is column `order[j]`; biases stay. */
export function pickColumns<T extends Matrix>(m: T, order: readonly number[], scale: (j: number) => number = () => 1): T {
  return {
    ...m,
    ...matrix(m.rows, order.length, (i, j) => (order[j]! < 0 ? 0 : m.data[i * m.columns + order[j]!]! * scale(j))),
  };
}

export function pickValues(values: Float64Array, order: readonly number[], scale: (i: number) => number = () => 1): Float64Array {
  return Float64Array.from(order, (from, i) => (from < 0 ? 0 : values[from]! * scale(i)));
}

/** M times the rows `[start, start + M.rows)`; the others stay. */
export function mixRows<T extends Matrix>(m: T, start: number, by: Matrix): T {
  const data = m.data.slice();
  data.set(
    multiply(by.data, m.data.slice(start * m.columns, (start + by.rows) * m.columns), by.rows, by.columns, m.columns),
    start * m.columns,
  );
  const bias = biasOf(m)?.slice();
  bias?.set(multiply(by.data, bias.slice(start, start + by.rows), by.rows, by.columns, 1), start);
  return { ...m, data, ...(bias && { bias }) };
}

/** The columns `[start, start + M.rows)` times M; the others stay, and so does the bias. */
export function mixColumns<T extends Matrix>(m: T, start: number, by: Matrix): T {
  const data = m.data.slice();
  for (let i = 0; i < m.rows; i++)
    for (let j = 0; j < by.columns; j++) {
      let sum = 0;
      for (let t = 0; t < by.rows; t++) sum += m.data[i * m.columns + start + t]! * by.data[t * by.columns + j]!;
      data[i * m.columns + start + j] = sum;
    }
  return { ...m, data };
}

export function transposed(m: Matrix): Matrix {
  return { rows: m.columns, columns: m.rows, data: transpose(m.data, m.rows, m.columns) };
}

/** A random rotation; `keepMean` makes it leave the vector of ones alone, as LayerNorm needs. */
export function rotation(size: number, seed: number, keepMean = false): Matrix {
  const { normal } = randomness(seed);
  let g = matrix(size, size, () => normal());
  if (keepMean) {
    const rows = Array.from({ length: size }, (_, i) => g.data.subarray(i * size, (i + 1) * size).reduce((sum, x) => sum + x, 0) / size);
    const columns = Array.from({ length: size }, (_, j) => rows.reduce((sum, _x, i) => sum + g.data[i * size + j]!, 0) / size);
    const all = rows.reduce((sum, x) => sum + x, 0) / size;
    const centered = g;
    g = matrix(size, size, (i, j) => centered.data[i * size + j]! - rows[i]! - columns[j]! + all + 3 / Math.sqrt(size));
  }
  return { ...g, data: polar(g.data, size, size) };
}

/** A random invertible matrix and its inverse: rotation, scales between 1/2 and 2, rotation. */
export function invertible(size: number, seed: number): readonly [Matrix, Matrix] {
  const [u, v] = [rotation(size, seed), rotation(size, seed + 1)];
  const { uniform } = randomness(seed + 2);
  const scales = Float64Array.from({ length: size }, () => 2 ** (2 * uniform() - 1));
  const product = (x: Matrix, s: (t: number) => number, y: Matrix): Matrix => ({
    ...x,
    data: multiply(pickColumns(x, range(size), s).data, y.data, size, size, size),
  });
  return [product(u, (t) => scales[t]!, v), product(transposed(v), (t) => 1 / scales[t]!, transposed(u))];
}

export function range(count: number, start = 0): number[] {
  return Array.from({ length: count }, (_, i) => start + i);
}

/** Fisher and Yates. */
export function shuffled(count: number, seed: number): number[] {
  const { uniform } = randomness(seed);
  const order = range(count);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function biasOf(m: Matrix): Float64Array | null {
  return (m as Partial<Linear>).bias ?? null;
}
