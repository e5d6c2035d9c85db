/**
 * DEFLATE in plain code, for data that the platform's decompressor refuses: it keeps what came before the break.
 * Source: RFC 1951; containers after RFC 1950 (zlib) and RFC 1952 (gzip).
 * @module
 */
import { type Output, put, repeat, reserve, StopDecoding } from './output.ts';

interface Bits {
  readonly bytes: Uint8Array;
  at: number;
  hold: number;
  count: number;
}
/** Codes by length, as in RFC 1951 3.2.2: how many of each length, and symbols in order. */
interface Huffman {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

const MAX_BITS = 15;
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
  let left = 1;
  const offsets = new Uint16Array(MAX_BITS + 2);
  for (let length = 1; length <= MAX_BITS; length++) {
    left = 2 * left - counts[length]!;
    if (left < 0) throw new StopDecoding('has an impossible code table');
    offsets[length + 1] = offsets[length]! + counts[length]!;
  }
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length > 0) symbols[offsets[length]!++] = symbol;
  });
  return { counts, symbols };
}

function symbol(bits: Bits, { counts, symbols }: Huffman): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    code |= take(bits, 1);
    const count = counts[length]!;
    if (code - count < first) return symbols[index + (code - first)]!;
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  throw new StopDecoding('has a code that stands for nothing');
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
export function inflateRaw(bytes: Uint8Array, at: number, out: Output): number {
  const bits: Bits = { bytes, at, hold: 0, count: 0 };
  for (let last = 0; last === 0;) {
    last = take(bits, 1);
    const kind = take(bits, 2);
    if (kind === 3) throw new StopDecoding('has a block of an unknown kind');
    if (kind === 0) stored(bits, out);
    else coded(bits, out, kind === 1 ? fixedTables() : dynamicTables(bits));
  }
  return bits.at;
}

function stored(bits: Bits, out: Output): void {
  bits.hold = bits.count = 0;
  const { bytes, at } = bits;
  if (at + 4 > bytes.length) throw new StopDecoding('ends before its end mark');
  const length = bytes[at]! | (bytes[at + 1]! << 8);
  if (length !== (~(bytes[at + 2]! | (bytes[at + 3]! << 8)) & 0xffff)) throw new StopDecoding('has a stored block of two lengths');
  const data = bytes.subarray(at + 4, at + 4 + length);
  reserve(out, data.length);
  out.bytes.set(data, out.length);
  out.length += data.length;
  bits.at += 4 + data.length;
  if (data.length < length) throw new StopDecoding('ends before its end mark');
}

function coded(bits: Bits, out: Output, [literals, distances]: readonly [Huffman, Huffman]): void {
  for (;;) {
    const one = symbol(bits, literals);
    if (one < 256) put(out, one);
    else if (one === 256) return;
    else {
      const n = one - 257;
      if (n > 28) throw new StopDecoding('has a length that stands for nothing');
      const length = LENGTH_BASE[n]! + take(bits, LENGTH_EXTRA[n]!);
      const far = symbol(bits, distances);
      if (far > 29) throw new StopDecoding('has a distance that stands for nothing');
      repeat(out, DISTANCE_BASE[far]! + take(bits, DISTANCE_EXTRA[far]!), length);
    }
  }
}

/** Members of a gzip file one after the other, as Python reads them; padding and anything behind the last are left. @throws StopDecoding */
export function gunzip(bytes: Uint8Array, out: Output): void {
  let at = 0;
  if (bytes.length < 18) throw new StopDecoding('ends inside its header');
  while (at + 10 <= bytes.length && bytes[at] === 0x1f && bytes[at + 1] === 0x8b) {
    const flags = bytes[at + 3]!;
    at += 10;
    if (flags & 4) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
    for (const mark of [8, 16]) if (flags & mark) at = afterZero(bytes, at);
    if (flags & 2) at += 2;
    at = inflateRaw(bytes, at, out) + 8;
    while (bytes[at] === 0) at++;
  }
}
function afterZero(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(0, at);
  if (end < 0) throw new StopDecoding('ends inside its header');
  return end + 1;
}
