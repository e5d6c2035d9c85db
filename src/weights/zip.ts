/**
 * ZIP and ZIP64 by their directory: the tail is read, then the directory, then local headers; members only on demand.
 * Source: PKWARE APPNOTE 6.3.10 (sections 4.3-4.5). What differs between the two descriptions of a member is
 * reported, because loaders and scanners that believe different ones see different archives.
 * @module
 */
import { type ByteSource, type Finding, viewOf } from '../base/index.ts';
import { inflatePrefix } from './decompress.ts';
import { inflateRange, MAX_INFLATED_BYTES } from './inflate.ts';
import { sliceSource } from './slice.ts';
import { WeightsError } from './types.ts';
import { checkMembers, readLocalHeaders } from './zip-checks.ts';
import { findUnlisted } from './zip-gaps.ts';
import { decodeName, type ZipEntry, zipFinding } from './zip-entry.ts';

export type { ZipEntry } from './zip-entry.ts';

/** A mixture model's archive holds one member per tensor; 200,000 is the largest we know of. (CWE-770) */
const MAX_ENTRIES = 400_000;
/** Entries of 46 bytes plus names; 400,000 of them with names of 100 bytes. (CWE-789) */
const MAX_DIRECTORY_BYTES = 64 << 20;
/** Deflated members up to here are unpacked by own code; beyond, the platform's is faster. */
const SMALL_MEMBER = 4 << 20;
/** End record (22 bytes) behind the longest comment. */
const MAX_TAIL = 22 + 0xffff;

export interface ZipArchive {
  readonly source: ByteSource;
  /** In directory order. */
  readonly entries: readonly ZipEntry[];
  /** Members between the listed ones that the directory does not name; readers of streams see them. */
  readonly unlisted: readonly ZipEntry[];
  /** Differences and oddities, `weights/zip-...`. */
  readonly findings: readonly Finding[];
  /** Bytes before the first member and behind the end record. */
  readonly prefixBytes: number;
  readonly suffixBytes: number;
}

interface End {
  readonly offset: number;
  /** Behind the comment. */
  readonly end: number;
  readonly entries: number;
  readonly directorySize: number;
  readonly directoryOffset: number;
  /** Bytes that stand before the archive's own offset 0. */
  readonly shift: number;
  /** Other end records in the tail. */
  readonly others: readonly number[];
}

/** @throws WeightsError `WEIGHTS_ARCHIVE`, `WEIGHTS_TRUNCATED`, `WEIGHTS_LIMIT` when the directory itself cannot be read. */
export async function readZip(source: ByteSource): Promise<ZipArchive> {
  const findings: Finding[] = [];
  const end = await findEnd(source, findings);
  const directory = await source.read(end.directoryOffset, end.directorySize);
  const entries = readDirectory(directory, end, source);
  await readLocalHeaders(source, entries, findings);
  const first = entries.reduce((low, entry) => Math.min(low, entry.headerOffset), end.directoryOffset);
  checkMembers(source, entries, end.directoryOffset, findings);
  checkEnds(source.name, entries, end.others, findings);
  const unlisted = await findUnlisted(source, entries, end.directoryOffset, findings);
  return { source, unlisted, entries, findings, prefixBytes: first, suffixBytes: source.size - end.end };
}

/** An archive that is a member of this one has an end record of its own, which no reader takes for the outer one's. */
function checkEnds(file: string, entries: readonly ZipEntry[], others: readonly number[], findings: Finding[]): void {
  const astray = others.filter(
    (at) =>
      !entries.some(({ dataOffset, compressedSize }) => dataOffset >= 0 && at >= dataOffset && at + 22 <= dataOffset + compressedSize),
  );
  if (astray.length > 0)
    findings.push(
      zipFinding(
        file,
        astray[0]!,
        'two-directories',
        `${astray.length + 1} end-of-directory records stand in the tail of the file`,
        'readers may pick different ones and see different members',
      ),
    );
}

async function findEnd(source: ByteSource, findings: Finding[]): Promise<End> {
  const file = source.name;
  if (source.size < 22)
    throw new WeightsError('WEIGHTS_TRUNCATED', `${file} is ${source.size} bytes long, too short for a zip archive`, {
      where: { file, byte: 0 },
    });
  const tailStart = Math.max(0, source.size - MAX_TAIL);
  const tail = await source.read(tailStart, source.size - tailStart);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const found: number[] = [];
  for (let i = tail.length - 22; i >= 0 && found.length < 8; i--)
    if (tail[i] === 0x50 && view.getUint32(i, true) === 0x06054b50 && i + 22 + view.getUint16(i + 20, true) <= tail.length) found.push(i);
  const at = found[0];
  if (at === undefined)
    throw new WeightsError('WEIGHTS_ARCHIVE', `${file} has no zip directory at its end; the download may be incomplete`, {
      where: { file, byte: source.size - 22 },
    });
  const end = tailStart + at + 22 + view.getUint16(at + 20, true);
  if (end < source.size)
    findings.push(
      zipFinding(
        file,
        end,
        'trailing-bytes',
        `${source.size - end} bytes follow the end of the archive`,
        'bytes outside the archive can carry anything',
      ),
    );
  if (view.getUint16(at + 4, true) !== 0 || view.getUint16(at + 6, true) !== view.getUint16(at + 4, true))
    throw new WeightsError('WEIGHTS_ARCHIVE', `${file} is one part of a split archive`, { where: { file, byte: tailStart + at } });
  let entries = view.getUint16(at + 10, true);
  let size = view.getUint32(at + 12, true);
  let offset = view.getUint32(at + 16, true);
  let directoryEnd = tailStart + at;
  if (at >= 20 && view.getUint32(at - 20, true) === 0x07064b50) {
    const zip64 = await readZip64End(source, safe64(view, at - 20 + 8, file, tailStart + at - 20), tailStart + at - 20);
    if ((entries !== 0xffff && entries !== zip64.entries) || (offset !== 0xffffffff && offset !== zip64.offset))
      findings.push(
        zipFinding(
          file,
          zip64.at,
          'two-directories',
          'the ZIP64 end record and the short one disagree',
          'readers may follow different ones and see different members',
        ),
      );
    ({ entries, size, offset } = zip64);
    directoryEnd = zip64.at;
  }
  if (entries > MAX_ENTRIES || size > MAX_DIRECTORY_BYTES)
    throw new WeightsError('WEIGHTS_LIMIT', `${file} claims ${entries} members in a directory of ${size} bytes`, {
      where: { file, byte: tailStart + at },
    });
  if (size + offset > directoryEnd)
    throw new WeightsError('WEIGHTS_ARCHIVE', `${file}: the directory of ${size} bytes at ${offset} runs into its own end record`, {
      where: { file, byte: tailStart + at },
    });
  // Bytes put before an archive shift all its offsets; zip tools accept that, and so do polyglots.
  const shift = directoryEnd - size - offset;
  if (shift > 0)
    findings.push(
      zipFinding(file, 0, 'prefix-bytes', `${shift} bytes stand before the archive or its directory`, 'the file may be two things at once'),
    );
  const others = found.slice(1).map((one) => tailStart + one);
  return { offset: tailStart + at, end, entries, directorySize: size, directoryOffset: offset + shift, shift, others };
}

async function readZip64End(
  source: ByteSource,
  at: number,
  before: number,
): Promise<{ at: number; entries: number; size: number; offset: number }> {
  const file = source.name;
  // A prefix shifts the record; it must end right before its locator, 56 bytes without extension data.
  const candidates = [at, before - 56].filter((offset) => offset >= 0 && offset + 56 <= before);
  for (const offset of candidates) {
    const view = viewOf(await source.read(offset, 56));
    if (view.getUint32(0, true) !== 0x06064b50) continue;
    return {
      at: offset,
      entries: safe64(view, 32, file, offset),
      size: safe64(view, 40, file, offset),
      offset: safe64(view, 48, file, offset),
    };
  }
  throw new WeightsError('WEIGHTS_ARCHIVE', `${file}: the ZIP64 end record is not where its locator says`, {
    where: { file, byte: before },
  });
}

function safe64(view: DataView, at: number, file: string, byte: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new WeightsError('WEIGHTS_ARCHIVE', `${file}: an offset or size is beyond 2^53`, { where: { file, byte } });
  return Number(value);
}

function readDirectory(bytes: Uint8Array, end: End, source: ByteSource): ZipEntry[] {
  const file = source.name;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: ZipEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const byte = end.directoryOffset + at;
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50)
      throw new WeightsError('WEIGHTS_ARCHIVE', `${file}: the directory is broken at byte ${byte}`, { where: { file, byte } });
    if (entries.length >= MAX_ENTRIES)
      throw new WeightsError('WEIGHTS_LIMIT', `${file} lists more than ${MAX_ENTRIES} members`, { where: { file, byte } });
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length)
      throw new WeightsError('WEIGHTS_ARCHIVE', `${file}: a directory entry runs past the directory`, { where: { file, byte } });
    const flags = view.getUint16(at + 8, true);
    const wide = zip64Sizes(
      view,
      at + 46 + nameLength,
      extraLength,
      [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)],
      file,
      byte,
    );
    const madeBy = bytes[at + 5]!;
    entries.push({
      name: decodeName(bytes.subarray(at + 46, at + 46 + nameLength), flags),
      method: view.getUint16(at + 10, true),
      flags,
      crc32: view.getUint32(at + 16, true),
      dosTime: view.getUint32(at + 12, true),
      version: view.getUint16(at + 6, true),
      size: wide[0],
      compressedSize: wide[1],
      headerOffset: wide[2] + end.shift,
      mode: madeBy === 3 ? view.getUint32(at + 38, true) >>> 16 : 0,
      directoryOffset: byte,
      dataOffset: -1,
    });
    at = next;
  }
  if (entries.length !== end.entries)
    throw new WeightsError(
      'WEIGHTS_ARCHIVE',
      `${file}: the directory lists ${entries.length} members, its end record claims ${end.entries}`,
      { where: { file, byte: end.offset } },
    );
  return entries;
}

/** Fills the values that are 0xffffffff from the ZIP64 extra field (APPNOTE 4.5.3): size, compressed size, offset, in this order. */
function zip64Sizes(
  view: DataView,
  at: number,
  length: number,
  values: [number, number, number],
  file: string,
  byte: number,
): [number, number, number] {
  if (!values.includes(0xffffffff)) return values;
  const end = at + length;
  while (at + 4 <= end) {
    const size = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1) {
      let next = at + 4;
      for (let i = 0; i < 3; i++)
        if (values[i] === 0xffffffff && next + 8 <= Math.min(end, at + 4 + size)) {
          values[i] = safe64(view, next, file, byte);
          next += 8;
        }
      return values;
    }
    at += 4 + size;
  }
  return values;
}

/** A stored member as a source over the archive's own bytes; a deflated one is unpacked into memory. */
export async function openZipEntry(archive: ZipArchive, entry: ZipEntry): Promise<ByteSource> {
  const { source } = archive;
  const name = `${source.name}!${entry.name}`;
  if (entry.problem) throw entry.problem;
  if (entry.method === 0) return sliceSource(source, entry.dataOffset, entry.size, name);
  // What little data unpacks to may be much: it goes through the decoder that holds little.
  const small = entry.compressedSize <= SMALL_MEMBER && entry.size <= MAX_INFLATED_BYTES;
  const bytes = small ? await inflateMember(archive, entry) : await readZipRange(archive, entry, 0, entry.size);
  return {
    name,
    size: bytes.length,
    stats: source.stats,
    async read(at, length) {
      if (at < 0 || length < 0 || at + length > bytes.length) return sliceSource(source, 0, bytes.length, name).read(at, length);
      return bytes.slice(at, at + length);
    },
  };
}

async function inflateMember({ source }: ZipArchive, entry: ZipEntry): Promise<Uint8Array> {
  const name = `${source.name}!${entry.name}`;
  const { bytes, problem, limited } = await inflatePrefix(await source.read(entry.dataOffset, entry.compressedSize), entry.size);
  if (problem === undefined && bytes.length === entry.size) return bytes;
  const what = problem ?? `unpacks to ${bytes.length} bytes, fewer than declared`;
  throw new WeightsError(limited ? 'WEIGHTS_LIMIT' : 'WEIGHTS_ARCHIVE', `${name}: the compressed data ${what}`, {
    where: { file: name, byte: entry.dataOffset },
  });
}

/** Bytes `[from, from + length)` of a member's content. @throws WeightsError */
export async function readZipRange(archive: ZipArchive, entry: ZipEntry, from: number, length: number): Promise<Uint8Array> {
  if (entry.problem) throw entry.problem;
  if (entry.method === 0) return archive.source.read(entry.dataOffset + from, length);
  if (length > MAX_INFLATED_BYTES)
    throw new WeightsError(
      'WEIGHTS_LIMIT',
      `member "${entry.name}" unpacks to ${entry.size} bytes, over the cap of ${MAX_INFLATED_BYTES}`,
      { where: { file: archive.source.name, byte: entry.headerOffset } },
    );
  const range = {
    compression: 'deflate-raw',
    offset: entry.dataOffset,
    compressedSize: entry.compressedSize,
    from,
    length,
    limit: entry.size,
  } as const;
  return inflateRange(archive.source, range, `${archive.source.name}!${entry.name}`);
}
