/**
 * Reading a GGUF header piece by piece: numbers, counts and strings, each checked before it is believed.
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { ByteWindow } from './byte-window.ts';
import { WeightsError, type WeightsErrorCode } from './types.ts';

/** Metadata and tensor list together; the largest tokenizers (260,000 tokens with merges) take about 15 MB. (CWE-770) */
export const MAX_HEADER_BYTES: number = 128 << 20;

export interface Cursor {
  readonly window: ByteWindow;
  readonly file: string;
  readonly size: number;
  at: number;
  kept: number;
  /** Texts in arrays so far. */
  texts: number;
  readonly findings: Finding[];
}

/** @param keep false walks over the string without building it. */
export async function takeString(c: Cursor, max: number, decoder: TextDecoder, what: string, keep = true): Promise<string> {
  if (!c.window.has(c.at, 8)) await need(c, 8);
  const at = c.at;
  const length = take64(c);
  if (length > BigInt(max)) fail(c, 'WEIGHTS_LIMIT', `claims ${length} bytes for ${what}, over the cap of ${max}`, at);
  const bytes = Number(length);
  if (!c.window.has(c.at, bytes)) await need(c, bytes);
  const raw = c.window.slice(c.at, bytes);
  c.at += bytes;
  if (!keep) return '';
  try {
    return decoder.decode(raw);
  } catch {
    return fail(c, 'WEIGHTS_HEADER', `holds bytes that are not UTF-8 in ${what}`, at);
  }
}

export function take32(c: Cursor): number {
  c.at += 4;
  return c.window.view.getUint32(c.at - 4 - c.window.base, true);
}
export function take64(c: Cursor): bigint {
  c.at += 8;
  return c.window.view.getBigUint64(c.at - 8 - c.window.base, true);
}

/** A 64-bit count, checked against a cap and against what the rest of the file could hold. */
export function takeCount(c: Cursor, max: number, leastBytes: number, what: string): number {
  const at = c.at;
  const count = take64(c);
  if (count > BigInt(max)) fail(c, 'WEIGHTS_LIMIT', `claims ${count} ${what}, over the cap of ${max}`, at);
  if (Number(count) * leastBytes > c.size - c.at)
    fail(c, 'WEIGHTS_TRUNCATED', `claims ${count} ${what}, more than its ${c.size} bytes can hold`, at);
  return Number(count);
}

export async function need(c: Cursor, bytes: number): Promise<void> {
  checkEnd(c, c.at + bytes);
  if (!c.window.has(c.at, bytes)) await c.window.load(c.at, bytes);
}

export function checkEnd(c: Cursor, end: number): void {
  if (end > c.size) fail(c, 'WEIGHTS_TRUNCATED', `ends inside its header (${c.size} bytes)`, c.at);
  if (end > MAX_HEADER_BYTES) fail(c, 'WEIGHTS_LIMIT', `has a header over the cap of ${MAX_HEADER_BYTES} bytes`, c.at);
}

export function fail(c: Cursor, code: WeightsErrorCode, what: string, byte?: number, field?: string): never {
  throw new WeightsError(code, `${c.file} ${what}`, {
    where: { file: c.file, ...(byte !== undefined && { byte }), ...(field !== undefined && { field }) },
  });
}
