/**
 * LZ4 frames into memory, up to a limit. Source: lz4 doc/lz4_Frame_format.md 1.6.3, lz4_Block_format.md.
 * @module
 */
import { append, type Output, repeat, type Steps, StopDecoding } from './output.ts';

/** Frames one after the other; checksums are passed over, as a reader has acted on the data by then. @throws StopDecoding */
export function* unlz4(bytes: Uint8Array, out: Output): Steps {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 7 <= bytes.length && view.getUint32(at, true) === 0x184d2204) {
    const flags = bytes[at + 4]!;
    at += 6 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0) + 1;
    for (;;) {
      if (at + 4 > bytes.length) throw new StopDecoding('ends before its end mark');
      const size = view.getUint32(at, true);
      at += 4;
      if (size === 0) break;
      const length = size & 0x7fffffff;
      const data = bytes.subarray(at, at + length);
      if (size >= 0x80000000) append(out, data);
      else block(data, out);
      yield at;
      if (data.length < length) throw new StopDecoding('ends before its end mark');
      at += length + (flags & 16 ? 4 : 0);
    }
    if (flags & 4) at += 4;
  }
}

function block(bytes: Uint8Array, out: Output): void {
  let at = 0;
  const long = (length: number): number => {
    if (length !== 15) return length;
    for (;;) {
      const more = bytes[at++];
      if (more === undefined) throw new StopDecoding('ends inside a length');
      length += more;
      if (more !== 255) return length;
    }
  };
  while (at < bytes.length) {
    const token = bytes[at++]!;
    const literals = long(token >> 4);
    append(out, bytes.subarray(at, at + literals));
    at += literals;
    if (at >= bytes.length) return;
    const distance = bytes[at]! | ((bytes[at + 1] ?? 0) << 8);
    at += 2;
    repeat(out, distance, long(token & 15) + 4);
  }
}
