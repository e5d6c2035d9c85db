/**
 * Members of a tar archive by walking its headers; data is skipped.
 * Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format" (base-256 sizes, long names).
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { WeightsError } from './types.ts';

const BLOCK = 512;
/** (CWE-770) */
const MAX_MEMBERS = 100_000;
/** Padding looked at behind the end mark. */
const MAX_PADDING = 1 << 20;
/** Type of what stands behind the end mark: no member, and read by some tools. */
export const BEHIND_END = 'end';
/** Long names and pax headers. */
const MAX_META = 64 << 10;
/** Types of headers that speak of other headers: pax (`x`, `g`), GNU long name and link (`L`, `K`). */
const META: ReadonlySet<string> = new Set(['x', 'g', 'L', 'K']);

export interface TarMember {
  readonly name: string;
  /** Of the data. */
  readonly offset: number;
  readonly size: number;
  /** POSIX type flag: `0` file, `1` hard link, `2` symbolic link, `3` and `4` devices, `5` folder, `6` pipe; or `BEHIND_END`. */
  readonly type: string;
  /** Target of a link. */
  readonly link: string;
  readonly headerOffset: number;
}

/** @throws WeightsError `WEIGHTS_ARCHIVE`, `WEIGHTS_TRUNCATED`, `WEIGHTS_LIMIT` */
export async function readTar(source: ByteSource): Promise<TarMember[]> {
  const file = source.name;
  const members: TarMember[] = [];
  let at = 0;
  // What pax and GNU headers say of the next member, or of all that follow.
  const all = new Map<string, string>();
  let next = new Map<string, string>();
  for (let headers = 0; at + BLOCK <= source.size; headers++) {
    if (headers > 2 * MAX_MEMBERS)
      throw new WeightsError('WEIGHTS_LIMIT', `${file} has more than ${MAX_MEMBERS} members`, { where: { file, byte: at } });
    const header = await source.read(at, BLOCK);
    if (header.every((byte) => byte === 0)) {
      const more = await behindEnd(source, at);
      if (more >= 0) members.push({ name: '', offset: more, size: source.size - more, type: BEHIND_END, link: '', headerOffset: more });
      break;
    }
    if (!checksumHolds(header))
      throw new WeightsError('WEIGHTS_ARCHIVE', `${file}: the tar header at byte ${at} is broken`, { where: { file, byte: at } });
    const isMeta = META.has(String.fromCharCode(header[156]!));
    const stated = isMeta ? undefined : (next.get('size') ?? all.get('size'));
    const size = stated !== undefined && /^\d{1,15}$/.test(stated) ? Number(stated) : numberField(header.subarray(124, 136));
    const offset = at + BLOCK;
    if (size < 0 || offset + size > source.size)
      throw new WeightsError('WEIGHTS_TRUNCATED', `${file}: a member of ${size} bytes runs past the end`, { where: { file, byte: at } });
    const type = String.fromCharCode(header[156]! || 0x30);
    if (isMeta) {
      const meta = size <= MAX_META ? await source.read(offset, size) : new Uint8Array(0);
      if (type === 'L' || type === 'K') next.set(type === 'L' ? 'path' : 'linkpath', textField(meta));
      else for (const [key, value] of paxRecords(meta)) (type === 'g' ? all : next).set(key, value);
    } else {
      const prefix = textField(header.subarray(257, 262)) === 'ustar' && header[262] === 0 ? textField(header.subarray(345, 500)) : '';
      const own = textField(header.subarray(0, 100));
      members.push({
        name: next.get('path') ?? all.get('path') ?? (prefix ? `${prefix}/${own}` : own),
        offset,
        size,
        type,
        link: next.get('linkpath') ?? all.get('linkpath') ?? textField(header.subarray(157, 257)),
        headerOffset: at,
      });
      next = new Map();
    }
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
  }
  return members;
}

function textField(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Octal digits, or base 256 when the top bit is set; -1 when neither. */
function numberField(bytes: Uint8Array): number {
  if (bytes[0]! & 0x80) {
    let value = bytes[0]! & 0x7f;
    for (const byte of bytes.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : -1;
  }
  const text = textField(bytes).trim();
  return /^[0-7]*$/.test(text) ? parseInt(text || '0', 8) : -1;
}

/** Whether a block is a tar header by its checksum; archives before POSIX have no other mark. */
export function isTarHeader(block: Uint8Array): boolean {
  return block.length >= BLOCK && block[0] !== 0 && checksumHolds(block.subarray(0, BLOCK));
}

function checksumHolds(header: Uint8Array): boolean {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : header[i]!;
  return sum === numberField(header.subarray(148, 156));
}

/** Records `length key=value\n` of a pax header; a later one of the same key wins. */
function paxRecords(bytes: Uint8Array): [key: string, value: string][] {
  const records: [string, string][] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(new TextDecoder().decode(bytes.subarray(at, space < 0 ? at : space)));
    // Without a space there is no length: a record of none would be read for ever.
    if (space < 0 || !Number.isInteger(length) || length <= space - at || at + length > bytes.length) break;
    const record = new TextDecoder().decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf('=');
    if (equals > 0) records.push([record.slice(0, equals), record.slice(equals + 1)]);
    at += length;
  }
  return records;
}

/** The first block behind the end mark that is no padding, -1 when there is none. */
async function behindEnd(source: ByteSource, at: number): Promise<number> {
  const first = (await source.read(at, Math.min(source.size - at, MAX_PADDING))).findIndex((byte) => byte !== 0);
  return first < 0 ? -1 : at + first - (first % BLOCK);
}
