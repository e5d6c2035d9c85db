/**
 * The part every reader shares: shape arithmetic, range checks, decoding.
 * A reader supplies the header and "stored bytes of these rows"; this file does the rest.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { DTYPES, type DType } from './dtypes.ts';
import { type Checkpoint, type TensorInfo, WeightsError } from './types.ts';

/** Tensors a checkpoint may list; the largest published mixture models hold about 200,000. (CWE-770) */
export const MAX_TENSORS = 1_000_000;
/** Axes of one tensor; NumPy allows 64, nothing published uses more than 8. */
export const MAX_AXES = 64;
/** One `readRows` answer; callers read in blocks. (CWE-789) */
const MAX_READ_BYTES = 1 << 30;

/**
 * Number of values of a shape.
 * @throws WeightsError `WEIGHTS_SHAPE` on negative, fractional or overflowing sizes.
 */
export function valueCount(shape: readonly number[], name: string, file: string): number {
  if (shape.length > MAX_AXES)
    throw new WeightsError('WEIGHTS_SHAPE', `tensor "${name}" has ${shape.length} axes`, { where: { file, field: name } });
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new WeightsError('WEIGHTS_SHAPE', `tensor "${name}" has the impossible axis ${String(size)}`, { where: { file, field: name } });
    count *= size;
    if (count > Number.MAX_SAFE_INTEGER)
      throw new WeightsError('WEIGHTS_SHAPE', `tensor "${name}" claims more than 2^53 values`, { where: { file, field: name } });
  }
  return count;
}

/**
 * Stored bytes of `count` values.
 * @throws WeightsError `WEIGHTS_SHAPE` when a row does not fill whole quantization blocks.
 */
export function storedBytes(dtype: DType, shape: readonly number[], name: string, file: string): number {
  const spec = DTYPES[dtype];
  const count = valueCount(shape, name, file);
  const row = shape.at(-1) ?? 1;
  if (row % spec.blockValues !== 0)
    throw new WeightsError(
      'WEIGHTS_SHAPE',
      `tensor "${name}" has rows of ${row} values, not a multiple of the ${spec.blockValues} of ${dtype}`,
      { where: { file, field: name } },
    );
  const bytes = (count / spec.blockValues) * spec.blockBytes;
  if (!Number.isSafeInteger(bytes))
    throw new WeightsError('WEIGHTS_SHAPE', `tensor "${name}" claims more than 2^53 bytes`, { where: { file, field: name } });
  return bytes;
}

/** Rows of a tensor: the first axis, or one for a scalar. */
export function rowCount(tensor: TensorInfo): number {
  return tensor.shape[0] ?? 1;
}
/** Values in one row. */
export function rowLength(tensor: TensorInfo): number {
  return tensor.shape.slice(1).reduce((product, size) => product * size, 1);
}

/** Decodes stored bytes of whole blocks. @throws WeightsError `WEIGHTS_NOT_DECODABLE` */
export function decodeValues(dtype: DType, bytes: Uint8Array, count: number, where: { file: string; name: string }): Float32Array {
  const spec = DTYPES[dtype];
  if (!spec.decode)
    throw new WeightsError(
      'WEIGHTS_NOT_DECODABLE',
      `tensor "${where.name}" is stored as ${dtype}, which Heirloom lists but does not decode`,
      {
        where: { file: where.file, field: where.name },
      },
    );
  const out = new Float32Array(count);
  spec.decode(bytes, out);
  return out;
}

/** What a reader hands to `makeCheckpoint`. */
export interface CheckpointParts extends Omit<Checkpoint, 'readRows' | 'readBytes'> {
  /** Stored bytes of rows that are known to exist. */
  readonly readStored: (tensor: TensorInfo, start: number, count: number) => Promise<Uint8Array>;
}

/** Adds the checked, decoding face to a reader's parts. */
export function makeCheckpoint(parts: CheckpointParts): Checkpoint {
  const { readStored, ...header } = parts;
  const readBytes = async (tensor: TensorInfo, start: number, count: number): Promise<Uint8Array> => {
    const rows = rowCount(tensor);
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(count) || start < 0 || count < 0 || start + count > rows)
      throw new WeightsError('WEIGHTS_ROWS', `tensor "${tensor.name}" has ${rows} rows; ${count} from ${start} were asked for`, {
        where: { file: tensor.file, field: tensor.name },
      });
    if (bytesOfRows(tensor, count) > MAX_READ_BYTES)
      throw new WeightsError('WEIGHTS_LIMIT', `${count} rows of "${tensor.name}" are over 1 GiB; read them in blocks`, {
        where: { file: tensor.file, field: tensor.name },
      });
    return count === 0 || rowLength(tensor) === 0 ? new Uint8Array(0) : readStored(tensor, start, count);
  };
  return {
    ...header,
    readBytes,
    readRows: async (tensor, start, count) =>
      decodeValues(tensor.dtype, await readBytes(tensor, start, count), count * rowLength(tensor), tensor),
  };
}

/** Stored bytes of `count` rows. */
export function bytesOfRows(tensor: TensorInfo, count: number): number {
  const spec = DTYPES[tensor.dtype];
  // A quantized vector's blocks run along its only axis, so "rows" of one value share a block.
  return Math.ceil((count * rowLength(tensor)) / spec.blockValues) * spec.blockBytes;
}

/** `readStored` for tensors that are one contiguous range of a file. */
export async function readContiguous(source: ByteSource, tensor: TensorInfo, start: number, count: number): Promise<Uint8Array> {
  const { blockValues, blockBytes } = DTYPES[tensor.dtype];
  const length = rowLength(tensor);
  if ((start * length) % blockValues !== 0 || (count * length) % blockValues !== 0)
    throw new WeightsError('WEIGHTS_ROWS', `rows ${start}..${start + count} of "${tensor.name}" do not fall on ${tensor.dtype} blocks`, {
      where: { file: tensor.file, field: tensor.name },
    });
  return source.read(tensor.offset + ((start * length) / blockValues) * blockBytes, ((count * length) / blockValues) * blockBytes);
}
