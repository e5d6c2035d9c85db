/**
 * Bounded decompression with the web's own decompressor, which Node and browsers share.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { WeightsError } from './types.ts';

/** Compressed bytes handed over at a time. */
const INPUT_CHUNK = 256 << 10;
/** What one call may hold in memory. (CWE-409) */
export const MAX_INFLATED_BYTES: number = 512 << 20;

export type Compression = 'deflate-raw' | 'deflate' | 'gzip';

export interface InflateRange {
  readonly compression: Compression;
  /** Of the compressed bytes. */
  readonly offset: number;
  readonly compressedSize: number;
  /** First wanted byte of the output, and how many; `Infinity` for all there is. */
  readonly from: number;
  readonly length: number;
  /** Output beyond this many bytes is a bomb: what the container declares. */
  readonly limit: number;
  /** The data may end before `from + length`; the answer is then shorter. */
  readonly allowShort?: boolean;
}

/**
 * Decompresses a range of `source` and keeps only the wanted part of the output.
 * @throws WeightsError `WEIGHTS_LIMIT` when output passes the limit; `WEIGHTS_ARCHIVE` when the data is broken or shorter than declared.
 */
export async function inflateRange(source: ByteSource, range: InflateRange, name: string): Promise<Uint8Array> {
  const where = { where: { file: name, byte: range.offset } };
  if (Number.isFinite(range.length) && range.length > MAX_INFLATED_BYTES)
    throw new WeightsError('WEIGHTS_LIMIT', `${name}: ${range.length} bytes are over the cap for compressed data held in memory`, where);
  // Of known length, it is written where it stays; memory is taken as it is filled.
  const whole = Number.isFinite(range.length) ? new Uint8Array(range.length) : null;
  const parts: Uint8Array[] = [];
  let kept = 0;
  let produced = 0;
  const wantedEnd = range.from + range.length;
  const reader = compressedStream(source, range).pipeThrough(new DecompressionStream(range.compression)).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const start = Math.max(range.from - produced, 0);
      const end = Math.min(wantedEnd - produced, value.length);
      if (end > start) {
        if (whole) whole.set(value.subarray(start, end), kept);
        else parts.push(value.slice(start, end));
        kept += end - start;
      }
      produced += value.length;
      if (produced > range.limit || kept > MAX_INFLATED_BYTES)
        throw new WeightsError(
          'WEIGHTS_LIMIT',
          `${name}: the data unpacks to more than ${Math.min(range.limit, MAX_INFLATED_BYTES)} bytes`,
          where,
        );
      if (produced >= wantedEnd) break;
    }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && String(cause.code).match(/^(WEIGHTS|SOURCE)_/)) throw cause;
    throw new WeightsError('WEIGHTS_ARCHIVE', `${name}: the compressed data is broken`, { ...where, cause });
  } finally {
    await reader.cancel().catch(() => {});
  }
  if (Number.isFinite(range.length) && kept < range.length && !range.allowShort)
    throw new WeightsError('WEIGHTS_ARCHIVE', `${name}: the data unpacks to ${produced} bytes, fewer than declared`, where);
  return whole ? whole.subarray(0, kept) : join(parts, kept);
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function compressedStream(source: ByteSource, range: InflateRange): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = range.offset;
  const end = range.offset + range.compressedSize;
  return new ReadableStream(
    {
      async pull(controller) {
        if (at >= end) return controller.close();
        const length = Math.min(INPUT_CHUNK, end - at);
        const bytes = await source.read(at, length);
        at += length;
        controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
        if (at >= end) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
