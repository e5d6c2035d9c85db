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
/** Long names and pax headers. */
const MAX_META = 64 << 10;

export interface TarMember {
  readonly name: string;
  /** Of the data. */
  readonly offset: number;
  readonly size: number;
  /** POSIX type flag: `0` file, `1` hard link, `2` symbolic link, `5` folder. */
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
  let longName: string | null = null;
  for (let headers = 0; at + BLOCK <= source.size; headers++) {
    if (headers > 2 * MAX_MEMBERS)
      throw new WeightsError('WEIGHTS_LIMIT', `${file} has more than ${MAX_MEMBERS} members`, { where: { file, byte: at } });
    const header = await source.read(at, BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (!checksumHolds(header))
      throw new WeightsError('WEIGHTS_ARCHIVE', `${file}: the tar header at byte ${at} is broken`, { where: { file, byte: at } });
    const size = numberField(header.subarray(124, 136));
    const offset = at + BLOCK;
    if (size < 0 || offset + size > source.size)
      throw new WeightsError('WEIGHTS_TRUNCATED', `${file}: a member of ${size} bytes runs past the end`, { where: { file, byte: at } });
    const type = String.fromCharCode(header[156]! || 0x30);
    if (type === 'L' || type === 'x') longName = size <= MAX_META ? metaName(await source.read(offset, size), type) : null;
    else if (type !== 'g' && type !== 'K') {
      const prefix = textField(header.subarray(257, 262)) === 'ustar' && header[262] === 0 ? textField(header.subarray(345, 500)) : '';
      const own = textField(header.subarray(0, 100));
      members.push({
        name: longName ?? (prefix ? `${prefix}/${own}` : own),
        offset,
        size,
        type,
        link: textField(header.subarray(157, 257)),
        headerOffset: at,
      });
      longName = null;
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

/** GNU long name, or `path=` of a pax header (`length key=value\n`). */
function metaName(bytes: Uint8Array, type: string): string | null {
  const text = new TextDecoder().decode(bytes);
  if (type === 'L') return text.replace(/\0.*$/s, '');
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1] ?? null;
}
