/**
 * Chunks of an HDF5 dataset: where they are, unpacking one, copying its part of the rows.
 * Built from "HDF5 File Format Specification Version 3.0", III.A.1 (chunk B-trees, node type 1) and IV.A.2.l (filters).
 * @module
 */
import type { Hdf5File } from './hdf5-file.ts';
import { inflateRange } from './inflate.ts';

/** Chunks of one dataset. (CWE-770) */
const MAX_CHUNKS = 1_000_000;
/** Levels of one B-tree; five of 64 hold a billion chunks. (CWE-674) */
const MAX_LEVELS = 8;

export interface Chunk {
  readonly offsets: readonly number[];
  readonly address: number;
  readonly bytes: number;
  /** Bit i: filter i was skipped for this chunk. */
  readonly mask: number;
}

/** All chunks below a node, in tree order. A node met twice would make the walk endless. (CWE-835) */
export async function readChunkTree(
  file: Hdf5File,
  address: number,
  rank: number,
  out: Chunk[],
  seen: Set<number>,
  levels: number = MAX_LEVELS,
): Promise<void> {
  if (seen.has(address) || seen.size >= MAX_CHUNKS || levels === 0)
    file.fail('WEIGHTS_LIMIT', 'holds a chunk tree that does not end', address);
  seen.add(address);
  const head = await file.read(address, 24);
  if (head.text(0, 4) !== 'TREE' || head.u8(4) !== 1) file.fail('WEIGHTS_HEADER', 'has no HDF5 chunk tree where one should stand', address);
  const leaf = head.u8(5) === 0;
  const entries = head.u16(6);
  const keyBytes = 8 + (rank + 1) * 8;
  const body = await file.read(address + 24, entries * (keyBytes + 8));
  for (let i = 0; i < entries; i++) {
    const at = i * (keyBytes + 8);
    const child = body.u64(at + keyBytes);
    if (!leaf) {
      await readChunkTree(file, child, rank, out, seen, levels - 1);
      continue;
    }
    if (out.length >= MAX_CHUNKS) file.fail('WEIGHTS_LIMIT', `holds a dataset of over ${MAX_CHUNKS} chunks`, address);
    const chunk = {
      bytes: body.u32(at),
      mask: body.u32(at + 4),
      offsets: Array.from({ length: rank }, (_, k) => body.u64(at + 8 + k * 8)),
      address: child,
    };
    if (chunk.address + chunk.bytes > file.source.size) file.fail('WEIGHTS_TRUNCATED', 'ends before one of its chunks does', child);
    out.push(chunk);
  }
}

/** Undoes the filters, last applied first: 3 is a checksum behind the data, 1 is zlib, 2 gathers equal bytes of the items. */
export async function unpack(file: Hdf5File, chunk: Chunk, filters: readonly number[], size: number, item: number): Promise<Uint8Array> {
  const applied = filters.filter((_, i) => !((chunk.mask >> i) & 1));
  let length = chunk.bytes;
  let bytes: Uint8Array | null = null;
  for (const filter of applied.toReversed()) {
    if (filter === 3) length -= 4;
    else if (filter === 1) {
      if (bytes) file.fail('WEIGHTS_NOT_READ_YET', 'compresses a chunk twice', chunk.address);
      const range = {
        compression: 'deflate',
        offset: chunk.address,
        compressedSize: Math.max(0, length),
        from: 0,
        length: size + 4,
        limit: size + 4,
        allowShort: true,
      } as const;
      bytes = await inflateRange(file.source, range, file.source.name);
      length = bytes.length;
    } else {
      bytes = unshuffle((bytes ?? (await file.source.read(chunk.address, Math.max(0, length)))).subarray(0, size), item);
    }
  }
  bytes ??= await file.source.read(chunk.address, Math.min(Math.max(0, length), size));
  if (bytes.length < size) file.fail('WEIGHTS_TRUNCATED', `holds a chunk of ${bytes.length} bytes where ${size} belong`, chunk.address);
  return bytes;
}

function unshuffle(bytes: Uint8Array, item: number): Uint8Array {
  const count = Math.floor(bytes.length / item);
  const out = new Uint8Array(bytes.length);
  for (let b = 0; b < item; b++) for (let i = 0; i < count; i++) out[i * item + b] = bytes[b * count + i]!;
  return out;
}

/** Copies the part of a chunk that lies in rows `[start, start + count)` of the dataset; chunks at the edge hang over it. */
export function copyChunk(
  bytes: Uint8Array,
  offsets: readonly number[],
  size: readonly number[],
  shape: readonly number[],
  item: number,
  start: number,
  count: number,
  out: Uint8Array,
): void {
  const rank = shape.length;
  // Axis by axis down to runs along the last one.
  const walk = (axis: number, from: number, to: number): void => {
    const low = axis === 0 ? Math.max(start, offsets[0]!) : offsets[axis]!;
    const high = Math.min(offsets[axis]! + size[axis]!, axis === 0 ? start + count : shape[axis]!);
    if (low >= high) return;
    const inner = size.slice(axis + 1).reduce((product, length) => product * length, item);
    const outer = shape.slice(axis + 1).reduce((product, length) => product * length, item);
    const shift = axis === 0 ? start : 0;
    if (axis === rank - 1) {
      const length = (high - low) * item;
      const at = from + (low - offsets[axis]!) * item;
      out.set(bytes.subarray(at, at + length), to + (low - shift) * item);
      return;
    }
    for (let i = low; i < high; i++) walk(axis + 1, from + (i - offsets[axis]!) * inner, to + (i - shift) * outer);
  };
  if (rank > 0) walk(0, 0, 0);
}
