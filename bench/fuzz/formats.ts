/** Damage that knows a format: records of zip, JSON values, protobuf tags, GGUF fields, lines and marks of texts. */
import { joinBytes, latin1, le } from '../../src/weights/testing/index.ts';
import { putLimit, spliced } from './bytes.ts';
import { makePickle } from './pickles.ts';
import type { Random } from './random.ts';

export type Kind = 'zip' | 'json' | 'lengthed-json' | 'sketch' | 'protobuf' | 'pickle' | 'gguf' | 'hdf5' | 'npy' | 'tar' | 'text' | 'bytes';
type Damage = (random: Random, bytes: Uint8Array) => Uint8Array;

function placesOf(bytes: Uint8Array, mark: string): number[] {
  const wanted = latin1(mark);
  const places: number[] = [];
  for (let at = bytes.indexOf(wanted[0]!); at >= 0 && places.length < 200; at = bytes.indexOf(wanted[0]!, at + 1))
    if (wanted.every((byte, i) => bytes[at + i] === byte)) places.push(at);
  return places;
}

/** A field of some record that begins with one of `marks`: [offset from the mark, width]. */
function fieldOf(fields: Readonly<Record<string, readonly (readonly [number, number])[]>>): Damage {
  return (random, bytes) => {
    const mark = random.pick(Object.keys(fields));
    const places = placesOf(bytes, mark);
    if (places.length === 0) return bytes;
    const [offset, width] = random.pick(fields[mark]!);
    return putLimit(random, bytes, random.pick(places) + offset, width);
  };
}

/** APPNOTE 6.3.10: 4.3.7, 4.3.12, 4.3.14 to 4.3.16. */
const zipField = fieldOf({
  'PK\x03\x04': [
    [4, 2],
    [6, 2],
    [8, 2],
    [14, 4],
    [18, 4],
    [22, 4],
    [26, 2],
    [28, 2],
    [30, 1],
  ],
  'PK\x01\x02': [
    [4, 2],
    [8, 2],
    [10, 2],
    [16, 4],
    [20, 4],
    [24, 4],
    [28, 2],
    [30, 2],
    [32, 2],
    [38, 4],
    [42, 4],
    [46, 1],
  ],
  'PK\x05\x06': [
    [4, 2],
    [8, 2],
    [10, 2],
    [12, 4],
    [16, 4],
    [20, 2],
  ],
  'PK\x06\x06': [
    [4, 8],
    [24, 8],
    [32, 8],
    [40, 8],
    [48, 8],
  ],
});
function zip(random: Random, bytes: Uint8Array): Uint8Array {
  if (random.chance(0.7)) return zipField(random, bytes);
  const local = placesOf(bytes, 'PK\x03\x04');
  const at = local.length > 0 ? random.pick(local) : 0;
  // The end record again, a pickle where a member's bytes stood, a 64-bit extra field, a record twice.
  if (random.chance(0.3)) return joinBytes(bytes, bytes.subarray(Math.max(0, bytes.length - 22 - random.int(80))));
  if (random.chance(0.4)) {
    const made = makePickle(random);
    const out = bytes.slice();
    out.set(made.subarray(0, Math.max(0, out.length - at - 45)), Math.min(out.length, at + 45));
    return out;
  }
  if (random.chance(0.5)) return spliced(bytes, at + 30, 0, joinBytes(le(2, 1, 16), le(8, -1, -1)));
  return spliced(bytes, at, 0, bytes.subarray(at, at + 100));
}

const hdf5 = fieldOf({
  '\x89HDF': [
    [8, 1],
    [13, 1],
    [14, 1],
    [16, 2],
    [18, 2],
    [24, 8],
    [40, 8],
    [56, 8],
    [64, 8],
    [72, 4],
  ],
  TREE: [
    [4, 1],
    [5, 1],
    [6, 2],
    [8, 8],
    [16, 8],
    [24, 8],
    [32, 8],
    [40, 8],
  ],
  SNOD: [
    [4, 1],
    [6, 2],
    [8, 8],
    [16, 8],
    [24, 4],
    [32, 8],
  ],
  HEAP: [
    [4, 1],
    [8, 8],
    [16, 8],
    [24, 8],
  ],
  GCOL: [
    [4, 1],
    [8, 8],
    [16, 2],
    [18, 2],
    [24, 8],
  ],
  OHDR: [
    [4, 1],
    [5, 1],
    [6, 4],
  ],
  FRHP: [
    [5, 2],
    [7, 2],
    [9, 1],
    [10, 4],
    [110, 8],
    [118, 2],
  ],
  '\x01\0': [
    [2, 2],
    [4, 4],
    [8, 4],
    [16, 2],
    [18, 2],
    [24, 8],
  ],
});
const gguf = fieldOf({
  GGUF: [
    [4, 4],
    [8, 8],
    [16, 8],
    [24, 8],
  ],
  '.': [
    [-8, 8],
    [6, 4],
    [7, 4],
    [8, 8],
    [10, 8],
    [12, 8],
  ],
  '\x09\0\0\0': [
    [0, 4],
    [4, 4],
    [8, 8],
  ],
  '\x08\0\0\0': [
    [0, 4],
    [4, 8],
  ],
});
const tar = fieldOf({
  ustar: [
    [-133, 1],
    [-132, 1],
    [-257, 2],
    [-109, 1],
    [-101, 1],
    [-101, 4],
    [-1, 1],
  ],
});

/** A tag whose length or varint is changed: protobuf wire format, varints of one byte are the most. */
function protobuf(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.int(bytes.length);
  switch (random.int(5)) {
    case 0:
      return spliced(bytes, at, 1, latin1('\xff\xff\xff\xff\xff\xff\xff\xff\x7f'.slice(random.int(9))));
    case 1:
      return spliced(bytes, at, 1, latin1('\xff\xff\xff\xff\x0f'));
    case 2: {
      const out = bytes.slice();
      out[at] = (random.int(20) << 3) | random.int(6);
      return out;
    }
    case 3: {
      // A message inside itself.
      const length = random.int(100);
      return spliced(bytes, at, 0, joinBytes(Uint8Array.of((random.int(16) << 3) | 2, length), bytes.slice(at, at + length)));
    }
    default: {
      let nested = new Uint8Array(0);
      for (let depth = random.int(60); depth > 0 && nested.length < 120; depth--)
        nested = joinBytes(Uint8Array.of((random.int(12) << 3) | 2, nested.length), nested) as Uint8Array<ArrayBuffer>;
      return spliced(bytes, at, 0, nested);
    }
  }
}

const VALUES = [
  'null',
  'true',
  '-1',
  '0',
  '1e999',
  '1.5',
  '9007199254740993',
  '1e15',
  '""',
  '"a"',
  '"\\ud800"',
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '{"a":null}',
];
const KEYS = ['__proto__', 'constructor', 'toString', '', 'length', 'dtype', 'shape', 'data_offsets', '__metadata__', 'auto_map'];

/** One value of a JSON text, found by its punctuation, becomes another; or a key, or a depth of brackets. */
function jsonText(random: Random, text: string): string {
  const places = [...text.matchAll(/"(?:[^"\\]|\\.)*"\s*:\s*|[[,]\s*/g)];
  if (places.length === 0) return random.pick(VALUES);
  const place = random.pick(places);
  const at = place.index + place[0].length;
  const rest = text.slice(at);
  const old = /^("(?:[^"\\]|\\.)*"|[-\w.+]+|\[[^[\]{}]*\]|\{[^{}]*\})/.exec(rest)?.[0] ?? '';
  const put = (value: string): string => text.slice(0, at) + value + rest.slice(old.length);
  const kind = random.int(10);
  if (kind < 5) return put(random.pick(VALUES));
  if (kind === 5) return put(`{"${random.pick(KEYS)}":${old || '1'}}`);
  if (kind === 6) return put('['.repeat(random.int(400)) + (old || '1') + ']'.repeat(random.int(400)));
  if (kind === 7) return text.replace(place[0], `"${random.pick(KEYS)}":`);
  if (kind === 8) return put(`${old || '0'},${place[0].startsWith('"') ? place[0] : ''}${old || '0'}`);
  return put(JSON.stringify('{%'.repeat(random.int(9)) + '{{ a.b("'.repeat(random.int(9)) + ' '.repeat(random.int(3000))));
}
const encoder = new TextEncoder();
const json: Damage = (random, bytes) => encoder.encode(jsonText(random, new TextDecoder().decode(bytes)));

/** safetensors: eight bytes of length, then JSON; sketch: twelve, the last four of which count. */
function behindLength(random: Random, bytes: Uint8Array, at: number, width: 4 | 8): Uint8Array {
  const start = at + width;
  if (bytes.length < start || random.chance(0.1)) return putLimit(random, bytes, at, width);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  const header = json(random, bytes.subarray(start, start + length));
  return joinBytes(bytes.subarray(0, at), le(width, header.length), header, bytes.subarray(start + length));
}

const TOKENS = [
  '{{',
  '}}',
  '{%',
  '%}',
  '{#',
  '#}',
  '{% for a in b %}',
  '{% if ',
  '{{ a|attr("',
  '"',
  "'",
  '\\',
  '\\x5f',
  '(',
  ')',
  '[',
  ']',
  '~',
  '+',
  '__class__',
  '---\n',
  '\n',
  '  ',
  '\t',
  '- ',
  '? ',
  ': ',
  '&a ',
  '*a ',
  '<<: ',
  '!!map ',
  '|\n',
  '>-\n',
  '%YAML 1.1\n',
  '# ',
  '#',
  '\u0000',
  '\u202e',
  '\ufeff',
  '\u00ad',
  'license: ',
  'base_model:\n',
  'SPDX-License-Identifier: ',
  'MIT',
  ' OR ',
  ' AND ',
  ' WITH ',
  'Apache-2.0',
  'licensed under the ',
  'License',
  'version 2',
  '<!--',
  '-->',
  '<a href="',
  'https://',
  '](',
  '```\n',
  '$',
  '*',
  '\r\n',
  'é',
  '𝒜',
  '_target_: ',
  'import os; ',
  'Copyright (c) 2024 A\n',
  'not ',
  '1.0',
  '(a) ',
];

/** Tokens put in, words dropped, lines swapped or repeated. */
function text(random: Random, bytes: Uint8Array): Uint8Array {
  let value = new TextDecoder().decode(bytes);
  for (let edits = 1 + random.int(5); edits > 0; edits--) {
    const at = random.int(value.length + 1);
    const kind = random.int(6);
    if (kind < 3) value = value.slice(0, at) + random.pick(TOKENS) + value.slice(at);
    else if (kind === 3) value = value.slice(0, at) + value.slice(at + random.int(60));
    else if (kind === 4) {
      const many = random.chance(0.9) ? random.int(20) : random.int(4000);
      value = value.slice(0, at) + (random.pick(TOKENS) + (random.chance(0.5) ? random.pick(TOKENS) : '')).repeat(many) + value.slice(at);
    } else value = value.slice(at) + value.slice(0, at);
  }
  return encoder.encode(value.slice(0, 1 << 20));
}

function npy(random: Random, bytes: Uint8Array): Uint8Array {
  if (random.chance(0.2)) return putLimit(random, bytes, random.pick([6, 7, 8]), random.pick([1, 2, 4]));
  const end = 10 + ((bytes[8] ?? 0) | ((bytes[9] ?? 0) << 8));
  const header = new TextDecoder('latin1').decode(bytes.subarray(10, end));
  const changed = header
    .replace(/\d+/, (digits) => random.pick([digits, '0', '-1', '2147483648', '9007199254740993', '1e9', '1,'.repeat(random.int(80))]))
    .replace(/'[<|>=]?\w\d+'/, (descr) =>
      random.pick([descr, "'|O'", "'<f2'", "'<U999999999'", "[('a','<f4')]", "'V8'", '('.repeat(random.int(300))]),
    );
  const padded = latin1(changed.replace(/[^\0-\xff]/g, '?'));
  return joinBytes(bytes.subarray(0, 8), le(2, padded.length), padded, bytes.subarray(end));
}

function pickle(random: Random, bytes: Uint8Array): Uint8Array {
  const made = makePickle(random);
  if (random.chance(0.7) || bytes.length === 0) return made;
  const at = random.int(bytes.length);
  return spliced(bytes, at, random.int(4), made.subarray(0, random.int(made.length + 1)));
}

export const DAMAGE: Readonly<Record<Kind, Damage | null>> = {
  zip,
  json,
  'lengthed-json': (random, bytes) => behindLength(random, bytes, 0, 8),
  sketch: (random, bytes) => behindLength(random, bytes, 8, 4),
  protobuf,
  pickle,
  gguf,
  hdf5,
  npy,
  tar,
  text,
  bytes: null,
};
