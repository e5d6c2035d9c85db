/**
 * A piece of the search index as a file: the codes of up to 65,536 models.
 *
 *   0  "HLIX", version, CODE_VERSION, models, rows, bytes of ids          6 x u32
 *  24  size and modification time (ms) of each entry's file               models x 2 x f64
 *   …  hashes of names, whole and bare                                    models x 2 x u32
 *   …  marks                                                              models x MARKS x u32
 *   …  buckets (ascending), owners, bits                                  rows x (1 + 1 + CODE_BITS / 32) x u32
 *   …  ids                                                                UTF-8, a line each
 *   …  SHA-256 over all before                                            32 bytes
 *
 * Words lie as the machine that wrote them has them: a machine of the other order does not know the magic and makes its own.
 * The sum finds damage, not malice: whoever can write into a register can also remove models from it.
 * @module
 */
import { createHash } from 'node:crypto';
import { CODE_BITS, CODE_VERSION, type CodeTable, MARKS, type SearchCode } from '../lineage/index.ts';

const MAGIC = 0x58494c48; // "HLIX" read little-endian
const VERSION = 1;
const HEADER_BYTES = 24;
/** Of another version of the index or of codes a folder of its own: two versions of the program leave each other's alone. */
export const INDEX_FOLDER: string = `index-${VERSION}.${CODE_VERSION}`;
/** Bounds what one file claims and one rewrite costs: about 32 MB. (CWE-770) */
export const MAX_SEGMENT_MODELS: number = 65_536;
/** A model has at most two codes of each of eight kinds of axes. */
const MAX_ROWS_A_MODEL = 16;
/** Ids are made by `entryId`: at most 73 characters. */
const MAX_ID_BYTES = 80;
export const MAX_SEGMENT_BYTES: number = MAX_SEGMENT_MODELS * 2048;
const WORDS = CODE_BITS / 32;

/** What the index keeps of one model. */
export interface CodedModel {
  readonly id: string;
  /** Of the entry's file, by which a change is seen. */
  readonly size: number;
  readonly mtimeMs: number;
  /** Hashes of its name, whole and without the owner. */
  readonly name: number;
  readonly bareName: number;
  readonly code: SearchCode;
}

export interface Segment extends CodeTable {
  readonly ids: readonly string[];
  /** `[models, 2]`: size and modification time. */
  readonly stamps: Float64Array;
  /** `[models, 2]`. */
  readonly names: Uint32Array;
}

export function makeSegment(models: readonly CodedModel[]): Segment {
  const rows = models.flatMap(({ code }, owner) => code.axes.map((axis) => ({ ...axis, owner }))).sort((x, y) => x.bucket - y.bucket);
  const bits = new Uint32Array(rows.length * WORDS);
  rows.forEach((row, i) => bits.set(row.bits, i * WORDS));
  const marks = new Uint32Array(models.length * MARKS);
  models.forEach((model, i) => marks.set(model.code.marks, i * MARKS));
  return {
    count: models.length,
    ids: models.map((model) => model.id),
    stamps: Float64Array.from(models.flatMap((model) => [model.size, model.mtimeMs])),
    names: Uint32Array.from(models.flatMap((model) => [model.name, model.bareName])),
    marks,
    buckets: Uint32Array.from(rows, (row) => row.bucket),
    owners: Uint32Array.from(rows, (row) => row.owner),
    bits,
  };
}

/** The models of a segment for which `keep` holds, to be put into another. */
export function modelsOf(segment: Segment, keep: (i: number) => boolean): CodedModel[] {
  const axes = segment.ids.map((): { bucket: number; bits: Uint32Array }[] => []);
  segment.owners.forEach((owner, row) =>
    axes[owner]!.push({ bucket: segment.buckets[row]!, bits: segment.bits.subarray(row * WORDS, (row + 1) * WORDS) }),
  );
  return segment.ids.flatMap((id, i): CodedModel[] =>
    keep(i)
      ? [
          {
            id,
            size: segment.stamps[2 * i]!,
            mtimeMs: segment.stamps[2 * i + 1]!,
            name: segment.names[2 * i]!,
            bareName: segment.names[2 * i + 1]!,
            code: { axes: axes[i]!, marks: segment.marks.subarray(i * MARKS, (i + 1) * MARKS) },
          },
        ]
      : [],
  );
}

export function encodeSegment(segment: Segment): Uint8Array {
  const ids = new TextEncoder().encode(segment.ids.map((id) => `${id}\n`).join(''));
  const header = Uint32Array.of(MAGIC, VERSION, CODE_VERSION, segment.count, segment.buckets.length, ids.length);
  const { stamps, names, marks, buckets, owners, bits } = segment;
  const parts = [header, stamps, names, marks, buckets, owners, bits, ids].map(asBytes);
  const body = parts.reduce((sum, part) => sum + part.length, 0);
  const out = new Uint8Array(body + 32);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  out.set(createHash('sha256').update(out.subarray(0, body)).digest(), body);
  return out;
}

/** Null for anything that is not a whole segment of this version: the index is then made anew from the sketches. */
export function decodeSegment(file: Uint8Array): Segment | null {
  if (file.length < HEADER_BYTES + 32 || file.length > MAX_SEGMENT_BYTES) return null;
  // Arrays of words begin at multiples of 8 bytes; a file read into a pooled buffer need not.
  const bytes = file.byteOffset % 8 === 0 ? file : file.slice();
  const [magic, version, codeVersion, count = 0, rows = 0, idBytes = 0] = new Uint32Array(bytes.buffer, bytes.byteOffset, 6);
  if (magic !== MAGIC || version !== VERSION || codeVersion !== CODE_VERSION) return null;
  if (count > MAX_SEGMENT_MODELS || rows > count * MAX_ROWS_A_MODEL || idBytes > count * MAX_ID_BYTES) return null;
  const body = HEADER_BYTES + count * (16 + 8 + 4 * MARKS) + rows * (8 + 4 * WORDS) + idBytes;
  if (bytes.length !== body + 32) return null;
  if (!createHash('sha256').update(bytes.subarray(0, body)).digest().equals(bytes.subarray(body))) return null;
  let at = bytes.byteOffset + HEADER_BYTES;
  const words = (length: number): Uint32Array => {
    const part = new Uint32Array(bytes.buffer, at, length);
    at += 4 * length;
    return part;
  };
  const stamps = new Float64Array(bytes.buffer, at, 2 * count);
  at += 16 * count;
  const [names, marks, buckets, owners, bits] = [2 * count, MARKS * count, rows, rows, WORDS * rows].map(words) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const ids = new TextDecoder()
    .decode(new Uint8Array(bytes.buffer, at, idBytes))
    .split('\n')
    .slice(0, -1);
  const sound = ids.length === count && owners.every((owner) => owner < count) && buckets.every((b, i) => i === 0 || buckets[i - 1]! <= b);
  return sound ? { count, ids, stamps, names, marks, buckets, owners, bits } : null;
}

function asBytes(part: Uint8Array | Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
}
