/**
 * LZMA: the `.lzma` container and the chunks of LZMA2, into memory, up to a limit.
 * Source: LZMA specification 9.22 (the range coder and its states).
 * Own code, because no package at hand bounds its output and keeps what was decoded before a break.
 * @module
 */
import { append, behind, type Output, put, repeat, type Steps, StopDecoding, total } from './output.ts';

const HALF = 1024;
const END_OF_POSITIONS = 14;
const FULL_DISTANCES = 128;
/** Output between two looks around. */
const STEP = 1 << 20;

/** Bytes behind `at` in the compressed data, and the two numbers of the range coder. */
interface Decoder {
  readonly bytes: Uint8Array;
  at: number;
  range: number;
  code: number;
  readonly out: Output;
  /** Output before this byte belongs to an earlier stream and cannot be referred to. */
  start: number;
  lc: number;
  lp: number;
  pb: number;
  state: number;
  reps: [number, number, number, number];
  literals: Uint16Array;
  isMatch: Uint16Array;
  isRep: Uint16Array;
  isRepG0: Uint16Array;
  isRepG1: Uint16Array;
  isRepG2: Uint16Array;
  isRep0Long: Uint16Array;
  slots: Uint16Array[];
  positions: Uint16Array;
  align: Uint16Array;
  lengths: Lengths;
  repLengths: Lengths;
}
interface Lengths {
  readonly choice: Uint16Array;
  readonly low: Uint16Array[];
  readonly mid: Uint16Array[];
  readonly high: Uint16Array;
}

function probabilities(n: number): Uint16Array {
  return new Uint16Array(n).fill(HALF);
}
function newLengths(): Lengths {
  const trees = (): Uint16Array[] => Array.from({ length: 16 }, () => probabilities(8));
  return { choice: probabilities(2), low: trees(), mid: trees(), high: probabilities(256) };
}

function newDecoder(bytes: Uint8Array, at: number, out: Output): Decoder {
  return {
    bytes,
    at,
    range: 0,
    code: 0,
    out,
    start: total(out),
    lc: 3,
    lp: 0,
    pb: 2,
    state: 0,
    reps: [0, 0, 0, 0],
    literals: probabilities(0x300 << 3),
    isMatch: probabilities(12 << 4),
    isRep: probabilities(12),
    isRepG0: probabilities(12),
    isRepG1: probabilities(12),
    isRepG2: probabilities(12),
    isRep0Long: probabilities(12 << 4),
    slots: Array.from({ length: 4 }, () => probabilities(64)),
    positions: probabilities(1 + FULL_DISTANCES - END_OF_POSITIONS),
    align: probabilities(16),
    lengths: newLengths(),
    repLengths: newLengths(),
  };
}
/** In place: chunks of eleven bytes may each ask for it. */
function resetState(d: Decoder): void {
  d.state = 0;
  d.reps = [0, 0, 0, 0];
  const literals = 0x300 << (d.lc + d.lp);
  if (d.literals.length !== literals) d.literals = new Uint16Array(literals);
  const { lengths: a, repLengths: b } = d;
  const tables = [d.literals, d.isMatch, d.isRep, d.isRepG0, d.isRepG1, d.isRepG2, d.isRep0Long, ...d.slots, d.positions, d.align];
  for (const table of [...tables, a.choice, ...a.low, ...a.mid, a.high, b.choice, ...b.low, ...b.mid, b.high]) table.fill(HALF);
}
function setProperties(d: Decoder, byte: number): void {
  if (byte >= 9 * 5 * 5) throw new StopDecoding('has impossible properties');
  d.lc = byte % 9;
  d.lp = Math.floor(byte / 9) % 5;
  d.pb = Math.floor(byte / 45);
}

function initRange(d: Decoder): void {
  if (d.at + 5 > d.bytes.length) throw new StopDecoding('ends before its end mark');
  const view = new DataView(d.bytes.buffer, d.bytes.byteOffset + d.at, 5);
  d.range = 0xffffffff;
  d.code = view.getUint32(1, false);
  d.at += 5;
}
function normalize(d: Decoder): void {
  if (d.range >= 1 << 24) return;
  if (d.at >= d.bytes.length) throw new StopDecoding('ends before its end mark');
  d.range = (d.range << 8) >>> 0;
  d.code = ((d.code << 8) | d.bytes[d.at++]!) >>> 0;
}
function bit(d: Decoder, table: Uint16Array, index: number): 0 | 1 {
  normalize(d);
  const p = table[index]!;
  const bound = (d.range >>> 11) * p;
  if (d.code < bound) {
    d.range = bound;
    table[index] = p + ((2048 - p) >>> 5);
    return 0;
  }
  d.range = (d.range - bound) >>> 0;
  d.code = (d.code - bound) >>> 0;
  table[index] = p - (p >>> 5);
  return 1;
}
function direct(d: Decoder, n: number): number {
  let value = 0;
  for (; n > 0; n--) {
    normalize(d);
    d.range >>>= 1;
    const one = d.code >= d.range ? 1 : 0;
    if (one) d.code = (d.code - d.range) >>> 0;
    value = value * 2 + one;
  }
  return value;
}
function tree(d: Decoder, table: Uint16Array, bits: number): number {
  let m = 1;
  for (let i = 0; i < bits; i++) m = (m << 1) | bit(d, table, m);
  return m - (1 << bits);
}
function reverseTree(d: Decoder, table: Uint16Array, offset: number, bits: number): number {
  let m = 1;
  let value = 0;
  for (let i = 0; i < bits; i++) {
    const one = bit(d, table, offset + m);
    m = (m << 1) | one;
    value |= one << i;
  }
  return value;
}

function literal(d: Decoder): void {
  const { out } = d;
  const before = total(out) > d.start ? out.bytes[out.length - 1]! : 0;
  const place = (((total(out) - d.start) & ((1 << d.lp) - 1)) << d.lc) + (before >> (8 - d.lc));
  const base = 0x300 * place;
  let symbol = 1;
  if (d.state >= 7) {
    let matched = out.bytes[behind(out, d.reps[0] + 1)]!;
    while (symbol < 0x100) {
      const expected = (matched >> 7) & 1;
      matched <<= 1;
      const one = bit(d, d.literals, base + ((1 + expected) << 8) + symbol);
      symbol = (symbol << 1) | one;
      if (expected !== one) break;
    }
  }
  while (symbol < 0x100) symbol = (symbol << 1) | bit(d, d.literals, base + symbol);
  put(out, symbol & 0xff);
  d.state = d.state < 4 ? 0 : d.state < 10 ? d.state - 3 : d.state - 6;
}
function matchLength(d: Decoder, lengths: Lengths, positionState: number): number {
  if (bit(d, lengths.choice, 0) === 0) return tree(d, lengths.low[positionState]!, 3);
  if (bit(d, lengths.choice, 1) === 0) return 8 + tree(d, lengths.mid[positionState]!, 3);
  return 16 + tree(d, lengths.high, 8);
}
function distance(d: Decoder, length: number): number {
  const slot = tree(d, d.slots[Math.min(length, 3)]!, 6);
  if (slot < 4) return slot;
  const bits = (slot >> 1) - 1;
  let value = (2 | (slot & 1)) * 2 ** bits;
  if (slot < END_OF_POSITIONS) value += reverseTree(d, d.positions, value - slot, bits);
  else value += direct(d, bits - 4) * 16 + reverseTree(d, d.align, 0, 4);
  return value;
}

/** Decodes until `end` bytes are in the output, or the end mark stands where the end is not known (true); or for at least `step` bytes. */
function run(d: Decoder, end: number, step: number): boolean {
  const { out } = d;
  const pause = Math.min(end, total(out) + step);
  while (total(out) < pause) {
    const positionState = (total(out) - d.start) & ((1 << d.pb) - 1);
    if (bit(d, d.isMatch, (d.state << 4) + positionState) === 0) {
      literal(d);
      continue;
    }
    let length: number;
    if (bit(d, d.isRep, d.state) === 0) {
      d.reps = [0, d.reps[0], d.reps[1], d.reps[2]];
      length = matchLength(d, d.lengths, positionState);
      d.state = d.state < 7 ? 7 : 10;
      d.reps[0] = distance(d, length);
      if (d.reps[0] === 0xffffffff) return true;
    } else {
      if (total(out) === d.start) throw new StopDecoding('refers to bytes before its beginning');
      if (bit(d, d.isRepG0, d.state) === 0) {
        if (bit(d, d.isRep0Long, (d.state << 4) + positionState) === 0) {
          d.state = d.state < 7 ? 9 : 11;
          repeat(out, d.reps[0] + 1, 1);
          continue;
        }
      } else {
        const [a, b, c, e] = d.reps;
        if (bit(d, d.isRepG1, d.state) === 0) d.reps = [b, a, c, e];
        else if (bit(d, d.isRepG2, d.state) === 0) d.reps = [c, a, b, e];
        else d.reps = [e, a, b, c];
      }
      length = matchLength(d, d.repLengths, positionState);
      d.state = d.state < 7 ? 8 : 11;
    }
    if (d.reps[0] + 1 > total(out) - d.start) throw new StopDecoding('refers to bytes before its beginning');
    repeat(out, d.reps[0] + 1, Math.min(length + 2, end - total(out)));
  }
  return total(out) >= end;
}

/** The container before xz: properties, dictionary size, length or -1. @throws StopDecoding */
export function* unlzma(bytes: Uint8Array, out: Output): Steps {
  if (bytes.length < 13) throw new StopDecoding('ends inside its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(5, true);
  const d = newDecoder(bytes, 13, out);
  setProperties(d, bytes[0]!);
  resetState(d);
  initRange(d);
  const end = length === 0xffffffffffffffffn ? Infinity : Number(length);
  while (!run(d, end, STEP)) yield d.at;
}

/** Chunks of LZMA2. @returns the index behind the end mark. @throws StopDecoding */
export function* lzma2(bytes: Uint8Array, at: number, out: Output): Steps<number> {
  const d = newDecoder(bytes, at, out);
  const need = (n: number): void => {
    if (d.at + n > bytes.length) throw new StopDecoding('ends before its end mark');
  };
  for (;;) {
    need(1);
    const control = bytes[d.at]!;
    if (control === 0) return d.at + 1;
    if (control === 1 || control >= 0xe0) d.start = total(out);
    need(3);
    const size = bytes[d.at + 1]! * 256 + bytes[d.at + 2]! + 1;
    if (control < 0x80) {
      if (control > 2) throw new StopDecoding('has a chunk of an unknown kind');
      const data = bytes.subarray(d.at + 3, d.at + 3 + size);
      append(out, data);
      d.at += 3;
      need(size);
      d.at += size;
      yield d.at;
      continue;
    }
    need(control >= 0xc0 ? 6 : 5);
    const unpacked = (control & 31) * 65536 + size;
    const packed = bytes[d.at + 3]! * 256 + bytes[d.at + 4]! + 1;
    d.at += 5;
    if (control >= 0xc0) setProperties(d, bytes[d.at++]!);
    if (d.lc + d.lp > 4) throw new StopDecoding('has impossible properties');
    if (control >= 0xa0) resetState(d);
    const next = d.at + packed;
    initRange(d);
    run(d, total(out) + unpacked, unpacked);
    d.at = next;
    yield d.at;
  }
}
