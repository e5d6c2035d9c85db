/**
 * Compressed files by their first bytes, unpacked into memory up to a limit. Broken ones give what came before the break,
 * because a loader that reads a stream has acted on that by then.
 * @module
 */
import { type ByteSource, HeirloomError } from '../base/index.ts';
import { bunzip2 } from './bzip2.ts';
import { type Compression as NativeCompression, inflateRange } from './inflate.ts';
import { gunzip, inflateRaw } from './inflate-prefix.ts';
import { unlz4 } from './lz4.ts';
import { lzma2, unlzma } from './lzma.ts';
import { newOutput, type Output, StopDecoding, written } from './output.ts';
import { unxz } from './xz.ts';

export type CompressionName = 'gzip' | 'zlib' | 'bzip2' | 'xz' | 'lzma' | 'lz4' | 'joblib-zfile';

export interface Decompressed {
  readonly bytes: Uint8Array;
  /** Why it is not all. */
  readonly problem?: string;
  /** Whether the limit was the reason. */
  readonly limited: boolean;
}

/** DEFLATE makes at most 1032 bytes of one. */
const MOST_PER_BYTE = 1032;
/** Input under this share of the limit is a bomb if it passes the limit. */
const COUNTED_BELOW = 100;
/** What is judged of a bomb: payloads stand at the beginning. */
const BOMB_PREFIX = 4 << 20;

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

/** @throws SourceError when bytes cannot be had; never for what the bytes say. */
export async function decompress(source: ByteSource, compression: CompressionName, limit: number): Promise<Decompressed> {
  if (compression === 'gzip' || compression === 'zlib') {
    const native: NativeCompression = compression === 'gzip' ? 'gzip' : 'deflate';
    // Small input that could pass the limit is counted before anything is kept: a bomb must not fill memory to be known.
    if (source.size < limit / COUNTED_BELOW && source.size * MOST_PER_BYTE > limit) {
      const beyond = {
        compression: native,
        offset: 0,
        compressedSize: source.size,
        from: limit,
        length: 1,
        limit: Infinity,
        allowShort: true,
      };
      const more = await inflateRange(source, beyond, source.name).catch((error: unknown) => {
        if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
        return null;
      });
      if (more && more.length > 0)
        return {
          ...unpack(await source.read(0, source.size), compression, Math.min(limit, BOMB_PREFIX)),
          problem: `unpacks to more than ${limit} bytes`,
          limited: true,
        };
    }
    const range = { compression: native, offset: 0, compressedSize: source.size, from: 0, length: Infinity, limit } as const;
    try {
      return { bytes: await inflateRange(source, range, source.name), limited: false };
    } catch (error) {
      if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    }
  }
  return unpack(await source.read(0, source.size), compression, limit);
}

/** A member of an archive whose DEFLATE data is broken, or longer than it says: up to `limit` bytes of it. */
export function inflatePrefix(bytes: Uint8Array, limit: number): Decompressed {
  return attempt(limit, (out) => void inflateRaw(bytes, 0, out));
}

/** Raw LZMA data with its five bytes of properties apart, as archives keep it. */
export function unpackLzma(properties: Uint8Array, data: Uint8Array, limit: number): Decompressed {
  // The form for files has the properties first, then the length, all ones where it is unknown.
  const file = new Uint8Array(13 + data.length).fill(0xff, 5, 13);
  file.set(properties.subarray(0, 5));
  file.set(data, 13);
  return attempt(limit, (out) => unlzma(file, out));
}
/** Raw LZMA2 data. */
export function unpackLzma2(data: Uint8Array, limit: number): Decompressed {
  return attempt(limit, (out) => void lzma2(data, 0, out));
}

function unpack(bytes: Uint8Array, compression: CompressionName, limit: number): Decompressed {
  switch (compression) {
    case 'gzip':
      return attempt(limit, (out) => gunzip(bytes, out));
    case 'zlib':
      return attempt(limit, (out) => void inflateRaw(bytes, 2, out));
    case 'joblib-zfile': {
      const at = bytes[ZFILE_HEADER] === 0x78 ? ZFILE_HEADER : bytes.indexOf(0x78, 4);
      return attempt(limit, (out) => void inflateRaw(bytes, (at < 0 ? bytes.length : at) + 2, out));
    }
    case 'bzip2':
      return attempt(limit, (out) => bunzip2(bytes, out));
    case 'xz':
      return attempt(limit, (out) => unxz(bytes, out));
    case 'lzma':
      return attempt(limit, (out) => unlzma(bytes, out));
    case 'lz4':
      return attempt(limit, (out) => unlz4(bytes, out));
  }
}

function attempt(limit: number, decode: (out: Output) => void): Decompressed {
  const out = newOutput(limit);
  try {
    decode(out);
    return { bytes: written(out), limited: false };
  } catch (error) {
    if (!(error instanceof StopDecoding)) throw error;
    return { bytes: written(out), problem: error.message, limited: error.limited };
  }
}
