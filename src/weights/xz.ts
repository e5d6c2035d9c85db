/**
 * The xz container. Source: xz-file-format 1.2.0.
 * @module
 */
import { lzma2 } from './lzma.ts';
import { type Output, type Steps, StopDecoding } from './output.ts';

const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

/** Streams one after the other; checks are passed over, as a reader has acted on the data by then. @throws StopDecoding */
export function* unxz(bytes: Uint8Array, out: Output): Steps {
  let at = 0;
  while (at + 12 <= bytes.length && bytes[at] === 0xfd && bytes[at + 1] === 0x37) {
    const check = CHECK_BYTES[bytes[at + 7]! & 15]!;
    at += 12;
    const streamStart = at;
    while (at < bytes.length && bytes[at] !== 0) {
      const header = (bytes[at]! + 1) * 4;
      requireLzma2(bytes.subarray(at, at + header));
      const end = yield* lzma2(bytes, at + header, out);
      at = streamStart + Math.ceil((end - streamStart) / 4) * 4 + check;
    }
    at = behindIndex(bytes, at);
    while (bytes[at] === 0) at++;
  }
}

/** Block header: size, flags, optional sizes, filters. Only LZMA2 alone is written by Python and xz by default. */
function requireLzma2(header: Uint8Array): void {
  const flags = header[1] ?? 0;
  const cursor = { at: 2 };
  if (flags & 0x40) variable(header, cursor);
  if (flags & 0x80) variable(header, cursor);
  if ((flags & 3) !== 0 || variable(header, cursor) !== 0x21) throw new StopDecoding('uses a filter other than LZMA2');
}
function variable(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new StopDecoding('ends inside a number');
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  throw new StopDecoding('has a number of over nine bytes');
}
/** Index: mark, count of records, records, padding, CRC32; then a footer of 12 bytes. */
function behindIndex(bytes: Uint8Array, start: number): number {
  const cursor = { at: start + 1 };
  const records = variable(bytes, cursor);
  if (records > bytes.length) throw new StopDecoding('has an impossible index');
  for (let i = 0; i < 2 * records; i++) variable(bytes, cursor);
  return start + Math.ceil((cursor.at - start) / 4) * 4 + 4 + 12;
}
