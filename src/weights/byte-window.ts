/**
 * A sliding window over a file: headers of unknown length are parsed by growing range reads,
 * and skipping forward costs one small read.
 * @module
 */
import type { ByteSource } from '../base/index.ts';

/** First read, and the read after a jump: one page holds most protobuf tensor headers. */
const FIRST_READ = 4096;
/** Sequential reads double up to this; a tokenizer of 10 MB then costs about 15 requests. */
const LARGEST_READ = 1 << 20;

export interface ByteWindow {
  readonly source: ByteSource;
  /** Whether `length` bytes at `at` can be had without reading. */
  has(at: number, length: number): boolean;
  /** Makes `[at, at + length)` present; the caller has checked that it lies inside the file and bounded `length`. */
  load(at: number, length: number): Promise<void>;
  /** Present bytes; valid until the next `load`. */
  slice(at: number, length: number): Uint8Array;
  byte(at: number): number;
  /** The window's bytes as numbers; subtract `base` from file offsets. */
  readonly view: DataView;
  readonly base: number;
}

export function byteWindow(source: ByteSource): ByteWindow {
  let bytes: Uint8Array = new Uint8Array(0);
  let view = new DataView(bytes.buffer);
  let base = 0;
  let step = FIRST_READ;
  return {
    source,
    get view() {
      return view;
    },
    get base() {
      return base;
    },
    has: (at, length) => at >= base && at + length <= base + bytes.length,
    slice: (at, length) => bytes.subarray(at - base, at - base + length),
    byte: (at) => bytes[at - base]!,
    async load(at, length) {
      const end = base + bytes.length;
      const sequential = at >= base && at <= end && bytes.length > 0;
      step = sequential ? Math.min(step * 2, LARGEST_READ) : FIRST_READ;
      const from = sequential ? end : at;
      const to = Math.min(source.size, Math.max(at + length, from + step));
      const fresh = await source.read(from, to - from);
      if (!sequential || at === end) bytes = fresh;
      else {
        const kept = bytes.subarray(at - base);
        const joined = new Uint8Array(kept.length + fresh.length);
        joined.set(kept);
        joined.set(fresh, kept.length);
        bytes = joined;
      }
      base = at;
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
}
