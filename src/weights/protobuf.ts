/**
 * Protobuf wire format over a file that is not loaded: fields are walked, big payloads are skipped and their places noted.
 * Built from "Protocol Buffers Encoding" (protobuf.dev); groups, which proto2 deprecated and no model format uses, are refused.
 * @module
 */
import type { ByteSource } from '../base/index.ts';
import { byteWindow } from './byte-window.ts';
import { WeightsError, type WeightsErrorCode } from './types.ts';

/** Fields walked in one file; the largest exported graphs hold about a million. (CWE-834) */
const MAX_FIELDS = 4_000_000;
/** Messages inside messages; ONNX control flow nests subgraphs, four levels per subgraph. (CWE-674) */
const MAX_DEPTH = 100;
/** Payloads up to here are at hand when a field is visited: names, shapes, whole small nodes. */
const SMALL = 4096;
/** Tag and length are two varints of at most ten bytes. */
const LONGEST_HEADER = 20;

/** One field; `start` and `end` enclose its payload. */
export interface Field {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wire: number;
  /** Where its tag begins. */
  readonly tag: number;
  readonly start: number;
  readonly end: number;
  /** Of a varint, as int64; not exact beyond 2^53. Zero for other wires. */
  readonly value: number;
}

type Visit = (field: Field) => void | Promise<void>;

export interface ProtoReader {
  readonly source: ByteSource;
  /** Visits the fields of the message in `[start, end)` in file order. @throws WeightsError `WEIGHTS_HEADER`, `WEIGHTS_TRUNCATED`, `WEIGHTS_LIMIT` */
  walk(start: number, end: number, visit: Visit): Promise<void>;
  /** Text of a field being visited. @throws WeightsError `WEIGHTS_LIMIT` over 4096 bytes. */
  text(field: Field): string;
  /** First `max` bytes of a longer text. */
  longText(field: Field, max: number): Promise<string>;
  /** Varints of a packed field being visited, or its one value when it is not packed. */
  numbers(field: Field): number[];
}

export function protoReader(source: ByteSource): ProtoReader {
  const window = byteWindow(source);
  const byteAt = (at: number): number => window.byte(at);
  const decoder = new TextDecoder();
  let fields = 0;
  let depth = 0;
  const fail = (code: WeightsErrorCode, what: string, byte: number): never => {
    throw new WeightsError(code, `${source.name} ${what}`, { where: { file: source.name, byte } });
  };
  const short = (end: number, at: number): never =>
    end === source.size
      ? fail('WEIGHTS_TRUNCATED', 'ends inside a field', at)
      : fail('WEIGHTS_HEADER', 'holds a field that leaves its message', at);

  const header = (at: number, end: number): Field => {
    const tag = takeVarint(byteAt, at, end);
    if (!tag) return short(end, at);
    const number = Math.floor(tag.value / 8);
    const wire = ((tag.value % 8) + 8) % 8;
    if (number < 1 || number >= 2 ** 29) fail('WEIGHTS_HEADER', 'holds an impossible field number', at);
    let start = tag.next;
    let length = 0;
    let value = 0;
    if (wire === 0) {
      const varint = takeVarint(byteAt, start, end);
      if (!varint) return short(end, at);
      value = varint.value;
      length = varint.next - start;
    } else if (wire === 1) length = 8;
    else if (wire === 5) length = 4;
    else if (wire === 2) {
      const varint = takeVarint(byteAt, start, end);
      if (!varint) return short(end, at);
      if (varint.value < 0) fail('WEIGHTS_HEADER', 'holds a field of negative length', at);
      start = varint.next;
      length = varint.value;
    } else fail('WEIGHTS_HEADER', `holds a field of wire type ${wire}`, at);
    if (start + length > end) return short(end, at);
    return { number, wire, tag: at, start, end: start + length, value };
  };

  return {
    source,
    async walk(start, end, visit) {
      if (depth >= MAX_DEPTH) fail('WEIGHTS_LIMIT', `nests messages deeper than ${MAX_DEPTH}`, start);
      depth++;
      try {
        for (let at = start; at < end;) {
          if (++fields > MAX_FIELDS) fail('WEIGHTS_LIMIT', `holds over ${MAX_FIELDS} fields`, at);
          const room = Math.min(LONGEST_HEADER, end - at);
          if (!window.has(at, room)) await window.load(at, room);
          const field = header(at, end);
          const whole = field.end - at;
          if (whole <= SMALL && !window.has(at, whole)) await window.load(at, whole);
          const pending = visit(field);
          if (pending) await pending;
          at = field.end;
        }
      } finally {
        depth--;
      }
    },
    text(field) {
      const length = field.end - field.start;
      if (field.wire !== 2) return fail('WEIGHTS_HEADER', 'holds a number where a text belongs', field.tag);
      if (length > SMALL - LONGEST_HEADER) return fail('WEIGHTS_LIMIT', `holds a name of ${length} bytes`, field.tag);
      return decoder.decode(window.slice(field.start, length));
    },
    async longText(field, max) {
      const length = Math.min(field.end - field.start, max);
      return decoder.decode(await source.read(field.start, length));
    },
    numbers(field) {
      if (field.wire === 0) return [field.value];
      if (field.wire !== 2) return fail('WEIGHTS_HEADER', 'holds a field of the wrong wire type', field.tag);
      if (field.end - field.start > SMALL - LONGEST_HEADER)
        return fail('WEIGHTS_LIMIT', 'holds a list of numbers longer than any shape', field.tag);
      const out: number[] = [];
      for (let at = field.start; at < field.end;) {
        const varint = takeVarint(byteAt, at, field.end);
        if (!varint) return short(field.end, at);
        out.push(varint.value);
        at = varint.next;
      }
      return out;
    },
  };
}

/** A varint as int64, or null when it leaves `[at, end)` or its ten bytes. */
function takeVarint(byte: (at: number) => number, at: number, end: number): { value: number; next: number } | null {
  let low = 0;
  let scale = 1;
  for (let i = 0; i < 10 && at + i < end; i++) {
    const b = byte(at + i);
    if (i < 7) low += (b & 0x7f) * scale;
    else if (b & 0x7f || i === 9) return wideVarint(byte, at, end);
    if (b < 0x80) return { value: low, next: at + i + 1 };
    scale *= 128;
  }
  return null;
}

/** The rare varints of 50 bits and more, negative numbers above all. */
function wideVarint(byte: (at: number) => number, at: number, end: number): { value: number; next: number } | null {
  let value = 0n;
  for (let i = 0; i < 10 && at + i < end; i++) {
    const b = byte(at + i);
    value |= BigInt(b & 0x7f) << BigInt(7 * i);
    if (b < 0x80) return { value: Number(BigInt.asIntN(64, value)), next: at + i + 1 };
  }
  return null;
}
