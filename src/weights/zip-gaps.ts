/**
 * Bytes between the members of a zip: data descriptors belong there, other members do not.
 * @module
 */
import type { ByteSource, Finding } from '../base/index.ts';
import { decodeName, type ZipEntry, zipFinding } from './zip-entry.ts';

/** ZIP64 data descriptor with its mark (APPNOTE 4.3.9). */
const DESCRIPTOR = 24;
/** Bytes of gaps looked at, and members found in them. (CWE-834) */
const MAX_GAP_BYTES = 1 << 20;
const MAX_UNLISTED = 100;
/** Bytes searched when there is no directory. (CWE-834) */
const MAX_SEARCHED = 16 << 20;

/** Entries for local headers that stand in gaps, with what those headers say. */
export async function findUnlisted(
  source: ByteSource,
  entries: readonly ZipEntry[],
  directoryOffset: number,
  findings: Finding[],
): Promise<ZipEntry[]> {
  const unlisted: ZipEntry[] = [];
  let left = MAX_GAP_BYTES;
  let end = 0;
  const ends = [...entries].filter((entry) => entry.dataOffset >= 0).sort((a, b) => a.headerOffset - b.headerOffset);
  const gaps: [number, number][] = [];
  for (const entry of ends) {
    if (entry.headerOffset - end > (end === 0 ? 0 : DESCRIPTOR)) gaps.push([end, entry.headerOffset]);
    end = Math.max(end, entry.dataOffset + entry.compressedSize);
  }
  if (directoryOffset - end > DESCRIPTOR) gaps.push([end, directoryOffset]);
  for (const [from, to] of gaps) {
    if (left <= 0) break;
    const bytes = await source.read(from, Math.min(to - from, left));
    left -= bytes.length;
    // What is padded lies within the members' own extra fields.
    const unseen = bytes.length < to - from;
    const found = headersIn(bytes, from, source.size);
    unlisted.push(...found.slice(0, MAX_UNLISTED - unlisted.length));
    const first = found[0];
    if (first)
      findings.push(
        zipFinding(
          source.name,
          first.headerOffset,
          'unlisted-member',
          `member "${first.name}" stands in the file and not in the directory`,
          'readers that go from header to header see members that others do not',
        ),
      );
    else if (unseen || bytes.some((byte) => byte !== 0))
      findings.push(
        zipFinding(
          source.name,
          from,
          'gap',
          `${to - from} bytes from byte ${from} belong to no member`,
          'bytes outside members can carry anything',
        ),
      );
  }
  return unlisted;
}

/** Members by their own headers alone, for an archive whose directory cannot be read. */
export async function findMembers(source: ByteSource): Promise<ZipEntry[]> {
  return headersIn(await source.read(0, Math.min(source.size, MAX_SEARCHED)), 0, source.size);
}

function headersIn(bytes: Uint8Array, base: number, size: number): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: ZipEntry[] = [];
  for (let at = bytes.indexOf(0x50); at >= 0 && at + 30 <= bytes.length && found.length < MAX_UNLISTED; at = bytes.indexOf(0x50, at + 1)) {
    if (view.getUint32(at, true) !== 0x04034b50) continue;
    const nameLength = view.getUint16(at + 26, true);
    const flags = view.getUint16(at + 6, true);
    const headerOffset = base + at;
    const dataOffset = headerOffset + 30 + nameLength + view.getUint16(at + 28, true);
    if (dataOffset > size) continue;
    const stated = view.getUint32(at + 18, true);
    const method = view.getUint16(at + 8, true);
    // Sizes may stand behind the data; then the member ends with the gap at the latest.
    const compressedSize = Math.max(0, Math.min(stated === 0 && flags & 8 ? base + bytes.length - dataOffset : stated, size - dataOffset));
    found.push({
      name: decodeName(bytes.subarray(at + 30, at + 30 + nameLength), flags),
      method,
      flags,
      crc32: view.getUint32(at + 14, true),
      dosTime: view.getUint32(at + 10, true),
      version: view.getUint16(at + 4, true),
      compressedSize,
      size: method === 0 ? compressedSize : view.getUint32(at + 22, true),
      headerOffset,
      mode: 0,
      directoryOffset: headerOffset,
      dataOffset,
    });
  }
  return found;
}
