/**
 * bzip2 into memory, up to a limit. Source: the format as bzip2-1.0.8's decompress.c reads it.
 * Own code, because no package at hand bounds its output and keeps what was decoded before a break.
 * @module
 */
import { fill, type Output, put, type Steps, StopDecoding } from './output.ts';

interface Bits {
  readonly bytes: Uint8Array;
  at: number;
  hold: number;
  count: number;
}

const BLOCK_MARK = 0x314159265359;
const END_MARK = 0x177245385090;
const GROUP = 50;
const MAX_CODE = 20;
const LARGEST_BLOCK = 900_000;

/** Up to 24 bits, most significant first. */
function take(bits: Bits, n: number): number {
  while (bits.count < n) {
    if (bits.at >= bits.bytes.length) throw new StopDecoding('ends before its end mark');
    bits.hold = ((bits.hold << 8) | bits.bytes[bits.at++]!) >>> 0;
    bits.count += 8;
  }
  bits.count -= n;
  const value = (bits.hold >>> bits.count) & ((1 << n) - 1);
  bits.hold &= (1 << bits.count) - 1;
  return value;
}

interface Codes {
  /** Per length: largest code of it, and what to subtract to get the place in `symbols`. */
  readonly limits: Int32Array;
  readonly bases: Int32Array;
  readonly symbols: Uint16Array;
}
function codes(lengths: Uint8Array): Codes {
  const limits = new Int32Array(MAX_CODE + 2).fill(-1);
  const bases = new Int32Array(MAX_CODE + 2);
  const symbols: number[] = [];
  let code = 0;
  for (let length = 1; length <= MAX_CODE; length++) {
    bases[length] = code - symbols.length;
    for (let symbol = 0; symbol < lengths.length; symbol++)
      if (lengths[symbol] === length) {
        symbols.push(symbol);
        code++;
      }
    limits[length] = code - 1;
    code <<= 1;
  }
  return { limits, bases, symbols: Uint16Array.from(symbols) };
}
function symbol(bits: Bits, { limits, bases, symbols }: Codes): number {
  while (bits.count < MAX_CODE && bits.at < bits.bytes.length) {
    bits.hold = (bits.hold << 8) | bits.bytes[bits.at++]!;
    bits.count += 8;
  }
  const { hold, count } = bits;
  for (let length = 1; length <= MAX_CODE; length++) {
    if (length > count) throw new StopDecoding('ends before its end mark');
    const code = hold >>> (count - length);
    const place = code - bases[length]!;
    if (code > limits[length]! || place < 0 || place >= symbols.length) continue;
    bits.count = count - length;
    bits.hold = hold & ((1 << bits.count) - 1);
    return symbols[place]!;
  }
  throw new StopDecoding('has a code that stands for nothing');
}

/** Streams one after the other, as Python reads them. @throws StopDecoding */
export function* bunzip2(bytes: Uint8Array, out: Output): Steps {
  const bits: Bits = { bytes, at: 0, hold: 0, count: 0 };
  const room = spare ?? newRoom();
  spare = null;
  try {
    yield* streams(bits, room, out);
  } finally {
    spare = room;
  }
}

/** One for all blocks of all files: buffers let go are not given back until much later. */
let spare: Room | null = null;

function* streams(bits: Bits, room: Room, out: Output): Steps {
  const { bytes } = bits;
  while (bits.at + 4 <= bytes.length && bytes[bits.at] === 0x42 && bytes[bits.at + 1] === 0x5a) {
    const level = bytes[bits.at + 3]! - 0x30;
    if (level < 1 || level > 9) throw new StopDecoding('has an unknown block size');
    bits.at += 4;
    bits.hold = bits.count = 0;
    for (;;) {
      const mark = take(bits, 24) * 2 ** 24 + take(bits, 24);
      take(bits, 16);
      take(bits, 16);
      if (mark === END_MARK) break;
      if (mark !== BLOCK_MARK) throw new StopDecoding('has no block where one begins');
      block(bits, level * 100_000, room, out);
      yield bits.at;
    }
    bits.hold = bits.count = 0;
  }
}

/** What a block is decoded in. */
interface Room {
  readonly column: Uint8Array;
  readonly next: Uint32Array;
}
function newRoom(): Room {
  return { column: new Uint8Array(LARGEST_BLOCK), next: new Uint32Array(LARGEST_BLOCK) };
}

function block(bits: Bits, size: number, room: Room, out: Output): void {
  if (take(bits, 1)) throw new StopDecoding('uses the randomized blocks of version 0.9');
  const origin = take(bits, 24);
  const used: number[] = [];
  const ranges = take(bits, 16);
  for (let i = 0; i < 16; i++)
    if (ranges & (0x8000 >> i)) {
      const range = take(bits, 16);
      for (let j = 0; j < 16; j++) if (range & (0x8000 >> j)) used.push(16 * i + j);
    }
  const tables = take(bits, 3);
  const count = take(bits, 15);
  if (used.length === 0 || tables < 2 || tables > 6 || count === 0) throw new StopDecoding('has an impossible block header');
  const selectors = readSelectors(bits, tables, count);
  const trees = Array.from({ length: tables }, () => codes(readLengths(bits, used.length + 2)));
  const length = readColumn(bits, used, selectors, trees, room.column.subarray(0, size));
  writeRuns(room.column.subarray(0, length), room.next, origin, out);
}

function readSelectors(bits: Bits, tables: number, count: number): Uint8Array {
  const recent = Array.from({ length: tables }, (_, i) => i);
  const selectors = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let at = 0;
    while (take(bits, 1)) if (++at >= tables) throw new StopDecoding('selects a code table that is not there');
    const [chosen] = recent.splice(at, 1);
    recent.unshift(chosen!);
    selectors[i] = chosen!;
  }
  return selectors;
}
function readLengths(bits: Bits, symbols: number): Uint8Array {
  const lengths = new Uint8Array(symbols);
  let length = take(bits, 5);
  for (let i = 0; i < symbols; i++) {
    while (take(bits, 1)) length += take(bits, 1) ? -1 : 1;
    if (length < 1 || length > MAX_CODE) throw new StopDecoding('has an impossible code length');
    lengths[i] = length;
  }
  return lengths;
}

/** Undoes Huffman, run lengths of zero and move-to-front: the last column of the sorted rotations. @returns its length. */
function readColumn(bits: Bits, used: readonly number[], selectors: Uint8Array, trees: readonly Codes[], column: Uint8Array): number {
  const room = column.length;
  const recent = Uint8Array.from(used);
  const end = used.length + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (let n = 0; ; n++) {
    const selector = selectors[Math.floor(n / GROUP)];
    if (selector === undefined) throw new StopDecoding('has more codes than code tables');
    const one = symbol(bits, trees[selector]!);
    if (one <= 1) {
      run += weight << one;
      weight *= 2;
      if (run > room) throw new StopDecoding('has a block longer than its size');
      continue;
    }
    if (run > 0) {
      if (length + run > room) throw new StopDecoding('has a block longer than its size');
      column.fill(recent[0]!, length, length + run);
      length += run;
      run = 0;
      weight = 1;
    }
    if (one === end) return length;
    if (length >= room) throw new StopDecoding('has a block longer than its size');
    const value = recent[one - 1]!;
    recent.copyWithin(1, 0, one - 1);
    recent[0] = value;
    column[length++] = value;
  }
}

/** Undoes the Burrows-Wheeler transform and the first run-length coding (four alike, then how many more). */
function writeRuns(column: Uint8Array, next: Uint32Array, origin: number, out: Output): void {
  const { length } = column;
  if (origin >= length) throw new StopDecoding('has a block that begins behind its end');
  const starts = new Uint32Array(257);
  for (const byte of column) starts[byte + 1]!++;
  for (let i = 1; i <= 256; i++) starts[i]! += starts[i - 1]!;
  for (let i = 0; i < length; i++) next[starts[column[i]!]!++] = i;
  let at = next[origin]!;
  let same = 0;
  let before = -1;
  for (let i = 0; i < length; i++) {
    const byte = column[at]!;
    at = next[at]!;
    if (same === 4) {
      fill(out, before, byte);
      same = 0;
      before = -1;
      continue;
    }
    same = byte === before ? same + 1 : 1;
    before = byte;
    put(out, byte);
  }
}
