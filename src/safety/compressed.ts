/**
 * Compressed files, and members of archives that are compressed by rarer methods.
 * @module
 */
import { type ByteSource, HeirloomError, memorySource } from '../base/index.ts';
import {
  type CompressionName,
  compressionOf,
  decompress,
  readSevenZip,
  unpackLzma,
  type ZipArchive,
  type ZipEntry,
} from '../weights/index.ts';
import { BOMB_BYTES, BOMB_RATIO, contentName, type InnerKind, MAX_MEMBER, MAX_UNPACKED, type ScanInner } from './inner.ts';
import { type Collector, report } from './rules.ts';
import { judgeTextMember } from './text-member.ts';
import { unpackedSource } from './turns.ts';

/** Containers that are named and not looked into. */
const UNREAD: readonly (readonly [mark: string, name: string])[] = [
  ['7z\xbc\xaf\x27\x1c', '7z'],
  ['\x28\xb5\x2f\xfd', 'zstd'],
  ['Rar!\x1a\x07', 'rar'],
];
/** Names under which loaders expect a container they know. */
const LOADED_NAME = /\.(pt|pth|bin|ckpt|pkl|pickle|joblib|npy|npz|dill|zip)$/i;

/** Compressed files are looked into. @returns the compression, or null when it is none. */
export async function scanCompressed(
  source: ByteSource,
  head: Uint8Array,
  into: Collector,
  depth: number,
  inner: ScanInner,
): Promise<string | null> {
  const compression = compressionOf(head);
  if (!compression) {
    const text = String.fromCharCode(...head.subarray(0, 6));
    const unread = UNREAD.find(([mark]) => text.startsWith(mark))?.[1];
    if (!unread) return null;
    const where = { file: source.name, byte: 0 };
    if (LOADED_NAME.test(source.name))
      report(into, 'hidden-container', where, `${source.name} is a ${unread} archive, which no loader of that kind of file reads`);
    if (unread === '7z') await scanSevenZip(source, into, depth, inner);
    else report(into, 'not-read', where, `the file is compressed with ${unread}, which is not looked into`);
    return unread;
  }
  const left = Math.min(MAX_MEMBER, MAX_UNPACKED - into.unpacked);
  // What unpacks to over a hundred times its size stops at 50 MiB; more is no weights.
  const limit = Math.min(left, Math.max(BOMB_BYTES, source.size * BOMB_RATIO));
  if (left <= 0 || source.size > MAX_MEMBER) {
    report(
      into,
      'not-read',
      { file: source.name },
      `${source.name} is ${compression} data of ${source.size} bytes and was not looked into`,
    );
    return compression;
  }
  await into.turn?.take();
  const { bytes, problem, limited } = await decompress(source, compression, limit, into.signal);
  into.unpacked += bytes.length;
  const name = `${source.name}!${compression}`;
  if (bytes.length > 0) {
    const content = unpackedSource(name, bytes, into.signal);
    await judgeTextMember(content, contentName(name), 'beside', into, { file: name });
    await inner(content, into, depth + 1, { torchscript: false, mixed: false });
  }
  if (problem !== undefined) {
    const bomb = limited && limit >= BOMB_RATIO * source.size;
    report(
      into,
      bomb ? 'archive-bomb' : limited ? 'not-read' : 'broken-file',
      { file: source.name },
      `${source.name}: the ${compression} data ${problem}`,
    );
  }
  return compression;
}

/** Methods that Python's zip reader, and so `numpy.load`, unpacks besides deflate (APPNOTE 4.4.5). */
export const PACKED: ReadonlyMap<number, CompressionName> = new Map([
  [12, 'bzip2'],
  [14, 'lzma'],
  [95, 'xz'],
]);

export async function scanPacked(
  archive: ZipArchive,
  entry: ZipEntry,
  compression: CompressionName,
  into: Collector,
  depth: number,
  inner: ScanInner,
  kind: InnerKind,
): Promise<void> {
  const { source } = archive;
  const name = `${source.name}!${entry.name}`;
  const where = { file: name, byte: entry.headerOffset };
  const size = Math.min(entry.compressedSize, source.size - entry.dataOffset);
  const limit = Math.min(MAX_MEMBER, MAX_UNPACKED - into.unpacked, Math.max(BOMB_BYTES, size * BOMB_RATIO));
  if (size > MAX_MEMBER || limit <= 0) return report(into, 'not-read', where, `member "${entry.name}" was not looked into`);
  await into.turn?.take();
  const raw = await source.read(entry.dataOffset, size);
  // In a zip, LZMA data has version and length of its properties before them (APPNOTE 5.8.8).
  const { bytes, problem, limited } =
    compression === 'lzma'
      ? await unpackLzma(raw.subarray(4, 9), raw.subarray(9), entry.size, limit, into.signal)
      : await decompress(memorySource(name, raw), compression, limit, into.signal);
  into.unpacked += bytes.length;
  if (problem !== undefined && bytes.length < entry.size)
    report(into, limited ? 'archive-bomb' : 'broken-file', where, `member "${entry.name}": the ${compression} data ${problem}`);
  if (bytes.length > 0) await inner(unpackedSource(name, bytes.subarray(0, Math.max(entry.size, 1)), into.signal), into, depth + 1, kind);
}

async function scanSevenZip(source: ByteSource, into: Collector, depth: number, inner: ScanInner): Promise<void> {
  const where = { file: source.name, byte: 0 };
  try {
    const most = Math.min(MAX_MEMBER, MAX_UNPACKED - into.unpacked);
    const bomb = Math.max(BOMB_BYTES, source.size * BOMB_RATIO);
    await into.turn?.take();
    const files = await readSevenZip(source, Math.min(most, bomb));
    for (const [n, { bytes, problem, limited }] of files.entries()) {
      into.unpacked += bytes.length;
      if (bytes.length > 0)
        await inner(unpackedSource(`${source.name}!${n + 1}`, bytes, into.signal), into, depth + 1, { torchscript: false, mixed: false });
      if (problem !== undefined)
        report(into, limited && bomb < most ? 'archive-bomb' : 'not-read', where, `files of the 7z archive ${problem}`);
    }
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    report(into, 'broken-file', error.where ?? where, error.message);
  }
}
