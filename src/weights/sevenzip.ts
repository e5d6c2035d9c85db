/**
 * 7z archives, as far as they are stored or packed by LZMA or LZMA2; names are passed over.
 * Source: 7zFormat.txt of the LZMA SDK (public domain).
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { type Decompressed, unpackLzma, unpackLzma2 } from './decompress.ts';
import { WeightsError } from './types.ts';

/** Signature, version, checksum, then offset, size and checksum of the header at the end. */
const START = 32;
/** (CWE-789) */
const MAX_HEADER = 4 << 20;
const MAX_COUNT = 100_000;
/** Headers packed in headers. (CWE-674) */
const MAX_TURNS = 4;
const COPY = '00';
const LZMA = '030101';
const LZMA2 = '21';
/** Filter for programs of the 80x86; texts and pickles hold little that it changes. */
const X86 = '03030103';

interface Coder {
  readonly id: string;
  readonly properties: Uint8Array;
}
/** One packed stream and the files that stand in it one behind the other. */
interface Folder {
  readonly coders: readonly Coder[];
  size: number;
  files: number[];
}
interface Streams {
  readonly at: number;
  readonly packed: readonly number[];
  readonly folders: readonly Folder[];
}
interface Cursor {
  readonly bytes: Uint8Array;
  readonly file: string;
  at: number;
}

export interface SevenZipFile {
  readonly bytes: Uint8Array;
  /** Why it is not all, or not as it was. */
  readonly problem?: string;
  /** Whether the limit was the reason. */
  readonly limited: boolean;
}

/**
 * The files of an archive, in its order, up to `limit` bytes together.
 * @throws WeightsError `WEIGHTS_ARCHIVE`, `WEIGHTS_LIMIT`
 */
export async function readSevenZip(source: ByteSource, limit: number): Promise<SevenZipFile[]> {
  const start = await source.read(0, Math.min(START, source.size));
  if (start.length < START) return fail(source.name, 'is too short for a 7z archive');
  const view = new DataView(start.buffer, start.byteOffset, START);
  const offset = START + Number(view.getBigUint64(12, true));
  const size = Number(view.getBigUint64(20, true));
  if (size > MAX_HEADER || offset + size > source.size) return fail(source.name, 'has its 7z header outside of the file');
  let header = await source.read(offset, size);
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    const cursor: Cursor = { bytes: header, file: source.name, at: 0 };
    const kind = byte(cursor);
    if (kind === 0x01) return unpackFiles(source, mainStreams(cursor), limit);
    if (kind !== 0x17) return fail(source.name, 'has a 7z header of an unknown kind');
    const streams = readStreams(cursor);
    const [folder] = streams.folders;
    if (!folder) return fail(source.name, 'has a packed 7z header that is not there');
    header = (await unpackFolder(source, folder, streams.at, streams.packed[0] ?? 0, MAX_HEADER)).bytes;
  }
  return fail(source.name, 'packs its 7z header again and again');
}

async function unpackFiles(source: ByteSource, streams: Streams | null, limit: number): Promise<SevenZipFile[]> {
  const files: SevenZipFile[] = [];
  let at = streams?.at ?? 0;
  let left = limit;
  for (const [i, folder] of (streams?.folders ?? []).entries()) {
    const packed = streams!.packed[i] ?? 0;
    const { bytes, problem, limited } = await unpackFolder(source, folder, at, packed, left);
    at += packed;
    left -= bytes.length;
    let from = 0;
    for (const [n, size] of folder.files.entries()) {
      const last = n === folder.files.length - 1;
      files.push({ bytes: bytes.subarray(from, from + size), limited, ...(last && problem !== undefined && { problem }) });
      from += size;
    }
  }
  return files;
}

async function unpackFolder(source: ByteSource, folder: Folder, at: number, packed: number, limit: number): Promise<Decompressed> {
  const none = (problem: string): Decompressed => ({ bytes: new Uint8Array(0), problem, limited: false });
  const coders = folder.coders.filter((coder) => coder.id !== X86);
  const [coder] = coders;
  if (at + packed > source.size || packed > limit) return none('are packed in more than there is, or than is unpacked');
  if (!coder || coders.length > 1) return none('are packed or locked in a way that is not unpacked');
  const most = Math.min(folder.size, limit);
  const data = await source.read(at, packed);
  if (coder.id === COPY) return { bytes: data.subarray(0, most), limited: false };
  if (coder.id !== LZMA && coder.id !== LZMA2) return none('are packed or locked in a way that is not unpacked');
  const done = await (coder.id === LZMA ? unpackLzma(coder.properties, data, folder.size, most) : unpackLzma2(data, most));
  // The data may go on for as long as it likes: the header says how much is meant.
  if (done.bytes.length >= folder.size && coders.length === folder.coders.length) return { bytes: done.bytes, limited: false };
  return { ...done, problem: done.problem ?? 'are filtered as a program is' };
}

function mainStreams(cursor: Cursor): Streams | null {
  for (let kind = byte(cursor); kind !== 0; kind = byte(cursor)) {
    if (kind === 0x04) return readStreams(cursor);
    if (kind === 0x05) return null;
    if (kind !== 0x02 && kind !== 0x03) return fail(cursor.file, 'has a 7z header that cannot be read');
    if (kind === 0x03) readStreams(cursor);
    else while (byte(cursor) !== 0) skip(cursor, number(cursor));
  }
  return null;
}

function readStreams(cursor: Cursor): Streams {
  let at = START;
  let packed: number[] = [];
  let folders: Folder[] = [];
  for (let kind = byte(cursor); kind !== 0; kind = byte(cursor)) {
    if (kind === 0x06) {
      at = START + number(cursor);
      const count = counted(cursor);
      for (let part = byte(cursor); part !== 0; part = byte(cursor)) {
        if (part === 0x09) packed = Array.from({ length: count }, () => number(cursor));
        else skipDigests(cursor, part, count);
      }
    } else if (kind === 0x07) folders = readFolders(cursor);
    else if (kind === 0x08) {
      readFileSizes(cursor, folders);
      // Checksums follow, and nothing that is needed.
      return { at, packed, folders };
    } else fail(cursor.file, 'has a 7z header that cannot be read');
  }
  return { at, packed, folders };
}

function readFolders(cursor: Cursor): Folder[] {
  if (byte(cursor) !== 0x0b) fail(cursor.file, 'has a 7z header that cannot be read');
  const count = counted(cursor);
  if (byte(cursor) !== 0) fail(cursor.file, 'keeps parts of its 7z header elsewhere');
  const outputs: number[] = [];
  const folders = Array.from({ length: count }, () => {
    const coders: Coder[] = [];
    let [ins, outs] = [0, 0];
    for (let left = counted(cursor); left > 0; left--) {
      const flags = byte(cursor);
      const id = [...skip(cursor, flags & 15)].map((one) => one.toString(16).padStart(2, '0')).join('');
      ins += flags & 0x10 ? counted(cursor) : 1;
      outs += flags & 0x10 ? counted(cursor) : 1;
      coders.push({ id, properties: flags & 0x20 ? skip(cursor, number(cursor)) : new Uint8Array(0) });
    }
    for (let i = 0; i < 2 * (outs - 1); i++) number(cursor);
    if (ins - outs + 1 > 1) for (let i = 0; i < ins - outs + 1; i++) number(cursor);
    outputs.push(outs);
    return { coders, size: 0, files: [] as number[] };
  });
  for (let part = byte(cursor); part !== 0; part = byte(cursor)) {
    if (part !== 0x0c) {
      skipDigests(cursor, part, count);
      continue;
    }
    for (const [i, folder] of folders.entries()) {
      for (let n = 0; n < outputs[i]!; n++) folder.size = Math.max(folder.size, number(cursor));
      folder.files = [folder.size];
    }
  }
  return folders;
}

function readFileSizes(cursor: Cursor, folders: readonly Folder[]): void {
  let kind = byte(cursor);
  let counts = folders.map(() => 1);
  if (kind === 0x0d) {
    counts = folders.map(() => counted(cursor));
    kind = byte(cursor);
  }
  for (const [i, folder] of folders.entries()) {
    if (counts[i]! > 1 && kind !== 0x09) fail(cursor.file, 'gives no sizes in its 7z header');
    const sizes = Array.from({ length: Math.max(0, counts[i]! - 1) }, () => number(cursor));
    const rest = folder.size - sizes.reduce((sum, size) => sum + size, 0);
    folder.files = counts[i] === 0 ? [] : [...sizes, Math.max(0, rest)];
  }
}

/** Checksums of `count` streams, some of which may have none. */
function skipDigests(cursor: Cursor, kind: number, count: number): void {
  if (kind !== 0x0a) return fail(cursor.file, 'has a 7z header that cannot be read');
  let defined = count;
  if (byte(cursor) === 0)
    defined = skip(cursor, Math.ceil(count / 8)).reduce((sum, bits) => sum + bits.toString(2).replaceAll('0', '').length, 0);
  skip(cursor, 4 * defined);
}

function fail(file: string, what: string): never {
  throw new WeightsError('WEIGHTS_ARCHIVE', `${file} ${what}`, { where: { file } });
}
function byte(cursor: Cursor): number {
  return cursor.bytes[cursor.at++] ?? fail(cursor.file, 'has a 7z header that is cut short');
}
function skip(cursor: Cursor, length: number): Uint8Array {
  if (cursor.at + length > cursor.bytes.length) fail(cursor.file, 'has a 7z header that is cut short');
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}
/** As many bytes follow as the first has leading ones; what is left of the first is the highest part. */
function number(cursor: Cursor): number {
  const first = byte(cursor);
  const more = Math.clz32(~(first << 24));
  let value = 0;
  for (let i = 0; i < more; i++) value += byte(cursor) * 2 ** (8 * i);
  value += more < 8 ? (first & (0x7f >> more)) * 2 ** (8 * more) : 0;
  return Number.isSafeInteger(value) ? value : fail(cursor.file, 'has an impossible number in its 7z header');
}
function counted(cursor: Cursor): number {
  const count = number(cursor);
  if (count > MAX_COUNT || count > cursor.bytes.length) fail(cursor.file, `claims ${count} parts in its 7z header`);
  return count;
}
