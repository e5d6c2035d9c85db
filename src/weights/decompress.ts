/**
 * Compressed files by their first bytes, unpacked into memory up to a limit. Broken ones give what came before the break,
 * because a loader that reads a stream has acted on that by then.
 * @module
 */
import { type ByteSource, viewOf } from '../base/index.ts';
import { bunzip2 } from './bzip2.ts';
import { gunzip, inflateRaw } from './inflate-prefix.ts';
import { unlz4 } from './lz4.ts';
import { lzma2, unlzma } from './lzma.ts';
import { BEGINNING, LITTLE_ROOM, newOutput, type Output, type Steps, StopDecoding, total } from './output.ts';
import { unxz } from './xz.ts';

export type CompressionName = 'gzip' | 'zlib' | 'bzip2' | 'xz' | 'lzma' | 'lz4' | 'joblib-zfile';

export interface Decompressed {
  readonly bytes: Uint8Array;
  /** Why it is not all. */
  readonly problem?: string;
  /** Whether the limit was the reason. */
  readonly limited: boolean;
}

/** Input under this share of the limit may be a bomb: little is held of its output until it has ended before the limit. */
const SUSPECT = 20;
/** Of what may be a bomb, output held for each byte of input; the best that weights reach is 3. */
const HELD = 10;
/** Output between two turns given to others. */
const TURN = 4 << 20;

/** joblib 0.8: mark, then the length in hexadecimal, padded. Source: joblib/numpy_pickle_utils.py (`_ZFILE_PREFIX`, `_MAX_LEN`). */
const ZFILE_HEADER = 2 + '0x7fffffffffffffff'.length + 1;

/** @returns the compression whose mark `head` begins with, or null. */
export function compressionOf(head: Uint8Array): CompressionName | null {
  const text = String.fromCharCode(...head.subarray(0, 6));
  if (text.startsWith('\x1f\x8b')) return 'gzip';
  if (/^BZh[1-9]/.test(text)) return 'bzip2';
  if (text.startsWith('\xfd7zXZ\0')) return 'xz';
  if (text.startsWith('\x04\x22\x4d\x18')) return 'lz4';
  if (text.startsWith('ZF0x')) return 'joblib-zfile';
  if (head.length >= 13 && /^[\x5d\x2c\x62]\0\0/.test(text) && head[4]! < 0x10) return 'lzma';
  if (head[0] === 0x78 && ((head[0] << 8) | head[1]!) % 31 === 0 && !(head[1]! & 0x20)) return 'zlib';
  return null;
}

/**
 * Up to `limit` bytes. Of what unpacks to over 20 times its size and passes the limit, the first MiB.
 * @throws SourceError when bytes cannot be had; never for what the bytes say.
 */
export async function decompress(
  source: ByteSource,
  compression: CompressionName,
  limit: number,
  signal?: AbortSignal,
): Promise<Decompressed> {
  return unpack(await source.read(0, source.size), compression, limit, signal);
}

/** A member of an archive whose DEFLATE data is broken, or longer than it says: as `decompress`. */
export function inflatePrefix(bytes: Uint8Array, limit: number, signal?: AbortSignal): Promise<Decompressed> {
  return unpack(bytes, 'deflate-raw', limit, signal);
}

/** Raw LZMA data of `length` bytes, with its five bytes of properties apart, as archives keep it. */
export function unpackLzma(
  properties: Uint8Array,
  data: Uint8Array,
  length: number,
  limit: number,
  signal?: AbortSignal,
): Promise<Decompressed> {
  // The form for files has the properties first, then the length.
  const file = new Uint8Array(13 + data.length);
  file.set(properties.subarray(0, 5));
  viewOf(file).setBigUint64(5, BigInt(length), true);
  file.set(data, 13);
  return unpack(file, 'lzma', limit, signal);
}
/** Raw LZMA2 data. */
export function unpackLzma2(data: Uint8Array, limit: number, signal?: AbortSignal): Promise<Decompressed> {
  return unpack(data, 'lzma2-raw', limit, signal);
}

async function unpack(bytes: Uint8Array, compression: Method, limit: number, signal: AbortSignal | undefined): Promise<Decompressed> {
  if (bytes.length >= limit / SUSPECT) return attempt(bytes, compression, newOutput(limit), signal);
  // Buffers that are let go stay in memory for long; of several bombs one after the other, one is enough.
  const held = spare ?? new Uint8Array(LITTLE_ROOM);
  spare = null;
  try {
    const out = newOutput(limit, LITTLE_ROOM, held);
    const tried = await attempt(bytes, compression, out, signal);
    const bytesHeld = out.gone === 0 ? tried.bytes : tried.bytes.subarray(0, BEGINNING);
    if (tried.limited || out.gone === 0) return { ...tried, bytes: out.bytes === held ? bytesHeld.slice() : bytesHeld };
  } finally {
    spare = held;
  }
  return attempt(bytes, compression, newOutput(limit), signal);
}

let spare: Uint8Array | null = null;

type Method = CompressionName | 'deflate-raw' | 'lzma2-raw';

async function attempt(bytes: Uint8Array, compression: Method, out: Output, signal: AbortSignal | undefined): Promise<Decompressed> {
  try {
    let next = TURN;
    for (const used of decoder(bytes, compression, out)) {
      // The more came in, the more may be held.
      if (out.gone === 0) out.room = Math.max(out.room, HELD * used);
      if (total(out) >= next) {
        next = total(out) + TURN;
        await turn();
        signal?.throwIfAborted();
      }
    }
    return { bytes: out.bytes.subarray(0, out.length), limited: false };
  } catch (error) {
    if (!(error instanceof StopDecoding)) throw error;
    return { bytes: out.bytes.subarray(0, out.length), problem: error.message, limited: error.limited };
  }
}

/** Lets others run: timers, signals, whoever waits for a file. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function decoder(bytes: Uint8Array, compression: Method, out: Output): Steps {
  switch (compression) {
    case 'deflate-raw':
      return inflateRaw(bytes, 0, out);
    case 'lzma2-raw':
      return lzma2(bytes, 0, out);
    case 'gzip':
      return gunzip(bytes, out);
    case 'zlib':
      return inflateRaw(bytes, 2, out);
    case 'joblib-zfile': {
      const at = bytes[ZFILE_HEADER] === 0x78 ? ZFILE_HEADER : bytes.indexOf(0x78, 4);
      return inflateRaw(bytes, (at < 0 ? bytes.length : at) + 2, out);
    }
    case 'bzip2':
      return bunzip2(bytes, out);
    case 'xz':
      return unxz(bytes, out);
    case 'lzma':
      return unlzma(bytes, out);
    case 'lz4':
      return unlz4(bytes, out);
  }
}
