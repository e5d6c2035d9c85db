/**
 * The pass over two files: every pair of slots streamed once, in blocks of rows, while the next block is being read.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { type Model, readRoleRows, type Role, type RoleTensor } from '../../model/index.ts';
import type { DType } from '../../weights/index.ts';
import { type SlotPair, weightsOf } from './pairs.ts';
import { probedRows, probeRank, type RankProbe, roundingNoise } from './rank.ts';
import { addBfloat16Rows, addRows, emptyTally, precisionOf, roundTo, stepOf, type Tally } from './tally.ts';

/** Values of one block of one side: 4 MiB as f32, of which four are held. */
const BLOCK_VALUES = 1 << 20;
/** Matrices stored the other way round are read whole for each block: larger blocks, fewer reads (the reader's own limit). */
const TURNED_VALUES = 1 << 24;
/** Smallest matrix whose change has a rank to speak of. */
export const MIN_RANKED = 8;

/** What the pass says of one pair of tensors: numbers only, so that a worker can send it. */
export interface TensorDelta {
  readonly slotA: string;
  readonly slotB: string;
  readonly role: Role;
  readonly of: Role | null;
  readonly block: number | null;
  readonly dtypeA: DType;
  readonly dtypeB: DType;
  /** `[1, n]` for vectors. */
  readonly rows: number;
  readonly columns: number;
  readonly tally: Tally;
  readonly probe: RankProbe | null;
}

/** Reads pairs of two opened models; the trees must stay open. */
export function makeMeter(a: Model, b: Model): (pair: SlotPair, watch?: Watch) => Promise<TensorDelta> {
  const [left, right] = [a, b].map((model) => new Map(weightsOf(model).map((rt) => [rt.slot, rt])));
  return (pair, watch = {}) => measure(a, b, left!.get(pair.slotA)!, right!.get(pair.slotB)!, pair, watch);
}

/** @throws SourceError, WeightsError when bytes cannot be had; the signal's reason. */
async function measure(a: Model, b: Model, rtA: RoleTensor, rtB: RoleTensor, pair: SlotPair, watch: Watch): Promise<TensorDelta> {
  const isVector = pair.columns === 1;
  const [rows, columns] = isVector ? [1, pair.rows] : [pair.rows, pair.columns];
  const [dtypeA, dtypeB] = [rtA.tensor.dtype, rtB.tensor.dtype];
  const tally = emptyTally();
  const probed = !isVector && rows >= MIN_RANKED && columns >= MIN_RANKED ? probedRows(rows) : new Int32Array(0);
  const change = new Float64Array(probed.length * columns);
  const kept = new Float64Array(probed.length * columns);
  let next = 0;
  const step = Math.min(...[dtypeA, dtypeB].map(stepOf)) === 0 ? 0 : Math.max(stepOf(dtypeA), stepOf(dtypeB));
  const probeRow = (row: number, a: Float32Array, b: Float32Array, from: number): void => {
    for (let j = 0, to = row * columns; j < columns; j++, to++) {
      const y = b[from + j]!;
      const d = y - a[from + j]!;
      change[to] = Number.isFinite(d) ? d : 0;
      kept[to] = Number.isFinite(y) ? y : 0;
    }
  };
  if (!pair.rowsOfA && !isVector && isPlainBfloat16(rtA) && isPlainBfloat16(rtB)) {
    const scratch = { a: new Float32Array(columns), b: new Float32Array(columns) };
    for await (const { start, count, wordsA, wordsB } of wordBlocks(a, b, rtA, rtB, pair)) {
      watch.signal?.throwIfAborted();
      addBfloat16Rows(tally, wordsA, wordsB, count, columns, scratch);
      for (; next < probed.length && probed[next]! < start + count; next++) {
        const from = (probed[next]! - start) * columns;
        probeRow(next, widen(wordsA, from, scratch.a), widen(wordsB, from, scratch.b), 0);
      }
    }
  } else
    for await (const { start, count, valuesA, valuesB } of blocks(a, b, rtA, rtB, pair)) {
      watch.signal?.throwIfAborted();
      for (; next < probed.length && probed[next]! < start + count; next++)
        probeRow(next, valuesA, valuesB, (probed[next]! - start) * columns);
      castToCoarser(dtypeA, dtypeB, valuesA, valuesB);
      if (isVector) addRows(tally, valuesA, valuesB, 1, count, step);
      else addRows(tally, valuesA, valuesB, count, columns, step);
    }
  return {
    slotA: pair.slotA,
    slotB: pair.slotB,
    role: rtB.role,
    of: rtB.of ?? null,
    block: rtB.block,
    dtypeA,
    dtypeB,
    rows,
    columns,
    tally,
    probe: probed.length > 0 ? probeRank(change, probed.length, columns, roundingNoise(kept, precisionOf(dtypeB))) : null,
  };
}

/** Whether the role is the stored tensor itself, in bfloat16: its bytes can be used as they are. */
function isPlainBfloat16({ tensor, view }: RoleTensor): boolean {
  return tensor.dtype === 'BF16' && tensor.shape.length === 2 && Object.values(view).every((part) => part === undefined || part === false);
}

function widen(words: Uint16Array, from: number, out: Float32Array): Float32Array {
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < out.length; i++) bits[i] = words[from + i]! << 16;
  return out;
}

interface WordBlock {
  readonly start: number;
  readonly count: number;
  readonly wordsA: Uint16Array;
  readonly wordsB: Uint16Array;
}

/** As `blocks`, without decoding. */
async function* wordBlocks(a: Model, b: Model, rtA: RoleTensor, rtB: RoleTensor, pair: SlotPair): AsyncGenerator<WordBlock> {
  const perBlock = Math.max(1, Math.floor(BLOCK_VALUES / pair.columns));
  yield* readAhead(pair.rows, perBlock, async (start, count) => {
    const [bytesA, bytesB] = await Promise.all([
      a.checkpoint!.readBytes(rtA.tensor, start, count),
      b.checkpoint!.readBytes(rtB.tensor, start, count),
    ]);
    return { start, count, wordsA: asWords(bytesA), wordsB: asWords(bytesB) };
  });
}

function asWords(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2);
}

/** Blocks in order; one is read ahead while the caller works on another. */
async function* readAhead<T>(rows: number, perBlock: number, read: (start: number, count: number) => Promise<T>): AsyncGenerator<T> {
  const at = (start: number): Promise<T> => read(start, Math.min(perBlock, rows - start));
  let ahead = at(0);
  for (let start = 0; start < rows; start += perBlock) {
    const block = await ahead;
    if (start + perBlock < rows) {
      ahead = at(start + perBlock);
      // Handled when its turn comes, or never when the caller stops early.
      ahead.catch(() => {});
    }
    yield block;
  }
}

interface Block {
  readonly start: number;
  readonly count: number;
  readonly valuesA: Float32Array;
  readonly valuesB: Float32Array;
}

/** Decoded blocks in order. */
export async function* blocks(a: Model, b: Model, rtA: RoleTensor, rtB: RoleTensor, pair: SlotPair): AsyncGenerator<Block> {
  const turned = [rtA, rtB].some((rt) => rt.view.transpose === true || rt.view.outputFirst !== undefined);
  const perBlock = Math.max(1, Math.floor((turned ? TURNED_VALUES : BLOCK_VALUES) / pair.columns));
  yield* readAhead(pair.rows, perBlock, async (start, count) => {
    const [valuesA, valuesB] = await Promise.all([
      pair.rowsOfA
        ? mappedRows(a, rtA, pair.rowsOfA.subarray(start, start + count), pair.columns)
        : readRoleRows(a.checkpoint!, rtA, start, count),
      readRoleRows(b.checkpoint!, rtB, start, count),
    ]);
    return { start, count, valuesA, valuesB };
  });
}

/** Rows of A in B's order, read as one range; rows that A does not have are not numbers, and so are not counted. */
async function mappedRows(model: Model, rt: RoleTensor, wanted: Int32Array, columns: number): Promise<Float32Array> {
  const out = new Float32Array(wanted.length * columns).fill(NaN);
  const order = Array.from(wanted.keys())
    .filter((i) => wanted[i]! >= 0)
    .sort((x, y) => wanted[x]! - wanted[y]!);
  const most = Math.max(1, Math.floor(BLOCK_VALUES / columns));
  for (let at = 0; at < order.length;) {
    const first = wanted[order[at]!]!;
    let end = at;
    while (end < order.length && wanted[order[end]!]! - first < most) end++;
    const values = await readRoleRows(model.checkpoint!, rt, first, wanted[order[end - 1]!]! - first + 1);
    for (; at < end; at++) {
      const from = (wanted[order[at]!]! - first) * columns;
      out.set(values.subarray(from, from + columns), order[at]! * columns);
    }
  }
  return out;
}

/** Equal "after a cast" means after A's values were rounded to B's format, or B's to A's where that is the coarser one. */
function castToCoarser(dtypeA: DType, dtypeB: DType, valuesA: Float32Array, valuesB: Float32Array): void {
  if (dtypeA === dtypeB) return;
  const [precisionA, precisionB] = [precisionOf(dtypeA), precisionOf(dtypeB)];
  if (precisionA === 0 || precisionB === 0) return;
  // bfloat16 and half lie neither inside the other: whichever way round the cast went, both roundings undo it.
  if (precisionB <= precisionA || precisionB < 24) roundTo(dtypeB, valuesA);
  if (precisionA <= precisionB || precisionA < 24) roundTo(dtypeA, valuesB);
}
