/**
 * What containers of all kinds share: how deep and how far they are unpacked, and what is said of their members.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import type { Collector } from './rules.ts';
import type { Storages } from './storages.ts';

/** Archives in archives. (CWE-409) */
export const MAX_DEPTH = 4;
/** One unpacked member, and all of a file together. (CWE-409) */
export const MAX_MEMBER: number = 128 << 20;
export const MAX_UNPACKED: number = 512 << 20;
/** Deflate of all zeros reaches 1032; weights rarely pass 3. */
export const BOMB_RATIO = 100;
export const BOMB_BYTES: number = 50 << 20;
/** Text members read. */
export const MAX_TEXT: number = 32 << 20;

/** What the container says of its members. */
export interface InnerKind {
  /** Filled with what the container's pickles say of its storages. */
  readonly storages?: Storages;
  readonly torchscript: boolean;
  readonly mixed: boolean;
}
/** Judges what stands in a source, whatever it is. */
export type ScanInner = (source: ByteSource, into: Collector, depth: number, kind: InnerKind) => Promise<void>;

/** Bytes of members that are looked at where they stand: a fixed part, and each byte of the file a few times, for archives in archives. */
const FREE_LOOKS = 1 << 20;
const LOOKS_PER_BYTE = 8;

/** Whether a stored member may still be looked at: members that overlap could cost the square of the file. (CWE-407) */
export function mayLook(into: Collector, bytes: number): boolean {
  into.work.looked += bytes;
  return into.work.looked <= FREE_LOOKS + LOOKS_PER_BYTE * (into.work.bytes + into.unpacked);
}

/** Whether bytes are text of any encoding without control characters. */
export function isText(head: Uint8Array): boolean {
  return head.length > 0 && head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
}

/** The name that bytes had before they were compressed: what is in `a.pkl.gz` is as much a pickle as `a.pkl`. */
export function contentName(name: string): string {
  return name.replace(/(\.(gz|bz2|xz|lzma|lz4|z))?!(gzip|zlib|bzip2|xz|lzma|lz4)$/i, '');
}
