/**
 * Bytes that decoders write, up to a limit, with copies from what was written: the window of LZ77 decoders is the output itself.
 * An output of little room keeps its beginning and the last bytes only: enough to go on decoding, and to know a bomb for one.
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

/** Decoders stop after a part of the work and say how much of the input is used, so that whoever drives them can look around. */
export type Steps<End = number | void> = Generator<number, End, void>;

export interface Output {
  bytes: Uint8Array;
  /** Of `bytes`, how many are written. */
  length: number;
  /** `length` up to which nothing needs to be looked after. */
  end: number;
  /** Bytes let go between the beginning and the last ones. */
  gone: number;
  readonly limit: number;
  /** Most bytes held. */
  room: number;
}

/** An output of this room bears all decoders, but for LZMA with distances over `WINDOW`. */
export const LITTLE_ROOM: number = 8 << 20;
/** Of an output of little room: what stays from its beginning, for payloads stand there. */
export const BEGINNING: number = 1 << 20;
/** What stays from its end; DEFLATE needs 32 KiB, LZ4 64, LZMA what its matches make of it. */
const WINDOW = 4 << 20;
/** Written at a time; less than what is between the two. */
const PIECE = 1 << 20;

const FIRST_ROOM = 64 << 10;
/** Buffers double up to here; then all room is asked for at once, which costs memory only where it is written to. */
const LAST_DOUBLED = 8 << 20;

/** @param bytes to write into at first. */
export function newOutput(limit: number, room: number = limit, bytes: Uint8Array = new Uint8Array(Math.min(FIRST_ROOM, room))): Output {
  return { bytes, length: 0, end: 0, gone: 0, limit, room };
}

/** Bytes written so far, also those let go. */
export function total(out: Output): number {
  return out.gone + out.length;
}

/** Makes room for `more` bytes, at most `PIECE` where room is little. @throws StopDecoding */
export function reserve(out: Output, more: number): void {
  const needed = out.length + more;
  if (needed <= out.end) return;
  if (out.gone + needed > out.limit) throw new StopDecoding(`unpacks to more than ${out.limit} bytes`, true);
  if (needed > out.room) slide(out);
  else if (needed > out.bytes.length) {
    const grown = new Uint8Array(needed > LAST_DOUBLED ? out.limit : Math.min(out.limit, Math.max(needed, out.bytes.length * 2)));
    grown.set(out.bytes.subarray(0, out.length));
    out.bytes = grown;
  }
  out.end = Math.min(out.bytes.length, out.room, out.limit - out.gone);
}

function slide(out: Output): void {
  out.bytes.copyWithin(BEGINNING, out.length - WINDOW, out.length);
  out.gone += out.length - WINDOW - BEGINNING;
  out.length = BEGINNING + WINDOW;
}

export function put(out: Output, byte: number): void {
  if (out.length >= out.end) reserve(out, 1);
  out.bytes[out.length++] = byte;
}

export function append(out: Output, data: Uint8Array): void {
  for (let at = 0; at < data.length; at += PIECE) {
    const piece = data.subarray(at, at + PIECE);
    reserve(out, piece.length);
    out.bytes.set(piece, out.length);
    out.length += piece.length;
  }
}

/** Writes one byte `length` times. @throws StopDecoding */
export function fill(out: Output, byte: number, length: number): void {
  reserve(out, length);
  out.bytes.fill(byte, out.length, out.length + length);
  out.length += length;
}

/** Where the byte stands that was written `distance` bytes ago. @throws StopDecoding */
export function behind(out: Output, distance: number): number {
  if (distance < 1 || distance > total(out)) throw new StopDecoding('refers to bytes before its beginning');
  if (out.gone > 0 && distance > out.length - BEGINNING) throw new StopDecoding('refers to bytes let go');
  return out.length - distance;
}

/** Repeats `length` bytes from `distance` back; they may overlap what is written. @throws StopDecoding */
export function repeat(out: Output, distance: number, length: number): void {
  for (let left = length; left > 0; left -= PIECE) {
    const piece = Math.min(left, PIECE);
    reserve(out, piece);
    const from = behind(out, distance);
    const { bytes } = out;
    let at = out.length;
    if (distance >= piece) bytes.copyWithin(at, from, from + piece);
    else if (distance === 1) bytes.fill(bytes[from]!, at, at + piece);
    else for (const end = at + piece; at < end; at++) bytes[at] = bytes[at - distance]!;
    out.length += piece;
  }
}
