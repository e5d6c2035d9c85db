/**
 * Tensors that are stored but not learned: equal in strangers, so no evidence.
 * The list is that of the convolutional trials (section 5 there): transforms, filter banks, grids, masks.
 * @module
 */
import { fft } from '../math/index.ts';

/** Share of a row's energy that four frequencies must hold for it to be a transform's basis vector. */
const TRANSFORM_ENERGY = 0.9;

/**
 * Why `[rows, columns]` values are a constant, or ''.
 * @param complete whether these are all rows (column tests then apply too).
 */
export function constantReason(values: Float32Array, rows: number, columns: number, complete: boolean): string {
  const count = rows * columns;
  let few = true;
  let min = Infinity;
  let max = -Infinity;
  let zeros = 0;
  let whole = true;
  const distinct = new Set<number>();
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    if (value === 0) zeros++;
    if (whole && !Number.isInteger(value)) whole = false;
    if (few) few = distinct.add(value).size <= 8;
  }
  if (!Number.isFinite(min) || !Number.isFinite(max)) return 'holds values that are not numbers';
  if (min === max) return 'all values are equal';
  if (whole) return 'all values are whole numbers';
  if (count >= 64 && few) return 'at most 8 distinct values';
  if (zeros > 0.6 * count && min >= 0) return 'a filter bank: mostly zero, never negative';
  if (complete && isGrid(values, rows, columns)) return 'a grid of points or boxes: few values in every column';
  if (isTransform(values, rows, columns, columns, 1)) return 'rows are sine waves: a transform basis';
  if (complete && isTransform(values, columns, rows, 1, columns)) return 'columns are sine waves: a transform basis';
  return '';
}

/** Points and boxes laid out on an image repeat each coordinate along the other axis; trained values do not repeat. */
function isGrid(values: Float32Array, rows: number, columns: number): boolean {
  if (columns < 2 || columns > 4 || rows < 64 || rows > 1 << 16) return false;
  for (let c = 0; c < columns; c++) {
    const distinct = new Set<number>();
    for (let r = 0; r < rows; r++) distinct.add(values[r * columns + c]!);
    if (distinct.size > rows / 4) return false;
  }
  return true;
}

/** Whether the median of up to 16 rows holds nearly all its energy in four bins of its spectrum. */
function isTransform(values: Float32Array, rows: number, columns: number, rowStep: number, step: number): boolean {
  if (rows < 4 || columns < 32) return false;
  const size = 2 ** Math.min(9, Math.floor(Math.log2(columns)));
  const shares: number[] = [];
  const take = Math.min(rows, 16);
  for (let i = 0; i < take; i++) {
    // Four rows of noise in a row: not a transform, and the usual case.
    if (i === 4 && shares.every((share) => share <= TRANSFORM_ENERGY)) return false;
    const row = Math.floor((i * rows) / take);
    const re = new Float64Array(size);
    for (let j = 0; j < size; j++) re[j] = values[row * rowStep + j * step]!;
    shares.push(topEnergy(re));
  }
  shares.sort((a, b) => a - b);
  return shares[shares.length >> 1]! > TRANSFORM_ENERGY;
}

/** Share of the energy about the mean that the four strongest bins hold; a windowed sine of a broken period leaks into about three. */
function topEnergy(re: Float64Array): number {
  const size = re.length;
  const mean = re.reduce((sum, value) => sum + value, 0) / size;
  for (let i = 0; i < size; i++) re[i]! -= mean;
  const im = new Float64Array(size);
  fft(re, im);
  const power = Array.from({ length: size / 2 }, (_, i) => re[i + 1]! ** 2 + im[i + 1]! ** 2);
  const total = power.reduce((sum, value) => sum + value, 0);
  if (total < 1e-20) return 0;
  power.sort((a, b) => b - a);
  return power.slice(0, 4).reduce((sum, value) => sum + value, 0) / total;
}
