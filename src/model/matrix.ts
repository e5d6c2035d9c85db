/**
 * Reads a role as a matrix `[outputs, inputs]`, whatever way the file stores it.
 * Only the stored rows that hold an asked-for value are read, in runs of at most 8 MiB, several at a time.
 * @module
 */
import { type Checkpoint, DTYPES, type TensorInfo } from '../weights/index.ts';
import { type MatrixShape, ModelError, type RoleTensor } from './types.ts';

/** Values in one answer (64 MiB of f32, a matrix of 4096 x 4096); callers read in blocks. (CWE-789) */
const MAX_VALUES = 1 << 24;
/** Stored bytes of one read, unless a single row is longer. */
const MAX_RUN_BYTES = 8 << 20;
/** Stored bytes and reads under way at once. */
const MAX_BATCH_BYTES = 32 << 20;
const MAX_BATCH_READS = 512;

/** Shape of the role after its view; vectors are `[n, 1]`, filters `[outputs, everything else]`. */
export function roleShape(rt: RoleTensor): MatrixShape {
  const axes = axesOf(rt);
  return [axes.outputs, axes.inputs.reduce((product, axis) => product * axis.size, 1)];
}

/**
 * @returns `count * columns` values, row-major: outputs `[start, start + count)` of the role.
 * @throws ModelError `MODEL_LIMIT` for rows that do not exist or answers over 2^24 values; WeightsError for values that cannot be read.
 */
export async function readRoleRows(checkpoint: Checkpoint, rt: RoleTensor, start: number, count: number): Promise<Float32Array> {
  return gather(checkpoint, rt, start, count, null);
}

/**
 * @param columns inputs wanted, in any order, repeats allowed.
 * @returns `rowCount * columns.length` values, row-major. Of a role stored transposed only the stored rows in `columns` are read.
 * @throws as `readRoleRows`.
 */
export async function readRoleBlock(
  checkpoint: Checkpoint,
  rt: RoleTensor,
  rowStart: number,
  rowCount: number,
  columns: Int32Array,
): Promise<Float32Array> {
  return gather(checkpoint, rt, rowStart, rowCount, columns);
}

interface Axis {
  readonly size: number;
  /** Distance of two neighbors inside one stored row, in values; 0 on the stored first axis. */
  readonly stride: number;
  /** Whether it is the stored first axis. */
  readonly first: boolean;
  /** Stored index of the first entry. */
  readonly start: number;
}
interface Axes {
  readonly outputs: number;
  readonly output: Axis;
  /** Stored output index of logical output r, before `output.start`. */
  readonly place: (r: number) => number;
  readonly inputs: readonly Axis[];
  /** Stored shape of the matrix left after `slice`. */
  readonly shape: readonly number[];
}

function axesOf(rt: RoleTensor): Axes {
  const { view } = rt;
  const shape = view.slice === undefined ? rt.tensor.shape : rt.tensor.shape.slice(1);
  const sizes = shape.length === 0 ? [1] : shape;
  let stride = 1;
  const strides = sizes.map(() => 0);
  for (let i = sizes.length - 1; i > 0; i--) {
    strides[i] = stride;
    stride *= sizes[i]!;
  }
  const stored = sizes.map((size, i): Axis => {
    const range = i === 0 ? view.rows : i === 1 ? view.columns : undefined;
    return { size: range ? range[1] : size, start: range ? range[0] : 0, stride: strides[i]!, first: i === 0 };
  });
  const order =
    view.outputFirst ?? (view.transpose && stored.length > 1 ? [1, 0, ...stored.map((_, i) => i).slice(2)] : stored.map((_, i) => i));
  const [output, ...inputs] = order.map((i) => stored[i]!) as [Axis, ...Axis[]];
  return { outputs: output.size, output, place: placement(rt), inputs, shape };
}

function placement(rt: RoleTensor): (r: number) => number {
  const { outputGroups, ropeInterleavedHeadRows: head } = rt.view;
  const grouped = outputGroups
    ? (r: number): number => Math.floor(r / outputGroups[0]) * outputGroups[1] + (r % outputGroups[0])
    : (r: number): number => r;
  if (!head) return grouped;
  const half = head / 2;
  // llama.cpp stores row i of the first half of a head at 2i and row i of the second half at 2i + 1
  return (r) => grouped(r - (r % head) + ((r % head) % half) * 2 + Math.floor((r % head) / half));
}

/** Where values stand along one side of the answer: which stored row, and how far inside it. */
interface Side {
  readonly n: number;
  readonly row: Float64Array | null;
  readonly offset: Int32Array;
  /** Offsets count up by one: whole runs can be copied. */
  readonly even: boolean;
}

async function gather(
  checkpoint: Checkpoint,
  rt: RoleTensor,
  start: number,
  count: number,
  columns: Int32Array | null,
): Promise<Float32Array> {
  const axes = axesOf(rt);
  const width = axes.inputs.reduce((product, axis) => product * axis.size, 1);
  const where = { where: { file: rt.tensor.file, field: rt.tensor.name } };
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(count) || start < 0 || count < 0 || start + count > axes.outputs)
    throw new ModelError('MODEL_LIMIT', `"${rt.slot}" has ${axes.outputs} outputs; ${count} from ${start} were asked for`, where);
  const n = columns ? columns.length : width;
  if (count * n > MAX_VALUES)
    throw new ModelError('MODEL_LIMIT', `${count} x ${n} values of "${rt.slot}" are over ${MAX_VALUES}; read them in blocks`, where);
  if (columns?.some((column) => column < 0 || column >= width))
    throw new ModelError('MODEL_LIMIT', `"${rt.slot}" has ${width} inputs; others were asked for`, where);
  if (count * n === 0) return new Float32Array(0);
  const rows = outputSide(axes, start, count);
  const cols = inputSide(axes.inputs, n, columns);
  const asStored = await wholeRun(checkpoint, rt, axes.shape, rows, cols);
  if (asStored) return shifted(asStored, rt);
  const out = new Float32Array(count * n);
  await eachStoredRow(checkpoint, rt, axes.shape, (rows.row ?? cols.row)!, (values, base, at) =>
    scatter(out, values, base, at, rows, cols),
  );
  return shifted(out, rt);
}

/** @param values changed in place. */
function shifted(values: Float32Array, { view }: RoleTensor): Float32Array {
  if (view.add !== undefined) for (let i = 0; i < values.length; i++) values[i]! += view.add;
  return values;
}

/** The usual case, whole stored rows one after the other: what is read is the answer, without a copy. Null for any other. */
async function wholeRun(
  checkpoint: Checkpoint,
  rt: RoleTensor,
  shape: readonly number[],
  { row }: Side,
  cols: Side,
): Promise<Float32Array | null> {
  const length = shape.slice(1).reduce((product, size) => product * size, 1);
  if (!row || !cols.even || cols.n !== length || cols.offset[0] !== 0 || !row.every((stored, i) => stored === row[0]! + i)) return null;
  const read = rowReader(checkpoint, rt, shape);
  return row.length * read.rowBytes <= MAX_RUN_BYTES ? read.rows(row[0]!, row.length) : null;
}

function outputSide(axes: Axes, start: number, count: number): Side {
  const { output, place } = axes;
  const row = output.first ? new Float64Array(count) : null;
  const offset = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const stored = output.start + place(start + i);
    if (row) row[i] = stored;
    else offset[i] = stored * output.stride;
  }
  return { n: count, row, offset, even: false };
}

function inputSide(inputs: readonly Axis[], n: number, columns: Int32Array | null): Side {
  const row = inputs.some((axis) => axis.first) ? new Float64Array(n) : null;
  const offset = new Int32Array(n);
  let even = row === null;
  for (let i = 0; i < n; i++) {
    let left = columns ? columns[i]! : i;
    for (let a = inputs.length - 1; a >= 0; a--) {
      const axis = inputs[a]!;
      const stored = axis.start + (left % axis.size);
      left = Math.floor(left / axis.size);
      if (axis.first) row![i] = stored;
      else offset[i]! += stored * axis.stride;
    }
    if (i > 0 && offset[i] !== offset[i - 1]! + 1) even = false;
  }
  return { n, row, offset, even };
}

/** Copies what one stored row holds. `at` is its place on the side that is numbered by stored rows. */
function scatter(out: Float32Array, values: Float32Array, base: number, at: number, rows: Side, cols: Side): void {
  const n = cols.n;
  if (rows.row) {
    if (cols.even) out.set(values.subarray(base + cols.offset[0]!, base + cols.offset[0]! + n), at * n);
    else for (let c = 0; c < n; c++) out[at * n + c] = values[base + cols.offset[c]!]!;
  } else for (let r = 0; r < rows.n; r++) out[r * n + at] = values[base + cols.offset[at]! + rows.offset[r]!]!;
}

/** Calls `use` once for every entry of `wanted` with the decoded values of that stored row. */
async function eachStoredRow(
  checkpoint: Checkpoint,
  rt: RoleTensor,
  shape: readonly number[],
  wanted: Float64Array,
  use: (values: Float32Array, base: number, at: number) => void,
): Promise<void> {
  const read = rowReader(checkpoint, rt, shape);
  const order = wanted.every((row, i) => i === 0 || row >= wanted[i - 1]!)
    ? null
    : Uint32Array.from(wanted.keys()).sort((a, b) => wanted[a]! - wanted[b]!);
  const at = (i: number): number => (order ? order[i]! : i);
  const perRun = Math.max(1, Math.floor(MAX_RUN_BYTES / read.rowBytes));
  let batch: Promise<void>[] = [];
  let batchBytes = 0;
  for (let from = 0; from < wanted.length;) {
    const first = wanted[at(from)]!;
    let to = from + 1;
    while (to < wanted.length && wanted[at(to)]! - wanted[at(to - 1)]! <= 1 && wanted[at(to)]! - first < perRun) to++;
    const count = wanted[at(to - 1)]! - first + 1;
    const run = from;
    batch.push(
      read.rows(first, count).then((values) => {
        const length = values.length / count;
        for (let i = run; i < to; i++) use(values, (wanted[at(i)]! - first) * length, at(i));
      }),
    );
    batchBytes += count * read.rowBytes;
    from = to;
    if (batchBytes >= MAX_BATCH_BYTES || batch.length >= MAX_BATCH_READS || from >= wanted.length) {
      await Promise.all(batch);
      batch = [];
      batchBytes = 0;
    }
  }
}

/** Rows of the matrix left after `slice`. */
function rowReader(
  checkpoint: Checkpoint,
  rt: RoleTensor,
  shape: readonly number[],
): { rowBytes: number; rows: (start: number, count: number) => Promise<Float32Array> } {
  const { tensor, view } = rt;
  const length = shape.slice(1).reduce((product, size) => product * size, 1);
  const { blockValues, blockBytes } = DTYPES[tensor.dtype];
  const rowBytes = Math.max(1, (length / blockValues) * blockBytes);
  if (view.slice !== undefined) return { rowBytes, rows: sliceReader(checkpoint, tensor, view.slice, shape, length) };
  if (length % blockValues === 0) return { rowBytes, rows: (start, count) => checkpoint.readRows(tensor, start, count) };
  // A quantized vector: rows of one value share blocks, so whole blocks are read.
  return {
    rowBytes,
    rows: async (start, count) => {
      const from = start - (start % blockValues);
      const to = Math.min(shape[0] ?? 1, Math.ceil((start + count) / blockValues) * blockValues);
      return (await checkpoint.readRows(tensor, from, to - from)).subarray(start - from, start - from + count);
    },
  };
}

function sliceReader(
  checkpoint: Checkpoint,
  tensor: TensorInfo,
  slice: number,
  shape: readonly number[],
  length: number,
): (start: number, count: number) => Promise<Float32Array> {
  if (isPlainRange(checkpoint, tensor)) {
    const rows = shape[0] ?? 1;
    const flat: TensorInfo = { ...tensor, shape: [tensor.shape[0]! * rows, ...shape.slice(1)] };
    return (start, count) => checkpoint.readRows(flat, slice * rows + start, count);
  }
  return async (start, count) => (await checkpoint.readRows(tensor, slice, 1)).subarray(start * length, (start + count) * length);
}

/** Formats whose readers take shape and offset from the tensor handed in, so that it may be seen with another shape. */
export function isPlainRange(checkpoint: Checkpoint, tensor: TensorInfo): boolean {
  return (checkpoint.format === 'safetensors' || checkpoint.format === 'gguf') && tensor.offset >= 0;
}
