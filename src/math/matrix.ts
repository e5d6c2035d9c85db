/**
 * Small dense matrices, row-major Float64Array. Plain loops: the sizes here are hidden widths, not whole models.
 * @module
 */

/** `a [m, k]` times `b [k, n]`. */
export function multiply(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let p = 0; p < k; p++) {
      const x = a[i * k + p]!;
      if (x === 0) continue;
      const from = p * n;
      const to = i * n;
      for (let j = 0; j < n; j++) out[to + j]! += x * b[from + j]!;
    }
  return out;
}

/** Transpose of `a [k, m]` times `b [k, n]`. */
export function multiplyTransposed(a: Float64Array, b: Float64Array, k: number, m: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let p = 0; p < k; p++)
    for (let i = 0; i < m; i++) {
      const x = a[p * m + i]!;
      if (x === 0) continue;
      const from = p * n;
      const to = i * n;
      for (let j = 0; j < n; j++) out[to + j]! += x * b[from + j]!;
    }
  return out;
}

/** `a [m, k]` times the transpose of `b [n, k]`: all dot products of rows. */
export function rowProducts(a: Float64Array, b: Float64Array, m: number, n: number, k: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0, x = i * k, y = j * k; p < k; p++) sum += a[x + p]! * b[y + p]!;
      out[i * n + j] = sum;
    }
  return out;
}

/** Rows scaled to length 1; zero rows stay zero. */
export function unitRows(a: Float64Array, rows: number, columns: number): Float64Array {
  const out = Float64Array.from(a);
  for (let i = 0; i < rows; i++) {
    let square = 0;
    for (let j = i * columns; j < (i + 1) * columns; j++) square += out[j]! * out[j]!;
    const scale = square > 0 && Number.isFinite(square) ? 1 / Math.sqrt(square) : 0;
    for (let j = i * columns; j < (i + 1) * columns; j++) out[j] = scale === 0 ? 0 : out[j]! * scale;
  }
  return out;
}

/** The mean row removed from every row. */
export function centerColumns(a: Float64Array, rows: number, columns: number): Float64Array {
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) mean[j]! += a[i * columns + j]! / rows;
  return a.map((value, at) => value - mean[at % columns]!);
}
