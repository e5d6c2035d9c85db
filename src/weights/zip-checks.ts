/**
 * What the directory of a zip says, held against the members' own headers.
 * @module
 */
import type { ByteSource, Finding } from '../base/index.ts';
import { WeightsError, type WeightsErrorCode } from './types.ts';
import { decodeName, extraField, type ZipEntry, zipFinding } from './zip-entry.ts';

/** Headers closer together than this are fetched in one read; over HTTP a request costs more than 64 KiB. */
const NEAR = 64 << 10;
/** Local header without name and extra field. */
const LOCAL_HEADER = 30;
/** Findings of one kind; a broken archive has thousands alike. */
const MAX_FINDINGS = 20;

/** Windows read at a time: over HTTP each is a round trip. */
const AT_ONCE = 16;

interface HeaderWindow {
  readonly base: number;
  end: number;
  readonly entries: ZipEntry[];
}

/** Reads every member's local header, fills `dataOffset` and marks members that cannot be read. */
export async function readLocalHeaders(source: ByteSource, entries: readonly ZipEntry[], findings: Finding[]): Promise<void> {
  const windows = planWindows(source, entries);
  for (let i = 0; i < windows.length; i += AT_ONCE) {
    const batch = windows.slice(i, i + AT_ONCE);
    const read = await Promise.all(batch.map((window) => source.read(window.base, window.end - window.base)));
    for (const [n, window] of batch.entries())
      for (const entry of window.entries) await readLocalHeader(source, entry, read[n]!, window.base, findings);
  }
}

/** Headers that stand near each other share a read. Names and extra fields of up to 64 KiB each follow; most are short. */
function planWindows(source: ByteSource, entries: readonly ZipEntry[]): HeaderWindow[] {
  const windows: HeaderWindow[] = [];
  for (const entry of [...entries].sort((a, b) => a.headerOffset - b.headerOffset)) {
    if (entry.headerOffset + LOCAL_HEADER > source.size) {
      refuse(source, entry, 'WEIGHTS_TRUNCATED', 'has its header behind the end of the file');
      continue;
    }
    const end = Math.min(entry.headerOffset + LOCAL_HEADER + 256, source.size);
    const last = windows.at(-1);
    if (last && entry.headerOffset < last.end + NEAR / 16 && end - last.base <= NEAR) {
      last.end = Math.max(last.end, end);
      last.entries.push(entry);
    } else windows.push({ base: entry.headerOffset, end, entries: [entry] });
  }
  return windows;
}

async function readLocalHeader(source: ByteSource, entry: ZipEntry, window: Uint8Array, base: number, findings: Finding[]): Promise<void> {
  const at = entry.headerOffset - base;
  const view = new DataView(window.buffer, window.byteOffset + at, LOCAL_HEADER);
  if (view.getUint32(0, true) !== 0x04034b50)
    return refuse(source, entry, 'WEIGHTS_ARCHIVE', 'has no local header where the directory points');
  const nameLength = view.getUint16(26, true);
  const nameStart = entry.headerOffset + LOCAL_HEADER;
  entry.dataOffset = nameStart + nameLength + view.getUint16(28, true);
  // Extra fields are read with the name; those that are mere padding for alignment may be long, and are left where they are.
  const wanted = entry.dataOffset - nameStart;
  const inWindow = at + LOCAL_HEADER + nameLength <= window.length;
  const rest = inWindow
    ? window.subarray(at + LOCAL_HEADER, at + LOCAL_HEADER + wanted)
    : await source.read(nameStart, Math.min(nameStart + wanted, source.size) - nameStart);
  compare(source, entry, view, rest.subarray(0, nameLength), rest.subarray(nameLength), findings);
  checkReadable(source, entry);
}

function refuse(source: ByteSource, entry: ZipEntry, code: WeightsErrorCode, what: string, byte = entry.directoryOffset): void {
  entry.problem ??= new WeightsError(code, `member "${entry.name}" of ${source.name} ${what}`, {
    where: { file: source.name, byte, field: entry.name },
  });
}

function compare(source: ByteSource, entry: ZipEntry, local: DataView, ownName: Uint8Array, extra: Uint8Array, findings: Finding[]): void {
  const flags = local.getUint16(6, true);
  const localName = decodeName(ownName, entry.flags);
  const differs = (field: string, own: number | string, directory: number | string): void =>
    add(
      findings,
      zipFinding(
        source.name,
        entry.headerOffset,
        'header-differs',
        `member "${entry.name}": its own header says ${field} ${JSON.stringify(own)}, the directory says ${JSON.stringify(directory)}`,
        'loaders and scanners that believe different ones see different members',
      ),
    );
  if (localName !== entry.name) {
    entry.localName = localName;
    differs('name', localName, entry.name);
  }
  if (local.getUint16(8, true) !== entry.method) differs('method', local.getUint16(8, true), entry.method);
  if (((flags ^ entry.flags) & ~8) !== 0) differs('flags', flags, entry.flags);
  // A second name, which some unpackers prefer (APPNOTE 4.6.9); where the first is not ASCII it is there to spell it.
  const second = extraField(extra, 0x7075);
  if (second && second.byteLength > 5 && ownName.every((byte) => byte < 128)) {
    const name = new TextDecoder().decode(new Uint8Array(second.buffer, second.byteOffset + 5, second.byteLength - 5));
    if (name !== localName) differs('name in its Unicode field', name, entry.name);
  }
  // Bit 3: sizes stand behind the data, the header holds zeros; 0xffffffff: they stand in a ZIP64 field.
  const sizes = [
    [local.getUint32(18, true), entry.compressedSize, 'compressed size'],
    [local.getUint32(22, true), entry.size, 'size'],
  ] as const;
  const wide = extraField(extra, 1);
  if (wide && wide.byteLength >= 16)
    for (const [i, [, directory, field]] of sizes.entries()) {
      const own = Number(wide.getBigUint64(i === 0 ? 8 : 0, true));
      if (own !== directory && own !== 0) differs(`${field} in its ZIP64 field`, own, directory);
    }
  for (const [own, directory, field] of sizes)
    if (own !== directory && own !== 0xffffffff && !((flags & 8) !== 0 && own === 0)) differs(field, own, directory);
  const crc = local.getUint32(14, true);
  if (crc !== entry.crc32 && !((flags & 8) !== 0 && crc === 0)) differs('CRC-32', crc, entry.crc32);
  const method = local.getUint16(8, true);
  if (method !== entry.method || (sizes[0][0] !== sizes[0][1] && sizes[0][0] !== 0xffffffff && sizes[0][0] !== 0))
    entry.local = { method, compressedSize: sizes[0][0] === 0xffffffff || sizes[0][0] === 0 ? entry.compressedSize : sizes[0][0] };
  // Python's own writer states other versions in the two places; loaders heed neither time nor version.
  if (local.getUint32(10, true) !== entry.dosTime)
    add(
      findings,
      zipFinding(
        source.name,
        entry.headerOffset,
        'time-differs',
        `member "${entry.name}": its own header and the directory state different times of change`,
        'no loader heeds the time, but no writer states two',
      ),
    );
}

function checkReadable(source: ByteSource, entry: ZipEntry): void {
  if (entry.dataOffset + entry.compressedSize > source.size)
    refuse(source, entry, 'WEIGHTS_TRUNCATED', `runs past the end of the file`, entry.headerOffset);
  if (entry.method !== 0 && entry.method !== 8)
    refuse(
      source,
      entry,
      'WEIGHTS_ARCHIVE',
      `uses compression method ${entry.method}; only stored and deflated members are read`,
      entry.headerOffset,
    );
  if (entry.method === 0 && entry.size !== entry.compressedSize)
    refuse(source, entry, 'WEIGHTS_ARCHIVE', `is stored but claims ${entry.size} bytes in ${entry.compressedSize}`, entry.headerOffset);
}

function add(findings: Finding[], finding: Finding): void {
  if (findings.filter((one) => one.rule === finding.rule).length < MAX_FINDINGS) findings.push(finding);
}

/** Names, overlaps, links and flags. */
export function checkMembers(source: ByteSource, entries: readonly ZipEntry[], directoryOffset: number, findings: Finding[]): void {
  const file = source.name;
  const names = new Set<string>();
  // PyTorch looks members up, and some disks keep files, without regard to case; names of NumPy's arrays are told apart by it.
  const anyCase = !entries.every((entry) => entry.name.endsWith('.npy'));
  for (const entry of entries) {
    const say = (rule: string, what: string, why: string): void => add(findings, zipFinding(file, entry.directoryOffset, rule, what, why));
    const key = anyCase ? entry.name.toLowerCase() : entry.name;
    if (names.has(key)) say('duplicate-name', `two members are called "${entry.name}"`, 'readers may pick different ones');
    names.add(key);
    if (isUnsafeName(entry.name) || (entry.localName !== undefined && isUnsafeName(entry.localName)))
      say(
        'unsafe-name',
        `member "${entry.name}" would be unpacked outside its folder`,
        'an unpacker that follows the name writes to other files (CWE-22)',
      );
    if ((entry.mode & 0o170000) === 0o120000)
      say('link', `member "${entry.name}" is a symbolic link`, 'unpacked links lead reads and writes outside the folder (CWE-59)');
    if (entry.flags & 0x61)
      say(
        'flags',
        `member "${entry.name}" is marked encrypted or patched (flags 0x${entry.flags.toString(16)})`,
        'PyTorch ignores these marks, other readers refuse the member',
      );
  }
  let end = 0;
  let last: ZipEntry | undefined;
  for (const entry of [...entries].sort((a, b) => a.headerOffset - b.headerOffset)) {
    if (last && entry.headerOffset < end) {
      const what = `overlaps member "${last.name}"`;
      refuse(source, entry, 'WEIGHTS_OVERLAP', what, entry.headerOffset);
      add(
        findings,
        zipFinding(
          file,
          entry.headerOffset,
          'overlap',
          `member "${entry.name}" ${what}`,
          'overlapping members hide data or multiply it (zip bombs, CWE-409)',
        ),
      );
    }
    const own = entry.dataOffset < 0 ? entry.headerOffset : entry.dataOffset + entry.compressedSize;
    if (own > end) {
      end = own;
      last = entry;
    }
  }
  if (last && end > directoryOffset) {
    refuse(source, last, 'WEIGHTS_OVERLAP', 'overlaps the directory', last.headerOffset);
    add(
      findings,
      zipFinding(file, last.headerOffset, 'overlap', `member "${last.name}" overlaps the directory`, 'overlapping members hide data'),
    );
  }
}

function isUnsafeName(name: string): boolean {
  return name.includes('\0') || name.includes('\\') || name.startsWith('/') || /^[a-z]:/i.test(name) || name.split('/').includes('..');
}
