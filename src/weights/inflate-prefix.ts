/**
 * DEFLATE in plain code: it keeps what came before a break, which the platform's decompressor does not, and holds no more than its
 * output, where streams of the platform leave tens of megabytes behind them.
 * Source: RFC 1951; containers after RFC 1950 (zlib) and RFC 1952 (gzip).
 * @module
 */
import { append, type Output, put, repeat, type Steps, StopDecoding, total } from './output.ts';

interface Bits {
  readonly bytes: Uint8Array;
  at: number;
  hold: number;
  count: number;
}
/**
 * By the next `bits` bits of the data: symbol and length of the code that they begin with (RFC 1951 3.2.2), as
 * `symbol << 4 | length`; 0 where no code begins so.
 */
interface Huffman {
  readonly table: Uint16Array;
  readonly bits: number;
}

const MAX_BITS = 15;
/** Output between two looks around. */
const STEP = 1 << 20;
const LENGTH_BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
  24577,
];
const DISTANCE_EXTRA = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function take(bits: Bits, n: number): number {
  while (bits.count < n) {
    if (bits.at >= bits.bytes.length) throw new StopDecoding('ends before its end mark');
    bits.hold |= bits.bytes[bits.at++]! << bits.count;
    bits.count += 8;
  }
  const value = bits.hold & ((1 << n) - 1);
  bits.hold >>>= n;
  bits.count -= n;
  return value;
}

function huffman(lengths: readonly number[]): Huffman {
  const counts = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  let bits = MAX_BITS;
  while (bits > 1 && counts[bits] === 0) bits--;
  const next = new Uint16Array(MAX_BITS + 2);
  for (let length = 1, left = 1; length <= MAX_BITS; length++) {
    left = 2 * left - counts[length]!;
    if (left < 0) throw new StopDecoding('has an impossible code table');
    next[length + 1] = (next[length]! + counts[length]!) << 1;
  }
  const table = new Uint16Array(1 << bits);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    // Codes stand in the data from their highest bit on, all else from the lowest.
    let reversed = 0;
    for (let code = next[length]!++, i = 0; i < length; i++, code >>= 1) reversed = (reversed << 1) | (code & 1);
    for (let at = reversed; at < table.length; at += 1 << length) table[at] = (symbol << 4) | length;
  });
  return { table, bits };
}

function symbol(bits: Bits, { table, bits: most }: Huffman): number {
  while (bits.count < most && bits.at < bits.bytes.length) {
    bits.hold |= bits.bytes[bits.at++]! << bits.count;
    bits.count += 8;
  }
  const entry = table[bits.hold & ((1 << most) - 1)]!;
  const length = entry & 15;
  if (length > bits.count || (length === 0 && bits.count < most)) throw new StopDecoding('ends before its end mark');
  if (length === 0) throw new StopDecoding('has a code that stands for nothing');
  bits.hold >>>= length;
  bits.count -= length;
  return entry >> 4;
}

function fixedTables(): [Huffman, Huffman] {
  const lengths = Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
  return [huffman(lengths), huffman(new Array<number>(30).fill(5))];
}
function dynamicTables(bits: Bits): [Huffman, Huffman] {
  const literals = take(bits, 5) + 257;
  const distances = take(bits, 5) + 1;
  const coded = take(bits, 4) + 4;
  const order = new Array<number>(19).fill(0);
  for (let i = 0; i < coded; i++) order[ORDER[i]!] = take(bits, 3);
  const table = huffman(order);
  const lengths: number[] = [];
  while (lengths.length < literals + distances) {
    const one = symbol(bits, table);
    if (one < 16) lengths.push(one);
    else {
      if (one === 16 && lengths.length === 0) throw new StopDecoding('repeats a length before the first');
      const value = one === 16 ? lengths.at(-1)! : 0;
      const times = one === 16 ? 3 + take(bits, 2) : one === 17 ? 3 + take(bits, 3) : 11 + take(bits, 7);
      for (let i = 0; i < times; i++) lengths.push(value);
    }
  }
  if (lengths.length > literals + distances) throw new StopDecoding('has too many code lengths');
  return [huffman(lengths.slice(0, literals)), huffman(lengths.slice(literals))];
}

/** @returns the index behind the last byte read. @throws StopDecoding */
export function* inflateRaw(bytes: Uint8Array, at: number, out: Output): Steps<number> {
  const bits: Bits = { bytes, at, hold: 0, count: 0 };
  for (let last = 0; last === 0;) {
    last = take(bits, 1);
    const kind = take(bits, 2);
    if (kind === 3) throw new StopDecoding('has a block of an unknown kind');
    if (kind === 0) stored(bits, out);
    else {
      const [literals, distances] = kind === 1 ? fixedTables() : dynamicTables(bits);
      while (!coded(bits, out, literals, distances)) yield bits.at;
    }
    yield bits.at;
  }
  return bits.at - (bits.count >> 3);
}

function stored(bits: Bits, out: Output): void {
  const { bytes } = bits;
  // Whole bytes that were taken ahead are given back.
  const at = bits.at - (bits.count >> 3);
  bits.hold = bits.count = 0;
  if (at + 4 > bytes.length) throw new StopDecoding('ends before its end mark');
  const length = bytes[at]! | (bytes[at + 1]! << 8);
  if (length !== (~(bytes[at + 2]! | (bytes[at + 3]! << 8)) & 0xffff)) throw new StopDecoding('has a stored block of two lengths');
  const data = bytes.subarray(at + 4, at + 4 + length);
  append(out, data);
  bits.at = at + 4 + data.length;
  if (data.length < length) throw new StopDecoding('ends before its end mark');
}

/** Decodes to the end of the block (true) or for `STEP` bytes. */
function coded(bits: Bits, out: Output, literals: Huffman, distances: Huffman): boolean {
  for (const end = total(out) + STEP; total(out) < end;) {
    const one = symbol(bits, literals);
    if (one < 256) put(out, one);
    else if (one === 256) return true;
    else {
      const n = one - 257;
      if (n > 28) throw new StopDecoding('has a length that stands for nothing');
      const length = LENGTH_BASE[n]! + take(bits, LENGTH_EXTRA[n]!);
      const far = symbol(bits, distances);
      if (far > 29) throw new StopDecoding('has a distance that stands for nothing');
      repeat(out, DISTANCE_BASE[far]! + take(bits, DISTANCE_EXTRA[far]!), length);
    }
  }
  return false;
}

/** Members of a gzip file one after the other, as Python reads them; padding and anything behind the last are left. @throws StopDecoding */
export function* gunzip(bytes: Uint8Array, out: Output): Steps {
  let at = 0;
  if (bytes.length < 18) throw new StopDecoding('ends inside its header');
  while (at + 10 <= bytes.length && bytes[at] === 0x1f && bytes[at + 1] === 0x8b) {
    const flags = bytes[at + 3]!;
    at += 10;
    if (flags & 4) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
    for (const mark of [8, 16]) if (flags & mark) at = afterZero(bytes, at);
    if (flags & 2) at += 2;
    at = (yield* inflateRaw(bytes, at, out)) + 8;
    while (bytes[at] === 0) at++;
  }
}
function afterZero(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(0, at);
  if (end < 0) throw new StopDecoding('ends inside its header');
  return end + 1;
}
