/**
 * HDF5 datasets: type, shape, where the values are, and reading rows of them.
 * Built from "HDF5 File Format Specification Version 3.0", IV.A.2.b (dataspace), .d (datatype), .i (layout), .l (filters), III.A.1 (chunk B-trees).
 * Read: compact, contiguous, and chunked data with deflate, shuffle and Fletcher-32 (whose sum is not verified).
 * @module
 */
import { MAX_AXES, rowLength, storedBytes } from './checkpoint.ts';
import { type DType, DTYPES } from './dtypes.ts';
import { type Chunk, copyChunk, readChunkTree, unpack } from './hdf5-chunks.ts';
import type { Hdf5File, Message, View } from './hdf5-file.ts';
import { UNDEFINED } from './hdf5-file.ts';
import type { TensorInfo } from './types.ts';

/** Unpacked bytes of one chunk; h5py picks chunks of 1 MiB at most. (CWE-409) */
const MAX_CHUNK_BYTES = 64 << 20;
/** Unpacked chunks kept while rows are read. */
const KEPT_CHUNK_BYTES = 64 << 20;
/** Rows at once of values that were never written: a few stored bytes must not buy gigabytes. (CWE-409) */
const MAX_UNWRITTEN_BYTES = 64 << 20;

type Layout =
  | { readonly kind: 'none' }
  | { readonly kind: 'range'; readonly address: number }
  | { readonly kind: 'chunks'; readonly size: readonly number[]; readonly chunks: readonly Chunk[] };

export interface Dataset {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bigEndian: boolean;
  readonly layout: Layout;
  /** One item where no values were written; null is zero. */
  readonly fill: Uint8Array | null;
  /** Filter numbers in the order they were applied. */
  readonly filters: readonly number[];
}

/** Null when the object is no dataset; a text when it is one that holds no plain numbers, saying what it is. */
export async function readDataset(file: Hdf5File, messages: readonly Message[], name: string): Promise<Dataset | string | null> {
  const find = (type: number): Message | undefined => messages.find((message) => message.type === type);
  const space = find(1);
  const type = find(3);
  const layout = find(8);
  if (!space || !type || !layout) return null;
  const shape = readShape(file, space);
  const number = readNumberType(type.data);
  if (typeof number === 'string') return number;
  if (shape === null) return 'an empty dataspace';
  // External storage names files by path; nothing that writes models uses it. (CWE-22)
  if (find(7)) file.fail('WEIGHTS_PATH', `keeps the values of "${name}" in other files`, layout.at);
  const filters = readFilters(find(0x0b));
  const unknown = filters.find((filter) => filter < 1 || filter > 3);
  if (unknown !== undefined) file.fail('WEIGHTS_NOT_READ_YET', `compresses "${name}" with HDF5 filter ${unknown}`, layout.at);
  const bytes = storedBytes(number.dtype, shape, name, file.source.name);
  return {
    ...number,
    shape,
    filters,
    fill: readFill(find(5)),
    layout: await readLayout(file, layout, shape, bytes, DTYPES[number.dtype].blockBytes, name),
  };
}

function readShape(file: Hdf5File, { data, at }: Message): number[] | null {
  const version = data.u8(0);
  const axes = data.u8(1);
  if (version !== 1 && version !== 2) file.fail('WEIGHTS_NOT_READ_YET', `has an HDF5 dataspace of version ${version}`, at);
  if (axes > MAX_AXES) file.fail('WEIGHTS_SHAPE', `holds a dataset of ${axes} axes`, at);
  if (version === 2 && data.u8(3) === 2) return null;
  return Array.from({ length: axes }, (_, i) => data.u64((version === 1 ? 8 : 4) + i * 8));
}

/** Class and size of a datatype as a dtype, or what else it is. */
function readNumberType(data: View): { dtype: DType; bigEndian: boolean } | string {
  const kind = data.u8(0) & 15;
  const bits = data.u8(1);
  const size = data.u32(4);
  const bigEndian = (bits & 1) === 1;
  if (kind === 0) {
    const dtype = ({ 1: 'U8', 2: 'U16', 4: 'U32', 8: 'U64' } as const)[size as 1];
    if (!dtype) return `integers of ${size} bytes`;
    return { dtype: (bits & 8 ? dtype.replace('U', 'I') : dtype) as DType, bigEndian };
  }
  if (kind === 1) {
    const exponentBits = data.u8(13);
    const dtype =
      size === 4
        ? 'F32'
        : size === 8
          ? 'F64'
          : size === 2
            ? exponentBits === 8
              ? 'BF16'
              : exponentBits === 5
                ? 'F16'
                : undefined
            : undefined;
    return dtype ? { dtype, bigEndian } : `floats of ${size} bytes`;
  }
  // h5py stores booleans as an enumeration of bytes.
  if (kind === 8 && size === 1) return { dtype: 'BOOL', bigEndian: false };
  return kind === 3 || kind === 9 ? 'texts or lists' : `HDF5 type class ${kind}`;
}

/** IV.A.2.f: the value of items never written, if it is not zero. */
function readFill(message: Message | undefined): Uint8Array | null {
  if (!message) return null;
  const { data } = message;
  const version = data.u8(0);
  const defined = version === 3 ? (data.u8(1) & 0x20) !== 0 : data.u8(3) !== 0;
  const at = version === 3 ? 2 : 4;
  if (!defined) return null;
  const fill = data.bytes.subarray(at + 4, at + 4 + data.u32(at));
  return fill.some((byte) => byte !== 0) ? fill : null;
}

function readFilters(message: Message | undefined): number[] {
  if (!message) return [];
  const { data } = message;
  const old = data.u8(0) === 1;
  const count = data.u8(1);
  const out: number[] = [];
  for (let i = 0, at = old ? 8 : 2; i < count; i++) {
    const id = data.u16(at);
    const named = old || id >= 256;
    const nameBytes = named ? data.u16(at + 2) : 0;
    const values = data.u16(at + (named ? 6 : 4));
    out.push(id);
    at += (named ? 8 : 6) + (old ? Math.ceil(nameBytes / 8) * 8 : nameBytes) + values * 4 + (old && values % 2 ? 4 : 0);
  }
  return out;
}

async function readLayout(
  file: Hdf5File,
  { data, at }: Message,
  shape: readonly number[],
  bytes: number,
  itemBytes: number,
  name: string,
): Promise<Layout> {
  const version = data.u8(0);
  const kind = data.u8(1);
  if (version !== 3 && version !== 4) file.fail('WEIGHTS_NOT_READ_YET', `has an HDF5 data layout of version ${version}`, at);
  if (kind === 0) {
    if (data.u16(2) !== bytes) file.fail('WEIGHTS_HEADER', `holds ${data.u16(2)} bytes of "${name}", its shape needs ${bytes}`, at);
    data.u8(3 + bytes);
    return { kind: 'range', address: at + 4 };
  }
  if (kind === 1) {
    const address = data.u64(2);
    if (address === UNDEFINED || bytes === 0) return { kind: 'none' };
    if (data.u64(10) < bytes) file.fail('WEIGHTS_HEADER', `holds ${data.u64(10)} bytes of "${name}", its shape needs ${bytes}`, at);
    if (address + bytes > file.source.size) file.fail('WEIGHTS_TRUNCATED', `ends before "${name}" does`, address);
    return { kind: 'range', address };
  }
  if (kind !== 2 || version === 4)
    file.fail('WEIGHTS_NOT_READ_YET', `keeps "${name}" in an HDF5 layout that Heirloom does not read yet`, at);
  const rank = data.u8(2) - 1;
  if (rank !== shape.length) file.fail('WEIGHTS_HEADER', `chunks "${name}" in ${rank} axes of ${shape.length}`, at);
  const tree = data.u64(3);
  const size = Array.from({ length: rank }, (_, i) => data.u32(11 + i * 4));
  const chunkBytes = size.reduce((product, axis) => product * axis, itemBytes);
  if (size.some((axis) => axis === 0) || data.u32(11 + rank * 4) !== itemBytes)
    file.fail('WEIGHTS_HEADER', `has impossible chunks in "${name}"`, at);
  if (chunkBytes > MAX_CHUNK_BYTES) file.fail('WEIGHTS_LIMIT', `chunks "${name}" in pieces of ${chunkBytes} bytes`, at);
  const chunks: Chunk[] = [];
  if (tree !== UNDEFINED) await readChunkTree(file, tree, rank, chunks, new Set());
  // One chunk per place of the grid: else a few bytes could be unpacked again and again. (CWE-409)
  const places = new Set(chunks.map((chunk) => chunk.offsets.join()));
  if (places.size !== chunks.length || chunks.some((chunk) => chunk.offsets.some((offset, i) => offset % size[i]! !== 0)))
    file.fail('WEIGHTS_HEADER', `lists chunks of "${name}" that overlap`, at);
  return { kind: 'chunks', size, chunks };
}

/** `readStored` of one dataset; rows come little-endian and unpacked. Values never written are the fill value. */
export function datasetReader(file: Hdf5File, dataset: Dataset): (tensor: TensorInfo, start: number, count: number) => Promise<Uint8Array> {
  const item = DTYPES[dataset.dtype].blockBytes;
  const { layout } = dataset;
  const kept = new Map<Chunk, Uint8Array>();
  let keptBytes = 0;
  const unpacked = async (chunk: Chunk, size: number): Promise<Uint8Array> => {
    const cached = kept.get(chunk);
    if (cached) return cached;
    const bytes = await unpack(file, chunk, dataset.filters, size, item);
    if (keptBytes + size > KEPT_CHUNK_BYTES) {
      kept.clear();
      keptBytes = 0;
    }
    kept.set(chunk, bytes);
    keptBytes += size;
    return bytes;
  };
  return async (tensor, start, count) => {
    const rowBytes = rowLength(tensor) * item;
    let out: Uint8Array;
    if (layout.kind === 'range') out = await file.source.read(layout.address + start * rowBytes, count * rowBytes);
    else {
      const written = layout.kind === 'chunks' ? layout.chunks.length * layout.size.reduce((product, axis) => product * axis, item) : 0;
      if (count * rowBytes > MAX_UNWRITTEN_BYTES + written)
        file.fail('WEIGHTS_LIMIT', `leaves most of "${tensor.name}" unwritten; read fewer rows at once`);
      out = new Uint8Array(count * rowBytes);
      if (dataset.fill?.length === item) for (let at = 0; at < out.length; at += item) out.set(dataset.fill, at);
      if (layout.kind === 'chunks') {
        const size = layout.size.reduce((product, axis) => product * axis, item);
        for (const chunk of layout.chunks) {
          const first = chunk.offsets[0] ?? 0;
          if (first < start + count && first + (layout.size[0] ?? 1) > start)
            copyChunk(await unpacked(chunk, size), chunk.offsets, layout.size, dataset.shape, item, start, count, out);
        }
      }
    }
    if (dataset.bigEndian && item > 1) for (let at = 0; at < out.length; at += item) out.subarray(at, at + item).reverse();
    return out;
  };
}
