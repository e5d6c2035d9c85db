/**
 * The bytes of a pickle and the arguments of its opcodes.
 * Source: CPython `Lib/pickletools.py` (argument descriptors) and `Modules/_pickle.c`.
 * @module
 */
import { decodeLatin1 } from '../base/index.ts';
import { WeightsError, type WeightsErrorCode } from './types.ts';

/** A window onto the pickle; `at` moves, the window is refilled by the driver. */
export interface Cursor {
  readonly file: string;
  /** Size of the whole source. */
  readonly size: number;
  /** Whether an argument that crosses the end of its frame is read from behind the frame instead; see `skipFrameRest`. */
  readonly dropsFrameRest: boolean;
  /** Absolute end of the current frame, or -1. */
  frameEnd: number;
  bytes: Uint8Array;
  /** Offset in the source of `bytes[0]`. */
  base: number;
  /** Index into `bytes` of the next unread byte; may lie past its end after a skipped payload. */
  at: number;
  /** Bytes wanted from the start of the current opcode when `NEED_MORE` was thrown. */
  need: number;
}

/** Thrown, and caught by the driver, when an argument runs past the window; nothing has been changed yet. */
export const NEED_MORE: Error = new Error('the pickle needs more bytes');

/** One text line (protocol 0 arguments); arrays pickled by protocol 0 are single lines. (CWE-770) */
const MAX_LINE_BYTES = 64 << 20;
/** Python itself refuses to parse longer decimal integers: the conversion is quadratic. (CVE-2020-10735) */
const MAX_DIGITS = 4300;

export function failPickle(cursor: Cursor, byte: number, message: string, code: WeightsErrorCode = 'WEIGHTS_PICKLE'): never {
  throw new WeightsError(code, `${cursor.file}: ${message} at byte ${byte}`, { where: { file: cursor.file, byte } });
}

/**
 * CPython's C unpickler before 3.13.15 and 3.14.7, reading from a file that cannot be peeked into: it holds one frame, and what is
 * longer than the rest of it is read from behind the frame; the rest is dropped (cpython issue 154848, `_Unpickler_ReadFromFile`).
 */
export function skipFrameRest(cursor: Cursor, end: number): void {
  const at = cursor.base + cursor.at;
  if (!cursor.dropsFrameRest || at >= cursor.frameEnd || cursor.base + end <= cursor.frameEnd) return;
  cursor.at = cursor.frameEnd - cursor.base;
  cursor.frameEnd = -1;
}

/** Index of `length` bytes that are in the window; advances past them. */
export function take(cursor: Cursor, length: number, opStart: number): number {
  skipFrameRest(cursor, cursor.at + length);
  const start = cursor.at;
  const end = start + length;
  if (end > cursor.bytes.length) {
    if (cursor.base + end > cursor.size)
      failPickle(cursor, cursor.base + opStart, 'the pickle is cut short: an argument runs past the end', 'WEIGHTS_TRUNCATED');
    cursor.need = end - opStart;
    throw NEED_MORE;
  }
  cursor.at = end;
  return start;
}

export function takeU8(cursor: Cursor, opStart: number): number {
  return cursor.bytes[take(cursor, 1, opStart)]!;
}
export function takeU16(cursor: Cursor, opStart: number): number {
  const i = take(cursor, 2, opStart);
  return cursor.bytes[i]! | (cursor.bytes[i + 1]! << 8);
}
export function takeI32(cursor: Cursor, opStart: number): number {
  const i = take(cursor, 4, opStart);
  const b = cursor.bytes;
  return b[i]! | (b[i + 1]! << 8) | (b[i + 2]! << 16) | (b[i + 3]! << 24);
}
export function takeU32(cursor: Cursor, opStart: number): number {
  return takeI32(cursor, opStart) >>> 0;
}
/** A 64-bit length; one that cannot be inside the source is refused here. */
export function takeLength64(cursor: Cursor, opStart: number): number {
  const low = takeU32(cursor, opStart);
  const high = takeU32(cursor, opStart);
  const length = high * 2 ** 32 + low;
  if (length > cursor.size)
    failPickle(cursor, cursor.base + opStart, `a length of ${length} bytes is larger than the file`, 'WEIGHTS_TRUNCATED');
  return length;
}
export function takeF64(cursor: Cursor, opStart: number): number {
  const i = take(cursor, 8, opStart);
  return new DataView(cursor.bytes.buffer, cursor.bytes.byteOffset).getFloat64(i, false);
}

/** Bytes up to, not including, the next newline. */
export function takeLine(cursor: Cursor, opStart: number): Uint8Array {
  const next = cursor.bytes.indexOf(10, cursor.at);
  skipFrameRest(cursor, next < 0 ? cursor.bytes.length : next + 1);
  const start = cursor.at;
  const end = start > cursor.bytes.length ? -1 : cursor.bytes.indexOf(10, start);
  if (end < 0) {
    if (cursor.base + cursor.bytes.length >= cursor.size)
      failPickle(cursor, cursor.base + opStart, 'a text argument has no end', 'WEIGHTS_TRUNCATED');
    if (cursor.bytes.length - opStart > MAX_LINE_BYTES)
      failPickle(cursor, cursor.base + opStart, `a text argument is longer than ${MAX_LINE_BYTES} bytes`, 'WEIGHTS_LIMIT');
    cursor.need = Math.min(Math.max((cursor.bytes.length - opStart) * 2, 256), cursor.size - cursor.base - opStart);
    throw NEED_MORE;
  }
  cursor.at = end + 1;
  return cursor.bytes.subarray(start, end);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
export function decodeUtf8(bytes: Uint8Array): string {
  if (bytes.length <= 48) {
    let ascii = true;
    for (let i = 0; i < bytes.length; i++)
      if (bytes[i]! > 127) {
        ascii = false;
        break;
      }
    if (ascii) return String.fromCharCode.apply(null, bytes as unknown as number[]);
  }
  return utf8.decode(bytes);
}
/** The bytes of a string of one-byte characters; null when a character does not fit. */
export function encodeLatin1(text: string): Uint8Array | null {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) return null;
    out[i] = code;
  }
  return out;
}

/** INT and LONG arguments; `undefined` when Python would refuse them. */
export function parseInteger(line: Uint8Array): number | bigint | boolean | undefined {
  if (line.length > MAX_DIGITS) return undefined;
  const text = decodeLatin1(line).trim().replace(/L$/, '');
  if (text === '00') return false;
  if (text === '01') return true;
  // Base 0 of `strtol` and `PyLong_FromString`: prefixes, leading zeros, and underscores between digits.
  if (!/^[+-]?(\d+(_\d+)*|0x_?[0-9a-f]+(_[0-9a-f]+)*|0o_?[0-7]+(_[0-7]+)*|0b_?[01]+(_[01]+)*)$/i.test(text)) return undefined;
  const negative = text.startsWith('-');
  const magnitude = BigInt(text.replace(/^[+-]/, '').replaceAll('_', ''));
  return smallInteger(negative ? -magnitude : magnitude);
}
export function parseFloatLine(line: Uint8Array): number | undefined {
  const text = decodeLatin1(line.subarray(0, 400)).trim().toLowerCase();
  const special = /^([+-]?)(inf(?:inity)?|nan)$/.exec(text);
  if (special) return special[2] === 'nan' ? NaN : special[1] === '-' ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}
/** Two's complement, little-endian, as LONG1 and LONG4 store it. */
export function parseLongBytes(bytes: Uint8Array): number | bigint {
  let hex = '';
  for (let i = bytes.length - 1; i >= 0; i--) hex += bytes[i]!.toString(16).padStart(2, '0');
  return hex === '' ? 0 : smallInteger(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)));
}
function smallInteger(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};
/** STRING: a Python 2 string literal; `undefined` when it is not quoted. */
export function parseStringLine(line: Uint8Array): string | undefined {
  const text = decodeLatin1(line).trimEnd();
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) return undefined;
  return text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S])/g, (whole, escape: string) => {
    if (escape.length === 3 && escape[0] === 'x') return String.fromCharCode(parseInt(escape.slice(1), 16));
    if (/^[0-7]/.test(escape)) return String.fromCharCode(parseInt(escape, 8) & 255);
    return ESCAPES[escape] ?? whole;
  });
}
/** UNICODE: `raw-unicode-escape`. */
export function parseUnicodeLine(line: Uint8Array): string {
  return decodeLatin1(line).replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, four?: string, eight?: string) => {
    const code = parseInt(four ?? eight!, 16);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
}
