/**
 * Bytes enter the house through these interfaces only; implementations live in `sources/`.
 * @module
 */
import { HeirloomError } from './errors.ts';
import type { Finding } from './finding.ts';

/** What reading has cost so far. Shared by all sources of one tree. */
export interface ReadStats {
  bytes: number;
  requests: number;
}

/** Bounded random access to one immutable file. */
export interface ByteSource {
  /** Path inside its tree, for messages. */
  readonly name: string;
  /** In bytes; an integer below 2^53. */
  readonly size: number;
  readonly stats: ReadStats;
  /**
   * Exactly `length` bytes from `offset`; the array is the caller's to keep.
   * @throws HeirloomError `SOURCE_OUT_OF_RANGE` when the range leaves the file; `SOURCE_*` when bytes cannot be had whole.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface FileEntry {
  /** Relative, `/`-separated, never absolute and never with `..`. */
  readonly path: string;
  readonly size: number;
  /** Hex digest published with the listing (a hub's LFS object id); not verified by us. */
  readonly sha256?: string;
  /** How many names the file has on this disk, when more than one: writing to one changes the others. */
  readonly links?: number;
}

/** A model as files: one file, a folder, a URL or a hub repository. */
export interface FileTree {
  /** What the user typed. */
  readonly locator: string;
  /** Short display name: folder or file base name, or `owner/name`. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'url' | 'hub' | 'memory';
  /** The commit a hub answer was pinned to. */
  readonly revision?: string;
  /** Sorted by path (code-unit order). */
  readonly files: readonly FileEntry[];
  /** What listing already found wrong: links out of the folder, unreadable entries. */
  readonly findings: readonly Finding[];
  readonly stats: ReadStats;
  /** @throws HeirloomError `SOURCE_NOT_FOUND` for a path that is not in `files`. */
  open(path: string): Promise<ByteSource>;
  /** Releases file handles and sockets; safe to call twice. */
  close(): Promise<void>;
}

export type SourceErrorCode =
  | 'SOURCE_NOT_FOUND'
  | 'SOURCE_OUT_OF_RANGE'
  | 'SOURCE_UNREADABLE'
  | 'SOURCE_TRUNCATED'
  | 'SOURCE_CHANGED'
  | 'SOURCE_HTTP'
  | 'SOURCE_NO_RANGES'
  | 'SOURCE_TOO_LARGE'
  | 'SOURCE_LOCATOR'
  | 'SOURCE_DENIED';

export class SourceError extends HeirloomError<SourceErrorCode> {
  override readonly name = 'SourceError';
}

/** @throws SourceError when `[offset, offset+length)` is not inside `size` bytes. */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > size)
    throw new SourceError('SOURCE_OUT_OF_RANGE', `${name}: ${length} bytes at ${offset} leave the file of ${size} bytes`, {
      where: { file: name, byte: Number.isFinite(offset) ? offset : 0 },
    });
}

/** Of just these bytes: what a source gives may be a part of a larger buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A source over bytes already in memory (tests, browser, archives' small members). */
export function memorySource(name: string, bytes: Uint8Array, stats: ReadStats = { bytes: 0, requests: 0 }): ByteSource {
  return {
    name,
    size: bytes.length,
    stats,
    async read(offset, length) {
      checkRange(name, bytes.length, offset, length);
      stats.bytes += length;
      stats.requests += 1;
      return bytes.slice(offset, offset + length);
    },
  };
}

/** A tree over bytes in memory; keys are paths. */
export function memoryTree(name: string, files: Readonly<Record<string, Uint8Array>>): FileTree {
  const stats: ReadStats = { bytes: 0, requests: 0 };
  const paths = Object.keys(files).sort();
  return {
    locator: name,
    name,
    kind: 'memory',
    files: paths.map((path) => ({ path, size: files[path]!.length })),
    findings: [],
    stats,
    async open(path) {
      const bytes = Object.hasOwn(files, path) ? files[path] : undefined;
      if (!bytes) throw new SourceError('SOURCE_NOT_FOUND', `${name} holds no file "${path}"`, { where: { file: path } });
      return memorySource(path, bytes, stats);
    },
    async close() {},
  };
}

/** One character per byte. (`TextDecoder('latin1')` is windows-1252 and would change 0x80-0x9f.) */
export function decodeLatin1(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 4096) out += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as number[]);
  return out;
}
