/**
 * Rows and columns of two matrices matched by what they hold, in any order: by their bits, or by direction.
 * @module
 */
import { type Model, readRoleRows, type RoleTensor, roleShape } from '../../model/index.ts';

const BLOCK_VALUES = 1 << 20;
/** Multiplications spent on matching the rows of one matrix by direction, and the columns looked at. */
const MAX_PRODUCTS = 4e9;
const DIRECTION_COLUMNS = 96;
/** Cosine from which two rows are the same neuron, changed: strangers' rows stay under .3 (trials, transformers, section 3.2). */
const SAME_ROW = 0.8;

/** Hash of each row's bits, 53 of them: two rows in a hundred thousand collide once in a million tables. */
export async function rowHashes(model: Model, rt: RoleTensor): Promise<Float64Array> {
  const [rows, columns] = roleShape(rt);
  const out = new Float64Array(rows);
  for await (const { start, count, bits } of bitBlocks(model, rt))
    for (let r = 0; r < count; r++) {
      let h = 0x811c9dc5;
      let g = columns;
      for (let i = r * columns; i < (r + 1) * columns; i++) {
        h = Math.imul(h ^ bits[i]!, 0x01000193);
        g = Math.imul(g ^ bits[i]!, 0x85ebca6b) ^ (g >>> 13);
      }
      out[start + r] = joined(h, g);
    }
  return out;
}

/** The same for columns, read row by row. */
export async function columnHashes(model: Model, rt: RoleTensor): Promise<Float64Array> {
  const [rows, columns] = roleShape(rt);
  const h = new Int32Array(columns).fill(0x811c9dc5);
  const g = new Int32Array(columns).fill(rows);
  for await (const { count, bits } of bitBlocks(model, rt))
    for (let r = 0; r < count; r++)
      for (let j = 0, i = r * columns; j < columns; j++, i++) {
        h[j] = Math.imul(h[j]! ^ bits[i]!, 0x01000193);
        g[j] = Math.imul(g[j]! ^ bits[i]!, 0x85ebca6b) ^ (g[j]! >>> 13);
      }
  return Float64Array.from(h, (value, j) => joined(value, g[j]!));
}

function joined(h: number, g: number): number {
  const spread = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return ((spread ^ (spread >>> 12)) >>> 0) * 2 ** 21 + ((g ^ (g >>> 11)) & 0x1fffff);
}

/** Bits of bfloat16's width are kept and minus zero is zero, so that casts do not matter. */
async function* bitBlocks(model: Model, rt: RoleTensor): AsyncGenerator<{ start: number; count: number; bits: Int32Array }> {
  const [rows, columns] = roleShape(rt);
  const perBlock = Math.max(1, Math.floor(BLOCK_VALUES / columns));
  for (let start = 0; start < rows; start += perBlock) {
    const count = Math.min(perBlock, rows - start);
    const values = await readRoleRows(model.checkpoint!, rt, start, count);
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) bits[i] = values[i] === 0 ? 0 : bits[i]! >> 16;
    yield { start, count, bits };
  }
}

/** For each entry of B the one of A with the same hash, -1 for none; of equal ones the one in the same place, else the first left. */
export function matchHashes(a: Float64Array, b: Float64Array): Int32Array {
  const places = new Map<number, number[]>();
  a.forEach((hash, i) => places.set(hash, [...(places.get(hash) ?? []), i]));
  return Int32Array.from(b, (hash, i) => {
    const list = places.get(hash);
    if (!list || list.length === 0) return -1;
    const own = list.indexOf(i);
    return list.splice(own < 0 ? 0 : own, 1)[0]!;
  });
}

/** Share of entries that found a partner. */
export function matchedShare(map: Int32Array): number {
  return map.length === 0 ? 0 : map.reduce((sum, from) => sum + (from >= 0 ? 1 : 0), 0) / map.length;
}

export function isInPlace(map: Int32Array): boolean {
  return map.every((from, to) => from === to || from < 0);
}

/** For each row of B the row of A that points the same way, each the other's best; null when that would cost too much. */
export async function matchDirections(a: Model, rtA: RoleTensor, b: Model, rtB: RoleTensor): Promise<Int32Array | null> {
  const [rowsA, columns] = roleShape(rtA);
  const rowsB = roleShape(rtB)[0];
  const width = Math.min(columns, DIRECTION_COLUMNS);
  if (rowsA * rowsB * width > MAX_PRODUCTS) return null;
  const [x, y] = [await directions(a, rtA, width), await directions(b, rtB, width)];
  const bestOfA = new Int32Array(rowsA).fill(-1);
  const cosineOfA = new Float64Array(rowsA).fill(SAME_ROW);
  const bestOfB = new Int32Array(rowsB).fill(-1);
  for (let j = 0; j < rowsB; j++) {
    let best = SAME_ROW;
    for (let i = 0; i < rowsA; i++) {
      let sum = 0;
      for (let c = 0, p = i * width, q = j * width; c < width; c++) sum += x[p + c]! * y[q + c]!;
      if (sum > best) {
        best = sum;
        bestOfB[j] = i;
      }
      if (sum > cosineOfA[i]!) {
        cosineOfA[i] = sum;
        bestOfA[i] = j;
      }
    }
  }
  return bestOfB.map((i, j) => (i >= 0 && bestOfA[i] === j ? i : -1));
}

/** The first `width` columns, each row scaled to length 1; rows that are no numbers become zero. */
async function directions(model: Model, rt: RoleTensor, width: number): Promise<Float32Array> {
  const [rows, columns] = roleShape(rt);
  const out = new Float32Array(rows * width);
  const perBlock = Math.max(1, Math.floor(BLOCK_VALUES / columns));
  for (let start = 0; start < rows; start += perBlock) {
    const count = Math.min(perBlock, rows - start);
    const values = await readRoleRows(model.checkpoint!, rt, start, count);
    for (let r = 0; r < count; r++) {
      let square = 0;
      for (let c = 0; c < width; c++) square += values[r * columns + c]! ** 2;
      const scale = square > 0 && square < Infinity ? 1 / Math.sqrt(square) : 0;
      if (scale > 0) for (let c = 0; c < width; c++) out[(start + r) * width + c] = values[r * columns + c]! * scale;
    }
  }
  return out;
}

export interface ColumnScales {
  /** Least-squares factor from A's column to B's, and the cosine of the two, over the rows looked at. */
  readonly scale: Float64Array;
  readonly cosine: Float64Array;
}

/** How each column of B relates to the one of A in its place, over up to `most` rows. Both shapes are equal. */
export async function columnScales(a: Model, rtA: RoleTensor, b: Model, rtB: RoleTensor, most = 128): Promise<ColumnScales> {
  const [rows, columns] = roleShape(rtB);
  const count = Math.min(rows, most, Math.max(1, Math.floor((1 << 23) / columns)));
  const start = Math.floor((rows - count) / 2);
  const [x, y] = [await readRoleRows(a.checkpoint!, rtA, start, count), await readRoleRows(b.checkpoint!, rtB, start, count)];
  const scale = new Float64Array(columns);
  const cosine = new Float64Array(columns);
  for (let j = 0; j < columns; j++) {
    let xx = 0;
    let yy = 0;
    let xy = 0;
    for (let i = j; i < count * columns; i += columns) {
      xx += x[i]! * x[i]!;
      yy += y[i]! * y[i]!;
      xy += x[i]! * y[i]!;
    }
    scale[j] = xx > 0 ? xy / xx : 0;
    cosine[j] = xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
  }
  return { scale, cosine };
}
