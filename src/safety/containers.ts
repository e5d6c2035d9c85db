/**
 * What is inside archives and compressed files.
 * @module
 */
import { type ByteSource, type Finding, HeirloomError, memorySource } from '../base/index.ts';
import {
  compressionOf,
  crc32,
  decompress,
  inflatePrefix,
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
import { isScript, judgeTextFile } from './carriers/files.ts';
import { judgeKerasConfig } from './carriers/keras.ts';
import { judgeTorchScript } from './carriers/torchscript.ts';
import { resync } from './pickles.ts';
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

/** Members whose CRC-32 is compared; larger ones cost more than they tell. */
const MAX_CHECKED = 1 << 20;

/** What the container says of its members. */
export interface InnerKind {
  /** Filled with what the container's pickles say of its storages. */
  readonly storages?: Map<string, number>;
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
  'weights/zip-unlisted-member': 'archive-differs',
  'weights/zip-gap': 'trailing-data',
  'weights/zip-time-differs': 'archive-detail',
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
  const kind: ZipKind = { prefix, torchscript, keras, handler, storages: new Map() };
  const raw = archive.entries.filter((entry) => isStorage(entry, prefix));
  for (const entry of archive.entries) if (!isStorage(entry, prefix)) await scanMember(archive, entry, into, depth, inner, kind);
  for (const entry of raw) await scanStorage(archive, entry, into, depth, inner, kind);
  for (const entry of archive.unlisted) await scanMember(archive, entry, into, depth, inner, kind);
  if (prefix !== null) return 'pytorch';
  if (keras) return 'keras-zip';
  return archive.entries.length > 0 && archive.entries.every((entry) => entry.name.endsWith('.npy')) ? 'npz' : 'zip';
}

function archiveFinding(finding: Finding, into: Collector): void {
  const rule = ARCHIVE_RULES[finding.rule];
  if (rule) report(into, rule, finding.where, finding.what);
}

/** Raw values of a storage: their bytes may look like anything. */
function isStorage(entry: ZipEntry, prefix: string | null): boolean {
  return (
    prefix !== null &&
    entry.name.toLowerCase().startsWith(prefix.toLowerCase()) &&
    /^(data|tensors)\/[0-9]+$/i.test(entry.name.slice(prefix.length))
  );
}

/** A storage that the archive's pickle describes must have the size it says; one that no pickle describes is looked at like any member. */
async function scanStorage(
  archive: ZipArchive,
  entry: ZipEntry,
  into: Collector,
  depth: number,
  inner: ScanInner,
  kind: ZipKind,
): Promise<void> {
  const key = entry.name.slice(entry.name.lastIndexOf('/') + 1);
  const needed = kind.storages.get(key);
  const where = { file: `${archive.source.name}!${entry.name}`, byte: entry.headerOffset };
  if (needed === undefined) return scanMember(archive, entry, into, depth, inner, kind);
  if (entry.problem) report(into, 'broken-file', entry.problem.where ?? where, entry.problem.message);
  if (needed > entry.size)
    report(into, 'storage-size', where, `the pickle needs ${needed} bytes of storage "${key}", its member has ${entry.size}`);
  if (entry.flags & 0x61) report(into, 'archive-flags', where, `storage "${key}" is marked ${flagNames(entry.flags)}`);
  if (isBomb(entry))
    report(into, 'archive-bomb', where, `member "${entry.name}" of ${entry.compressedSize} bytes unpacks to ${entry.size}`);
}

/** APPNOTE 4.4.4. */
function flagNames(flags: number): string {
  const names = [flags & 1 && 'encrypted (bit 0)', flags & 0x20 && 'patched (bit 5)', flags & 0x40 && 'strongly encrypted (bit 6)'];
  return names.filter(Boolean).join(', ');
}

function isBomb(entry: ZipEntry): boolean {
  return entry.method !== 0 && entry.size > BOMB_BYTES && entry.size > BOMB_RATIO * Math.max(entry.compressedSize, 1);
}

interface ZipKind {
  /** Storage → bytes that the archive's pickles say it has. */
  readonly storages: Map<string, number>;
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
  if (entry.name.endsWith('/') && entry.size === 0) return;
  if (isBomb(entry))
    return report(into, 'archive-bomb', where, `member "${entry.name}" of ${entry.compressedSize} bytes unpacks to ${entry.size}`);
  if (entry.method !== 0 && (entry.size > MAX_MEMBER || into.unpacked + entry.size > MAX_UNPACKED))
    return report(into, 'not-read', where, `member "${entry.name}" unpacks to ${entry.size} bytes and was not looked into`);
  try {
    const member = await openZipEntry(archive, entry);
    // Marked but readable: a locked member would not have the size it claims.
    if (entry.flags & 0x61)
      report(into, 'archive-flags', where, `member "${entry.name}" is marked ${flagNames(entry.flags)} and can be read`);
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
      if (/\.py$/i.test(entry.name) && isText(bytes)) return;
    }
    if (isScript(entry.name) && member.size <= MAX_TEXT) judgeScript(await member.read(0, member.size), file, kind.prefix !== null, into);
    if (kind.keras && /\.(pyw?|pyc|sh|exe|dll|so|dylib|bat|cmd|ps1|vbs|jar)$/i.test(entry.name))
      report(into, 'keras-program', where, `member "${entry.name}" of a Keras archive is a program`);
    if (member.size <= MAX_CHECKED && crc32(await member.read(0, member.size)) !== entry.crc32)
      report(into, 'archive-crc', where, `the content of member "${entry.name}" does not have the CRC-32 that the archive states`);
    await inner(member, into, depth + 1, innerKind(kind, entry));
    if (entry.local) await scanOtherwise(archive, { ...entry, ...entry.local }, into, depth, inner, kind);
  } catch (error) {
    memberFailed(error, entry, file, into);
    await scanOtherwise(archive, { ...entry, ...entry.local }, into, depth, inner, kind);
  }
}

/** TorchScript's `constants.pkl` numbers storages of its own. */
function innerKind(kind: ZipKind, entry: ZipEntry): InnerKind {
  const main = kind.prefix !== null && /(^|\/)data\.pkl$/i.test(entry.name);
  return { torchscript: kind.torchscript, mixed: false, ...(main && { storages: kind.storages }) };
}

/**
 * A member's bytes as its own header describes them, or as far as they unpack: other readers follow other descriptions, and
 * have acted on a beginning when they find the end broken.
 */
async function scanOtherwise(
  archive: ZipArchive,
  entry: ZipEntry,
  into: Collector,
  depth: number,
  inner: ScanInner,
  kind: ZipKind,
): Promise<void> {
  const { source } = archive;
  if (entry.dataOffset < 0 || entry.dataOffset >= source.size || into.unpacked > MAX_UNPACKED) return;
  const name = `${source.name}!${entry.name}`;
  const stored = Math.min(
    entry.method === 0 ? Math.max(entry.size, entry.compressedSize) : entry.compressedSize,
    source.size - entry.dataOffset,
  );
  const raw = sliceSource(source, entry.dataOffset, stored, name);
  if (entry.method !== 8) return void (stored > 0 && (await inner(raw, into, depth + 1, innerKind(kind, entry))));
  if (stored > MAX_MEMBER) return;
  const { bytes } = inflatePrefix(await raw.read(0, stored), BOMB_BYTES);
  into.unpacked += bytes.length;
  if (bytes.length > 0) await inner(memorySource(name, bytes), into, depth + 1, innerKind(kind, entry));
}

function memberFailed(error: unknown, entry: ZipEntry, file: string, into: Collector): void {
  if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
  const where = error.where ?? { file };
  if (entry.flags & 1) report(into, 'archive-locked', where, `member "${entry.name}" is locked with a password or marked so`);
  else if (error.code === 'WEIGHTS_LIMIT') report(into, 'archive-bomb', where, error.message);
  else report(into, 'broken-file', where, error.message);
}

export async function scanTar(source: ByteSource, into: Collector, depth: number, inner: ScanInner): Promise<void> {
  let members: readonly TarMember[] = [];
  try {
    members = await readTar(source);
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    report(into, 'broken-file', error.where ?? { file: source.name }, error.message);
    await resync(source, 0, into, {});
  }
  for (const member of members) {
    const where = { file: source.name, byte: member.headerOffset };
    if (leaves(member.name)) report(into, 'archive-path', where, `member "${member.name}" would be unpacked outside its folder`);
    if ((member.type === '1' || member.type === '2') && leaves(member.link))
      report(into, 'archive-link', where, `member "${member.name}" links to "${member.link}"`);
    // Links, devices and folders have no content; Python reads any other type as a file.
    if (/^[1-6]$/.test(member.type) || member.size === 0) continue;
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
    if (isText(bytes)) return;
  }
  if (isScript(member.name) && member.size <= MAX_TEXT)
    judgeScript(await slice.read(0, member.size), file, /\.nemo$/i.test(source.name), into);
  await inner(slice, into, depth + 1, { torchscript: false, mixed: /^(storages|tensors)$/.test(member.name) });
}

/** @param weights whether the archive is one of weights, which need no script. */
function judgeScript(bytes: Uint8Array, file: string, weights: boolean, into: Collector): void {
  judgeTextFile(bytes, new TextDecoder().decode(bytes), file, into);
  if (weights) report(into, 'executable', { file }, 'a weight file carries a script');
}

function leaves(path: string): boolean {
  return path.startsWith('/') || path.includes('\\') || path.split('/').includes('..') || /^[a-z]:/i.test(path);
}

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
    report(into, 'not-read', where, `the file is compressed with ${unread}, which is not looked into`);
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
  const { bytes, problem, limited } = await decompress(source, compression, limit);
  into.unpacked += bytes.length;
  if (bytes.length > 0)
    await inner(memorySource(`${source.name}!${compression}`, bytes), into, depth + 1, { torchscript: false, mixed: false });
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

/** Whether bytes are text of any encoding without control characters. */
export function isText(head: Uint8Array): boolean {
  return head.length > 0 && head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
}
