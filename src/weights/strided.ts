/**
 * Tensors as PyTorch and NumPy keep them: a view (offset, shape, strides) onto a storage. Rows come out
 * row-major and little-endian; memory stays bounded by the answer plus one span.
 * @module
 */
import { MAX_AXES, valueCount } from './checkpoint.ts';
import { DTYPES, type DType } from './dtypes.ts';
import { WeightsError } from './types.ts';

/** Bytes of storage held at once while a view is gathered; wider views are gathered piece by piece. (CWE-789) */
const MAX_SPAN = 32 << 20;

/** Storage that one read may be scattered over; a row of a larger matrix stored by columns would cost the whole file. (CWE-400) */
const MAX_SPREAD = 2 * 2 ** 30;

/** Views that repeat values (stride 0) may claim any size; no honest one repeats its way past this. (CWE-770) */
const MAX_EXPANDED_BYTES = 16 * 2 ** 30;

export interface Storage {
  /** The same for all views of one storage. */
  readonly id: string;
  readonly bytes: number;
  /** Of the first byte in `file`; -1 when the bytes do not stand there as they are. */
  readonly offset: number;
  readonly read: (offset: number, length: number) => Promise<Uint8Array>;
}

export interface StridedView {
  readonly storage: Storage;
  readonly dtype: DType;
  /** In values. */
  readonly start: number;
  readonly shape: readonly number[];
  /** In values, not negative; 0 repeats. */
  readonly stride: readonly number[];
  readonly bigEndian: boolean;
}

/** Strides of a dense array. */
export function denseStrides(shape: readonly number[], fortran: boolean): number[] {
  const stride: number[] = new Array<number>(shape.length);
  let step = 1;
  for (let k = 0; k < shape.length; k++) {
    const axis = fortran ? k : shape.length - 1 - k;
    stride[axis] = step;
    step *= Math.max(shape[axis]!, 1);
  }
  return stride;
}

/** @throws WeightsError `WEIGHTS_SHAPE` when a view is impossible or leaves its storage. */
export function checkView(view: StridedView, name: string, file: string): void {
  const where = { where: { file, field: name } };
  const values = valueCount(view.shape, name, file);
  if (view.stride.length !== view.shape.length || view.shape.length > MAX_AXES)
    throw new WeightsError('WEIGHTS_SHAPE', `tensor "${name}" has ${view.shape.length} axes and ${view.stride.length} strides`, where);
  if (![view.start, ...view.stride].every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new WeightsError('WEIGHTS_SHAPE', `tensor "${name}" has an impossible offset or stride`, where);
  if (values === 0) return;
  const bytes = values * DTYPES[view.dtype].blockBytes;
  if (bytes > view.storage.bytes && bytes > MAX_EXPANDED_BYTES)
    throw new WeightsError('WEIGHTS_LIMIT', `tensor "${name}" repeats a storage of ${view.storage.bytes} bytes to ${bytes}`, where);
  const last = view.start + view.shape.reduce((sum, size, axis) => sum + (size - 1) * view.stride[axis]!, 0);
  const capacity = Math.floor(view.storage.bytes / DTYPES[view.dtype].blockBytes);
  if (last >= capacity)
    throw new WeightsError('WEIGHTS_SHAPE', `tensor "${name}" reaches value ${last} of a storage that holds ${capacity}`, where);
}

/** Where the first value stands in the file when the view is one plain range of it, else -1. */
export function plainOffset(view: StridedView): number {
  const size = DTYPES[view.dtype].blockBytes;
  if (view.storage.offset < 0 || (view.bigEndian && size > 1)) return -1;
  const dense = denseStrides(view.shape, false);
  for (let axis = 0; axis < view.shape.length; axis++) if (view.shape[axis]! > 1 && view.stride[axis] !== dense[axis]) return -1;
  return view.storage.offset + view.start * size;
}

interface Axis {
  readonly size: number;
  /** In the storage and in the answer, in values. */
  readonly from: number;
  readonly to: number;
}

/** Stored bytes of rows `[row, row + count)` of a checked view. */
export async function readView(view: StridedView, row: number, count: number): Promise<Uint8Array> {
  const item = DTYPES[view.dtype].blockBytes;
  const shape = view.shape.length === 0 ? [] : [count, ...view.shape.slice(1)];
  const dense = denseStrides(shape, false);
  const axes = shape.map((size, axis): Axis => ({ size, from: view.stride[axis]!, to: dense[axis]! })).filter((axis) => axis.size > 1);
  const spread = axes.reduce((sum, axis) => sum + (axis.size - 1) * axis.from * item, item);
  if (spread > MAX_SPREAD && !isRun(axes))
    throw new WeightsError(
      'WEIGHTS_LIMIT',
      `${count} rows are scattered over ${spread} bytes of "${view.storage.id}", over the cap of ${MAX_SPREAD}`,
    );
  const out = new Uint8Array(shape.reduce((product, size) => product * size, item));
  const start = view.start + (view.shape.length === 0 ? 0 : row * view.stride[0]!);
  // Widest steps first: halving that axis halves the span.
  axes.sort((a, b) => b.from - a.from || b.to - a.to);
  await gather(view, axes, start, 0, out);
  if (view.bigEndian) swapBytes(out, view.dtype.startsWith('C') ? item / 2 : item);
  return out;
}

async function gather(view: StridedView, axes: readonly Axis[], from: number, to: number, out: Uint8Array): Promise<void> {
  const item = DTYPES[view.dtype].blockBytes;
  const span = (1 + axes.reduce((sum, axis) => sum + (axis.size - 1) * axis.from, 0)) * item;
  const widest = axes[0];
  if (span > MAX_SPAN && widest && !isRun(axes)) {
    const half = widest.size >> 1;
    const rest = axes.slice(1);
    await gather(view, half > 1 ? [{ ...widest, size: half }, ...rest] : rest, from, to, out);
    const other = widest.size - half;
    await gather(view, other > 1 ? [{ ...widest, size: other }, ...rest] : rest, from + half * widest.from, to + half * widest.to, out);
    return;
  }
  const bytes = await view.storage.read(from * item, span);
  if (isRun(axes)) out.set(bytes, to * item);
  else copy(bytes, axes, 0, to, item, out);
}

/** Whether the values stand in the storage as they do in the answer. */
function isRun(axes: readonly Axis[]): boolean {
  let step = 1;
  for (let k = axes.length - 1; k >= 0; k--) {
    if (axes[k]!.from !== step || axes[k]!.to !== step) return false;
    step *= axes[k]!.size;
  }
  return true;
}

function copy(bytes: Uint8Array, axes: readonly Axis[], from: number, to: number, item: number, out: Uint8Array): void {
  const [axis, ...rest] = axes;
  if (!axis) {
    for (let b = 0; b < item; b++) out[to * item + b] = bytes[from * item + b]!;
    return;
  }
  if (isRun(axes)) {
    const length = axes.reduce((product, one) => product * one.size, item);
    out.set(bytes.subarray(from * item, from * item + length), to * item);
    return;
  }
  if (rest.length > 0) {
    for (let i = 0; i < axis.size; i++) copy(bytes, rest, from + i * axis.from, to + i * axis.to, item, out);
    return;
  }
  let source = from * item;
  let target = to * item;
  for (let i = 0; i < axis.size; i++, source += axis.from * item, target += axis.to * item)
    for (let b = 0; b < item; b++) out[target + b] = bytes[source + b]!;
}

/** Reverses each group of `size` bytes. */
function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; size > 1 && at + size <= bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}
