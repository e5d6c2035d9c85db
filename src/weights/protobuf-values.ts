/**
 * Numbers kept in repeated protobuf fields: packed or one by one, fixed-width or varint.
 * A list is noted while the header is walked and turned into plain little-endian values only when they are asked for.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { readContiguous, rowLength } from './checkpoint.ts';
import { DTYPES } from './dtypes.ts';
import type { Field } from './protobuf.ts';
import { type TensorInfo, WeightsError } from './types.ts';

/** Encoded bytes of one list read at once; the wire format holds no message over 2 GiB. (CWE-789) */
const MAX_ENCODED_BYTES = 1 << 30;
/** Rows of a tensor that repeats one value; a few stored bytes must not buy gigabytes. (CWE-409) */
const MAX_REPEATED_BYTES = 64 << 20;
/** Runs of values kept apart; a sane writer makes one. (CWE-770) */
const MAX_RUNS = 100_000;

interface Run {
  start: number;
  end: number;
  /** False: each value stands behind its own tag, and the run begins at a tag. */
  readonly packed: boolean;
}

/** The values of one field number of one message. */
export interface ValueList {
  readonly wire: 'fixed32' | 'fixed64' | 'varint';
  /** Bytes that each entry yields: 4, 8, or the low bytes of a varint. */
  readonly unit: number;
  readonly runs: Run[];
  /** How many entries; NaN when packed varints would have to be read to tell. */
  entries: number;
}

export function valueList(wire: ValueList['wire'], unit: number): ValueList {
  return { wire, unit, runs: [], entries: 0 };
}

/** Notes one field of the list; runs of single values are kept as one. @throws WeightsError `WEIGHTS_HEADER`, `WEIGHTS_LIMIT` */
export function addValues(list: ValueList, field: Field, file: string): void {
  const single = list.wire === 'varint' ? 0 : list.wire === 'fixed32' ? 5 : 1;
  if (field.wire !== 2 && field.wire !== single)
    throw new WeightsError('WEIGHTS_HEADER', `${file} holds values of wire type ${field.wire} where ${list.wire} belongs`, {
      where: { file, byte: field.tag },
    });
  const last = list.runs.at(-1);
  if (field.wire !== 2 || field.end > field.start)
    list.entries += field.wire !== 2 ? 1 : list.wire === 'varint' ? NaN : (field.end - field.start) / list.unit;
  if (field.wire === 2) {
    if (field.end > field.start) list.runs.push({ start: field.start, end: field.end, packed: true });
  } else if (last && !last.packed && last.end === field.tag) last.end = field.end;
  else list.runs.push({ start: field.tag, end: field.end, packed: false });
  if (list.runs.length > MAX_RUNS)
    throw new WeightsError('WEIGHTS_LIMIT', `${file} scatters one list over ${MAX_RUNS} places`, { where: { file, byte: field.tag } });
}

/** Encoded bytes of the list. */
function encodedBytes(list: ValueList): number {
  return list.runs.reduce((sum, run) => sum + run.end - run.start, 0);
}

/** Whether the list can hold exactly `bytes` bytes of values, as far as can be told without reading it. */
export function canHold(list: ValueList, bytes: number): boolean {
  if (!Number.isNaN(list.entries)) return list.entries * list.unit === bytes;
  const encoded = encodedBytes(list);
  // A varint takes one to ten bytes.
  return encoded * list.unit >= bytes && (encoded / 10) * list.unit <= bytes;
}

/** Where the values lie as one plain range of the file, if they do. */
export function plainRange(list: ValueList): { start: number; bytes: number } | null {
  const [run] = list.runs;
  if (list.wire === 'varint' || list.runs.length !== 1 || !run!.packed) return null;
  return { start: run!.start, bytes: run!.end - run!.start };
}

/** All entries as plain bytes, `unit` each. @throws WeightsError when an entry is cut. */
export async function decodeList(source: ByteSource, list: ValueList, name: string): Promise<Uint8Array> {
  const where = { file: source.name, field: name };
  if (encodedBytes(list) > MAX_ENCODED_BYTES)
    throw new WeightsError('WEIGHTS_LIMIT', `the values of "${name}" take over 1 GiB encoded`, { where });
  const parts: Uint8Array[] = [];
  for (const run of list.runs) {
    const bytes = await source.read(run.start, run.end - run.start);
    const decoded = list.wire === 'varint' ? decodeVarints(bytes, list.unit, run.packed) : decodeFixed(bytes, list.unit, run.packed);
    if (!decoded)
      throw new WeightsError('WEIGHTS_TRUNCATED', `the values of "${name}" end inside a number`, { where: { ...where, byte: run.start } });
    parts.push(decoded);
  }
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function decodeFixed(bytes: Uint8Array, unit: number, packed: boolean): Uint8Array | null {
  if (packed) return bytes.length % unit === 0 ? bytes : null;
  const out = new Uint8Array(bytes.length);
  let to = 0;
  for (let at = 0; at < bytes.length; to += unit) {
    while (bytes[at]! >= 0x80) at++;
    at++;
    if (at + unit > bytes.length) return null;
    out.set(bytes.subarray(at, at + unit), to);
    at += unit;
  }
  return out.slice(0, to);
}

function decodeVarints(bytes: Uint8Array, unit: number, packed: boolean): Uint8Array | null {
  let entries = 0;
  for (const byte of bytes) if (byte < 0x80) entries++;
  // Unpacked, every second varint is a tag.
  const out = new Uint8Array((packed ? entries : entries >> 1) * unit);
  let to = 0;
  for (let at = 0; at < bytes.length; to += unit) {
    if (!packed) while (bytes[at++]! >= 0x80);
    let low = 0;
    let high = 0;
    for (let i = 0; ; i++) {
      const byte = bytes[at++];
      if (byte === undefined || i > 9) return null;
      const bits = byte & 0x7f;
      const shift = 7 * i;
      if (shift < 32) low |= bits << shift;
      if (shift > 24) high |= shift < 32 ? bits >> (32 - shift) : bits << (shift - 32);
      if (byte < 0x80) break;
    }
    for (let i = 0; i < unit; i++) out[to + i] = (i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4))) & 255;
  }
  return out;
}

/** A tensor found in a protobuf model, with where its values are when they are not one range. */
export interface ProtoTensor {
  info: TensorInfo;
  readonly values?: ValueList;
  /** Fewer entries than the shape asks for: the last is repeated, zero if there is none (TensorFlow's rule). */
  readonly fill?: boolean;
}

/** `readStored` over protobuf tensors; the list decoded last is kept, so reading row by row stays linear. */
export function protoStored(
  sources: ReadonlyMap<string, ByteSource>,
  tensors: readonly ProtoTensor[],
): (tensor: TensorInfo, start: number, count: number) => Promise<Uint8Array> {
  const byName = new Map(tensors.map((tensor) => [tensor.info.name, tensor]));
  let kept: { name: string; bytes: Uint8Array } | undefined;
  return async (tensor, start, count) => {
    const where = { file: tensor.file, field: tensor.name };
    const source = sources.get(tensor.file);
    if (!source)
      throw new WeightsError('WEIGHTS_MISSING_FILE', `the values of "${tensor.name}" stand in "${tensor.file}", which is not there`, {
        where,
      });
    const found = byName.get(tensor.name);
    if (!found?.values) return readContiguous(source, tensor, start, count);
    if (kept?.name !== tensor.name) kept = { name: tensor.name, bytes: await decodeList(source, found.values, tensor.name) };
    const { bytes } = kept;
    if (found.fill ? bytes.length > tensor.bytes : bytes.length !== tensor.bytes)
      throw new WeightsError(
        'WEIGHTS_SHAPE',
        `tensor "${tensor.name}" holds ${bytes.length} bytes of values, its shape needs ${tensor.bytes}`,
        { where },
      );
    const { blockValues, blockBytes } = DTYPES[tensor.dtype];
    const from = ((start * rowLength(tensor)) / blockValues) * blockBytes;
    const length = ((count * rowLength(tensor)) / blockValues) * blockBytes;
    if (!Number.isInteger(from) || !Number.isInteger(length))
      throw new WeightsError('WEIGHTS_ROWS', `rows ${start}..${start + count} of "${tensor.name}" do not fall on bytes`, { where });
    if (bytes.length < tensor.bytes && length > MAX_REPEATED_BYTES)
      throw new WeightsError('WEIGHTS_LIMIT', `tensor "${tensor.name}" repeats one value over ${length} bytes; read fewer rows at once`, {
        where,
      });
    return bytes.length === tensor.bytes ? bytes.slice(from, from + length) : repeatLast(bytes, from, length, blockBytes);
  };
}

function repeatLast(bytes: Uint8Array, from: number, length: number, unit: number): Uint8Array {
  const out = new Uint8Array(length);
  const own = bytes.subarray(from, Math.min(from + length, bytes.length));
  out.set(own);
  const last = bytes.subarray(Math.max(0, bytes.length - unit));
  if (last.length === unit) for (let at = own.length; at < length; at += unit) out.set(last, at);
  return out;
}
