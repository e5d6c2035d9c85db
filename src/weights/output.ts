/**
 * Bytes that grow up to a limit, with copies from what was written: the window of LZ77 decoders is the output itself.
 * @module
 */

/** Thrown by decoders when the limit is reached or the input ends or lies; what was decoded so far is kept. */
export class StopDecoding extends Error {
  readonly limited: boolean;
  constructor(message: string, limited = false) {
    super(message);
    this.limited = limited;
  }
}

export interface Output {
  bytes: Uint8Array;
  length: number;
  readonly limit: number;
}

const FIRST_ROOM = 64 << 10;

export function newOutput(limit: number): Output {
  return { bytes: new Uint8Array(Math.min(FIRST_ROOM, limit)), length: 0, limit };
}

/** Makes room for `more` bytes. @throws StopDecoding */
export function reserve(out: Output, more: number): void {
  const needed = out.length + more;
  if (needed > out.limit) throw new StopDecoding(`unpacks to more than ${out.limit} bytes`, true);
  if (needed <= out.bytes.length) return;
  const grown = new Uint8Array(Math.min(out.limit, Math.max(needed, out.bytes.length * 2)));
  grown.set(out.bytes.subarray(0, out.length));
  out.bytes = grown;
}

export function put(out: Output, byte: number): void {
  if (out.length >= out.bytes.length) reserve(out, 1);
  out.bytes[out.length++] = byte;
}

/** Repeats `length` bytes from `distance` back; they may overlap what is written. @throws StopDecoding */
export function repeat(out: Output, distance: number, length: number): void {
  if (distance < 1 || distance > out.length) throw new StopDecoding('refers to bytes before its beginning');
  reserve(out, length);
  const { bytes } = out;
  let at = out.length;
  if (distance >= length) bytes.copyWithin(at, at - distance, at - distance + length);
  else if (distance === 1) bytes.fill(bytes[at - 1]!, at, at + length);
  else for (const end = at + length; at < end; at++) bytes[at] = bytes[at - distance]!;
  out.length += length;
}

export function written(out: Output): Uint8Array {
  return out.bytes.subarray(0, out.length);
}
