/**
 * What is inside archives and compressed files.
 * @module
 */
import { type ByteSource, type Finding, HeirloomError, memorySource } from '../base/index.ts';
import {
  inflateRange,
  openZipEntry,
  pytorchPrefix,
  readTar,
  readZip,
  type ZipArchive,
  type ZipEntry,
  sliceSource,
  type TarMember,
} from '../weights/index.ts';
import { judgeCode } from './code.ts';
import { judgeKerasConfig } from './carriers/keras.ts';
import { judgeTorchScript } from './carriers/torchscript.ts';
import { type Collector, report } from './rules.ts';
import { judgeText } from './text.ts';

/** Archives in archives. (CWE-409) */
export const MAX_DEPTH = 4;
/** One unpacked member, and all of a file together. (CWE-409) */
const MAX_MEMBER = 128 << 20;
const MAX_UNPACKED = 512 << 20;
/** Deflate of all zeros reaches 1032; weights rarely pass 3. */
const BOMB_RATIO = 100;
const BOMB_BYTES = 50 << 20;
/** Text members read. */
const MAX_TEXT = 32 << 20;

/** What the container says of its members. */
export interface InnerKind {
  readonly torchscript: boolean;
  readonly mixed: boolean;
}
/** Judges what stands in a source, whatever it is. */
export type ScanInner = (source: ByteSource, into: Collector, depth: number, kind: InnerKind) => Promise<void>;

/** weights' findings about an archive → rules here. */
const ARCHIVE_RULES: Readonly<Record<string, string>> = {
  'weights/zip-header-differs': 'archive-differs',
  'weights/zip-two-directories': 'archive-differs',
  'weights/zip-duplicate-name': 'archive-differs',
  'weights/zip-unsafe-name': 'archive-path',
  'weights/zip-link': 'archive-link',
  'weights/zip-overlap': 'archive-bomb',
  'weights/zip-prefix-bytes': 'trailing-data',
  'weights/zip-trailing-bytes': 'trailing-data',
};

/** @returns the format: `pytorch`, `npz`, `keras-zip` or `zip`. */
export async function scanZip(source: ByteSource, into: Collector, depth: number, inner: ScanInner): Promise<string> {
  const archive = await readZip(source);
  for (const finding of archive.findings) archiveFinding(finding, into);
  const prefix = pytorchPrefix(archive);
  const names = new Set(archive.entries.map((entry) => entry.name));
  const torchscript = prefix !== null && names.has(`${prefix}constants.pkl`);
  const named = source.name.toLowerCase().endsWith('.keras');
  const keras = named || (names.has('config.json') && (names.has('metadata.json') || names.has('model.weights.h5')));
  const handler = names.has('MAR-INF/MANIFEST.json');
  if (keras && !names.has('config.json'))
    report(into, 'broken-file', { file: source.name, field: 'config.json' }, `${source.name} is a Keras archive without config.json`);
  if (torchscript) report(into, 'torchscript-code', { file: source.name }, 'the archive is a TorchScript program');
  for (const entry of archive.entries) await scanMember(archive, entry, into, depth, inner, { prefix, torchscript, keras, handler });
  if (prefix !== null) return 'pytorch';
  if (keras) return 'keras-zip';
  return archive.entries.length > 0 && archive.entries.every((entry) => entry.name.endsWith('.npy')) ? 'npz' : 'zip';
}

function archiveFinding(finding: Finding, into: Collector): void {
  const rule = ARCHIVE_RULES[finding.rule];
  if (rule) report(into, rule, finding.where, finding.what);
}

interface ZipKind {
  readonly prefix: string | null;
  readonly torchscript: boolean;
  readonly keras: boolean;
  /** A TorchServe archive: its Python is run by the server. */
  readonly handler: boolean;
}

async function scanMember(
  archive: ZipArchive,
  entry: ZipEntry,
  into: Collector,
  depth: number,
  inner: ScanInner,
  kind: ZipKind,
): Promise<void> {
  const file = `${archive.source.name}!${entry.name}`;
  const where = { file, byte: entry.headerOffset };
  // Raw values of a storage: their bytes may look like anything.
  if (kind.prefix !== null && new RegExp(`^${escape(kind.prefix)}(data|tensors)/[0-9]+$`).test(entry.name)) return;
  if (entry.name.endsWith('/') && entry.size === 0) return;
  if (entry.method !== 0 && entry.size > BOMB_BYTES && entry.size > BOMB_RATIO * Math.max(entry.compressedSize, 1))
    return report(into, 'archive-bomb', where, `member "${entry.name}" of ${entry.compressedSize} bytes unpacks to ${entry.size}`);
  if (entry.method !== 0 && (entry.size > MAX_MEMBER || into.unpacked + entry.size > MAX_UNPACKED))
    return report(into, 'not-read', where, `member "${entry.name}" unpacks to ${entry.size} bytes and was not looked into`);
  try {
    const member = await openZipEntry(archive, entry);
    // Marked but readable: a locked member would not have the size it claims.
    if (entry.flags & 0x61) report(into, 'archive-flags', where, `member "${entry.name}" is marked encrypted or patched and is neither`);
    if (entry.method !== 0) into.unpacked += entry.size;
    const text = /\.(py|json|ya?ml|jinja2?|j2|txt|md)$/i.test(entry.name);
    if (text && member.size > MAX_TEXT)
      report(into, 'not-read', where, `member "${entry.name}" is ${member.size} bytes of text, more than is looked into`);
    if (text && member.size <= MAX_TEXT) {
      const bytes = await member.read(0, member.size);
      const scripted = kind.torchscript && entry.name.startsWith(`${kind.prefix}code/`);
      if (/\.py$/i.test(entry.name) && scripted) judgeTorchScript(bytes, file, into);
      else if (/\.py$/i.test(entry.name)) judgeCode(bytes, file, into, kind.handler ? 'handler' : kind.keras || kind.prefix !== null);
      else if (kind.keras && entry.name === 'config.json') judgeKerasConfig(bytes, file, into);
      else judgeText(bytes, file, into);
      if (/\.py$/i.test(entry.name)) return;
    }
    if (kind.keras && /\.(pyw?|pyc|sh|exe|dll|so|dylib|bat|cmd|ps1|vbs|jar)$/i.test(entry.name))
      report(into, 'keras-program', where, `member "${entry.name}" of a Keras archive is a program`);
    await inner(member, into, depth + 1, { torchscript: kind.torchscript, mixed: false });
  } catch (error) {
    memberFailed(error, entry, file, into);
  }
}

function memberFailed(error: unknown, entry: ZipEntry, file: string, into: Collector): void {
  if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
  const where = error.where ?? { file };
  if (entry.flags & 1) report(into, 'archive-locked', where, `member "${entry.name}" is locked with a password or marked so`);
  else if (error.code === 'WEIGHTS_LIMIT') report(into, 'archive-bomb', where, error.message);
  else report(into, 'broken-file', where, error.message);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export async function scanTar(source: ByteSource, into: Collector, depth: number, inner: ScanInner): Promise<void> {
  const members = await readTar(source);
  for (const member of members) {
    const where = { file: source.name, byte: member.headerOffset };
    if (leaves(member.name)) report(into, 'archive-path', where, `member "${member.name}" would be unpacked outside its folder`);
    if ((member.type === '1' || member.type === '2') && leaves(member.link))
      report(into, 'archive-link', where, `member "${member.name}" links to "${member.link}"`);
    if (member.type !== '0' || member.size === 0) continue;
    await scanTarMember(source, member, into, depth, inner);
  }
}

async function scanTarMember(source: ByteSource, member: TarMember, into: Collector, depth: number, inner: ScanInner): Promise<void> {
  const file = `${source.name}!${member.name}`;
  const slice = sliceSource(source, member.offset, member.size, file);
  if (/\.(py|json|ya?ml)$/i.test(member.name) && member.size <= MAX_TEXT) {
    const bytes = await slice.read(0, member.size);
    if (member.name.endsWith('.py')) judgeCode(bytes, file, into, false);
    else judgeText(bytes, file, into);
    return;
  }
  await inner(slice, into, depth + 1, { torchscript: false, mixed: /^(storages|tensors)$/.test(member.name) });
}

function leaves(path: string): boolean {
  return path.startsWith('/') || path.includes('\\') || path.split('/').includes('..') || /^[a-z]:/i.test(path);
}

/** gzip and zlib are looked into; other compressions are named. @returns the compression, or null when it is none. */
export async function scanCompressed(
  source: ByteSource,
  head: Uint8Array,
  into: Collector,
  depth: number,
  inner: ScanInner,
): Promise<string | null> {
  const text = String.fromCharCode(...head.subarray(0, 6));
  const zlib = head[0] === 0x78 && ((head[0] << 8) | head[1]!) % 31 === 0;
  const compression = text.startsWith('\x1f\x8b') ? 'gzip' : zlib ? 'deflate' : null;
  if (!compression) {
    const named = [
      ['BZh', 'bzip2'],
      ['\xfd7zXZ', 'xz'],
      ['\x5d\x00\x00', 'lzma'],
      ['\x04\x22\x4d\x18', 'lz4'],
      ['7z\xbc\xaf', '7z'],
      ['\x28\xb5\x2f\xfd', 'zstd'],
      ['Rar!', 'rar'],
      ['ZF', 'joblib 0.8'],
    ].find(([mark]) => text.startsWith(mark!));
    if (!named) return null;
    report(into, 'not-read', { file: source.name, byte: 0 }, `the file is compressed with ${named[1]}, which is not looked into`);
    return named[1]!;
  }
  try {
    const limit = Math.min(MAX_MEMBER, MAX_UNPACKED - into.unpacked);
    const range = { compression, offset: 0, compressedSize: source.size, from: 0, length: Infinity, limit } as const;
    const bytes = await inflateRange(source, range, source.name);
    into.unpacked += bytes.length;
    await inner(memorySource(`${source.name}!${compression === 'gzip' ? 'gzip' : 'zlib'}`, bytes), into, depth + 1, {
      torchscript: false,
      mixed: false,
    });
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    const bomb = error.code === 'WEIGHTS_LIMIT' && source.size * BOMB_RATIO < MAX_MEMBER;
    report(
      into,
      bomb ? 'archive-bomb' : error.code === 'WEIGHTS_LIMIT' ? 'not-read' : 'broken-file',
      error.where ?? { file: source.name },
      error.message,
    );
  }
  return compression === 'gzip' ? 'gzip' : 'zlib';
}
