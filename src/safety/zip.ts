/**
 * What is inside zip archives.
 * @module
 */
import { type ByteSource, type Finding, HeirloomError } from '../base/index.ts';
import {
  crc32,
  findMembers,
  inflatePrefix,
  openZipEntry,
  pytorchPrefix,
  readZip,
  sliceSource,
  type ZipArchive,
  type ZipEntry,
} from '../weights/index.ts';
import { isScript, judgePackedScript } from './carriers/files.ts';
import { PACKED, scanPacked } from './compressed.ts';
import {
  BOMB_BYTES,
  BOMB_RATIO,
  contentName,
  type InnerKind,
  MAX_MEMBER,
  MAX_TEXT,
  MAX_UNPACKED,
  mayLook,
  type ScanInner,
} from './inner.ts';
import { type Collector, report } from './rules.ts';
import type { Storages } from './storages.ts';
import { judgeTextMember } from './text-member.ts';
import { pausing, unpackedSource } from './turns.ts';

/** Of all members together: many small bombs are one. Arrays of zeros reach such ratios as well, seldom so many. */
const BOMB_TOTAL = 256 << 20;
/** Of such an archive this much is looked into. */
const BOMB_LOOK = 8 << 20;
/** Members whose CRC-32 is compared; larger ones cost more than they tell. */
const MAX_CHECKED = 1 << 20;

/** Bytes unpacked of members that are broken or of two minds, in one archive: payloads stand at the beginning. (CWE-409) */
const MAX_OTHERWISE = 16 << 20;

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
  const archive = await readZip(source).catch((error: unknown) => scanWithoutDirectory(source, error, into, depth, inner));
  if (!archive) return 'zip';
  for (const finding of archive.findings) archiveFinding(finding, into);
  const prefix = pytorchPrefix(archive);
  const names = new Set(archive.entries.map((entry) => entry.name));
  const torchscript = prefix !== null && names.has(`${prefix}constants.pkl`);
  const named = contentName(source.name).toLowerCase().endsWith('.keras');
  const keras = named || (names.has('config.json') && (names.has('metadata.json') || names.has('model.weights.h5')));
  const handler = names.has('MAR-INF/MANIFEST.json');
  if (keras && !names.has('config.json'))
    report(into, 'broken-file', { file: source.name, field: 'config.json' }, `${source.name} is a Keras archive without config.json`);
  if (torchscript) report(into, 'torchscript-code', { file: source.name }, 'the archive is a TorchScript program');
  const bomb = isBombTogether(archive.entries, source.size);
  if (bomb)
    report(into, 'archive-bomb', { file: source.name }, `the members of ${source.name} unpack to over ${BOMB_TOTAL} bytes together`);
  const place = { archive, into, depth, inner };
  const kind: ZipKind = { ...place, prefix, torchscript, keras, handler, bomb, storages: new Map(), otherwise: new Map() };
  const raw = archive.entries.filter((entry) => isStorage(entry, prefix));
  for (const entry of archive.entries) if (!isStorage(entry, prefix)) await scanMember(entry, kind);
  for (const entry of raw) await scanStorage(entry, kind);
  const there = new Set(raw.map((entry) => entry.name.slice(entry.name.lastIndexOf('/') + 1)));
  for (const [key, { bytes }] of kind.storages)
    if (bytes > 0 && !there.has(key))
      report(into, 'broken-file', { file: source.name, field: key }, `${source.name} has no member for storage "${key}" of ${bytes} bytes`);
  for (const entry of archive.unlisted) await scanMember(entry, kind);
  if (prefix !== null) return 'pytorch';
  if (keras) return 'keras-zip';
  return archive.entries.length > 0 && archive.entries.every((entry) => entry.name.endsWith('.npy')) ? 'npz' : 'zip';
}

/** Loaders are more patient with broken directories than this reader; members are then found by their own headers. */
async function scanWithoutDirectory(source: ByteSource, error: unknown, into: Collector, depth: number, inner: ScanInner): Promise<null> {
  if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
  report(into, 'broken-file', error.where ?? { file: source.name }, error.message);
  const entries = await findMembers(source);
  const archive: ZipArchive = { source, entries, unlisted: [], findings: [], prefixBytes: 0, suffixBytes: 0 };
  const plain = {
    archive,
    into,
    depth,
    inner,
    torchscript: false,
    keras: false,
    handler: false,
    storages: new Map(),
    otherwise: new Map(),
  };
  const kind: ZipKind = { ...plain, prefix: pytorchPrefix(archive), bomb: isBombTogether(entries, source.size) };
  for (const entry of entries) if (!isStorage(entry, kind.prefix)) await scanMember(entry, kind);
  return null;
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
async function scanStorage(entry: ZipEntry, kind: ZipKind): Promise<void> {
  const { archive, into } = kind;
  const key = entry.name.slice(entry.name.lastIndexOf('/') + 1);
  const needed = kind.storages.get(key)?.bytes;
  const where = { file: `${archive.source.name}!${entry.name}`, byte: entry.headerOffset };
  if (needed === undefined) return scanMember(entry, kind);
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

/** @param stored size of the archive: members that overlap claim more. */
function isBombTogether(entries: readonly ZipEntry[], stored: number): boolean {
  const deflated = entries.filter((entry) => entry.method !== 0 && !isBomb(entry));
  const sum = (of: (entry: ZipEntry) => number): number => deflated.reduce((total, entry) => total + of(entry), 0);
  const size = sum((entry) => entry.size);
  return (
    size > BOMB_TOTAL &&
    size >
      BOMB_RATIO *
        Math.min(
          stored,
          sum((entry) => entry.compressedSize),
        )
  );
}

/** An archive being looked into, and what is known of it. */
interface ZipKind {
  readonly archive: ZipArchive;
  readonly into: Collector;
  readonly depth: number;
  readonly inner: ScanInner;
  /** What the archive's pickles say of their storages. */
  readonly storages: Storages;
  /** Bytes unpacked as headers of their own or broken data would have it, by where they stand. */
  readonly otherwise: Map<number, number>;
  readonly prefix: string | null;
  readonly torchscript: boolean;
  readonly keras: boolean;
  /** Known for a bomb: looked into a little only. */
  readonly bomb: boolean;
  /** A TorchServe archive: its Python is run by the server. */
  readonly handler: boolean;
}

async function scanMember(entry: ZipEntry, kind: ZipKind): Promise<void> {
  const { archive, into, depth, inner } = kind;
  const file = `${archive.source.name}!${entry.name}`;
  const where = { file, byte: entry.headerOffset };
  if (entry.name.endsWith('/') && entry.size === 0) return;
  if (isBomb(entry))
    return report(into, 'archive-bomb', where, `member "${entry.name}" of ${entry.compressedSize} bytes unpacks to ${entry.size}`);
  if (kind.bomb && into.unpacked + entry.size > BOMB_LOOK) return;
  if (entry.method !== 0 && (entry.size > MAX_MEMBER || into.unpacked + entry.size > MAX_UNPACKED))
    return report(into, 'not-read', where, `member "${entry.name}" unpacks to ${entry.size} bytes and was not looked into`);
  if (entry.method === 0 && !mayLook(into, entry.size))
    return report(into, 'not-read', where, `the members of ${archive.source.name} overlap too much to look into "${entry.name}"`);
  const packed = entry.dataOffset < 0 ? undefined : PACKED.get(entry.method);
  if (packed) return scanPacked(archive, entry, packed, into, depth, inner, innerKind(kind, entry));
  try {
    if (entry.method !== 0) await into.turn?.take();
    const opened = await openZipEntry(archive, entry);
    const member = entry.method === 0 ? opened : pausing(opened, into.signal);
    // Marked but readable: a locked member would not have the size it claims.
    if (entry.flags & 0x61)
      report(into, 'archive-flags', where, `member "${entry.name}" is marked ${flagNames(entry.flags)} and can be read`);
    if (entry.method !== 0) into.unpacked += entry.size;
    const place = kind.handler ? 'handler' : kind.keras || kind.prefix !== null ? 'carried' : 'beside';
    await judgeTextMember(member, file, place, into, where, await ownJudge(entry, kind));
    if (isScript(entry.name) && member.size <= MAX_TEXT)
      judgePackedScript(await member.read(0, member.size), file, kind.prefix !== null, into);
    if (kind.keras && /\.(pyw?|pyc|sh|exe|dll|so|dylib|bat|cmd|ps1|vbs|jar)$/i.test(entry.name))
      report(into, 'keras-program', where, `member "${entry.name}" of a Keras archive is a program`);
    if (member.size <= MAX_CHECKED && crc32(await member.read(0, member.size)) !== entry.crc32)
      report(into, 'archive-crc', where, `the content of member "${entry.name}" does not have the CRC-32 that the archive states`);
    await inner(member, into, depth + 1, innerKind(kind, entry));
    if (entry.local) await scanOtherwise({ ...entry, ...entry.local }, kind);
  } catch (error) {
    memberFailed(error, entry, file, into);
    await scanOtherwise({ ...entry, ...entry.local }, kind);
  }
}

/** What judges the texts that a format knows. */
async function ownJudge(
  { name }: ZipEntry,
  kind: ZipKind,
): Promise<((bytes: Uint8Array, file: string, into: Collector) => void) | undefined> {
  if (kind.torchscript && name.startsWith(`${kind.prefix}code/`) && /\.py$/i.test(name))
    return (await import('./carriers/torchscript.ts')).judgeTorchScript;
  if (kind.keras && name === 'config.json') return (await import('./carriers/keras.ts')).judgeKerasConfig;
  return undefined;
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
async function scanOtherwise(entry: ZipEntry, kind: ZipKind): Promise<void> {
  const { archive, into, depth, inner } = kind;
  const { source } = archive;
  if (entry.dataOffset < 0 || entry.dataOffset >= source.size || into.unpacked > MAX_UNPACKED) return;
  const name = `${source.name}!${entry.name}`;
  const stored = Math.min(
    entry.method === 0 ? Math.max(entry.size, entry.compressedSize) : entry.compressedSize,
    source.size - entry.dataOffset,
  );
  if (!mayLook(into, stored)) return;
  const raw = sliceSource(source, entry.dataOffset, stored, name);
  if (entry.method !== 8) return void (stored > 0 && (await inner(raw, into, depth + 1, innerKind(kind, entry))));
  if (stored > MAX_MEMBER) return;
  await into.turn?.take();
  // Many members may share the same data, and each be broken in its own way.
  const left = MAX_OTHERWISE - [...kind.otherwise.values()].reduce((sum, length) => sum + length, 0);
  if (kind.otherwise.has(entry.dataOffset) || left <= 0) return;
  const { bytes } = await inflatePrefix(await raw.read(0, stored), left, into.signal);
  kind.otherwise.set(entry.dataOffset, bytes.length);
  into.unpacked += bytes.length;
  if (bytes.length > 0) await inner(unpackedSource(name, bytes, into.signal), into, depth + 1, innerKind(kind, entry));
}

function memberFailed(error: unknown, entry: ZipEntry, file: string, into: Collector): void {
  if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
  const where = error.where ?? { file };
  if (entry.flags & 1) report(into, 'archive-locked', where, `member "${entry.name}" is locked with a password or marked so`);
  else if (error.code === 'WEIGHTS_LIMIT') report(into, 'archive-bomb', where, error.message);
  else report(into, 'broken-file', where, error.message);
}
