/**
 * Files of several formats written byte by byte, right or wrong on purpose.
 * @module
 */
import { memoryTree } from '../../base/index.ts';
import { joinBytes, latin1, le } from '../../weights/testing/index.ts';
import { scanTree } from '../index.ts';

export const text = (content: string): Uint8Array => new TextEncoder().encode(content);
export const json = (value: unknown): Uint8Array => text(JSON.stringify(value));

/** Verdict and rules (without their room) of the files, scanned together. */
export async function scanned(files: Record<string, Uint8Array>): Promise<{ verdict: string; rules: string[] }> {
  const report = await scanTree(memoryTree('made', files));
  return { verdict: report.verdict, rules: report.files.flatMap((file) => file.findings.map((one) => one.rule.slice('safety/'.length))) };
}

const UNDEFINED = latin1('\xff'.repeat(8));
type Message = readonly [type: number, data: Uint8Array];

/** An object header of version 2; its checksum is zero. */
function objectHeader(messages: readonly Message[]): Uint8Array {
  const body = joinBytes(...messages.map(([type, data]) => joinBytes(Uint8Array.of(type), le(2, data.length), Uint8Array.of(0), data)));
  return joinBytes(latin1('OHDR\x02\x01'), le(2, body.length), body, le(4, 0));
}
export const externalLink = (name: string, file: string, path: string): Message => {
  const value = latin1(`\x00${file}\0${path}\0`);
  return [6, joinBytes(Uint8Array.of(1, 8, 64, name.length), latin1(name), le(2, value.length), value)];
};
const hardLink = (name: string, address: number): Message => [6, joinBytes(Uint8Array.of(1, 0, name.length), latin1(name), le(8, address))];
/** A text attribute of fixed length, version 3. */
export const textAttribute = (name: string, value: string): Message => {
  const bytes = text(value);
  const type = joinBytes(Uint8Array.of(0x13, 0, 0, 0), le(4, bytes.length));
  return [
    12,
    joinBytes(
      Uint8Array.of(3, 0),
      le(2, name.length + 1, type.length, 4),
      Uint8Array.of(1),
      latin1(`${name}\0`),
      type,
      Uint8Array.of(2, 0, 0, 0),
      bytes,
    ),
  ];
};

/** HDF5 whose root group has these messages, and one dataset with those, if any. */
export function hdf5(root: readonly Message[], dataset?: readonly Message[]): Uint8Array {
  const group = (links: readonly Message[]): Uint8Array =>
    objectHeader([[2, joinBytes(Uint8Array.of(0, 0), UNDEFINED, UNDEFINED)], ...root, ...links]);
  const own = 48 + group(dataset ? [hardLink('w', 0)] : []).length;
  const body = dataset ? joinBytes(group([hardLink('w', own)]), objectHeader(dataset)) : group([]);
  const superblock = joinBytes(latin1('\x89HDF\r\n\x1a\n\x02\x08\x08\x00'), le(8, 0), UNDEFINED, le(8, 48 + body.length, 48), le(4, 0));
  return joinBytes(superblock, body);
}

/** Two floats in one axis. */
export const FLOATS: readonly Message[] = [
  [1, joinBytes(Uint8Array.of(2, 1, 0, 1), le(8, 2))],
  [3, joinBytes(Uint8Array.of(0x11, 0x20, 31, 0), le(4, 4), le(2, 0, 32), Uint8Array.of(23, 8, 0, 23), le(4, 127))],
];
/** Values in a file named in a heap. */
export const EXTERNAL_FILE: Message = [7, joinBytes(Uint8Array.of(1, 0, 0, 0), le(2, 1, 1), le(8, 48), le(8, 8, 0, 8))];
export const CONTIGUOUS: Message = [8, joinBytes(Uint8Array.of(3, 1), UNDEFINED, le(8, 8))];
export const VIRTUAL: Message = [8, joinBytes(Uint8Array.of(4, 3), le(8, 48), le(4, 0))];

/** A marshalled code object of Python 3.11 and later with these names and constants. */
export function bytecode(names: readonly string[], constants: readonly string[] = []): Uint8Array {
  const short = (value: string): Uint8Array => joinBytes(latin1('z'), Uint8Array.of(value.length), latin1(value));
  const tuple = (values: readonly string[]): Uint8Array => joinBytes(latin1(')'), Uint8Array.of(values.length), ...values.map(short));
  const bytes = (value: string): Uint8Array => joinBytes(latin1('s'), le(4, value.length), latin1(value));
  return joinBytes(
    latin1('\xe3'), le(4, 1, 0, 0, 2, 3), bytes('\x97\0|\0S\0'), tuple(constants), tuple(names), tuple(['x']), bytes('\x20'), short('<lambda>'), short('<lambda>'), short('<lambda>'),
    le(4, 1), bytes('\x80\0'), bytes(''),
  ); // prettier-ignore
}
export const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** One table of a FlatBuffer: bytes of its fields, or where they lead. */
export type Field =
  | number
  | string
  | readonly Field[]
  | { readonly table: readonly (Field | null)[] }
  | { readonly raw: Uint8Array }
  | { readonly byte: number };

/** A FlatBuffer from front to back: offsets always lead forward. Only what TensorFlow Lite's schema needs. */
export function flatBuffer(root: { readonly table: readonly (Field | null)[] }, mark = 'TFL3'): Uint8Array {
  const out: number[] = [0, 0, 0, 0, ...latin1(mark)];
  const set32 = (at: number, value: number): void => {
    for (let i = 0; i < 4; i++) out[at + i] = (value >>> (8 * i)) & 255;
  };
  const pad = (): void => {
    while (out.length % 4) out.push(0);
  };
  const write = (field: Exclude<Field, number | { byte: number }>): number => {
    pad();
    if (typeof field === 'string' || 'raw' in field) {
      const bytes = typeof field === 'string' ? text(field) : field.raw;
      const at = out.length;
      out.push(...le(4, bytes.length), ...bytes, 0);
      return at;
    }
    if (Array.isArray(field)) {
      const items = field as readonly Field[];
      const at = out.length;
      out.push(...le(4, items.length), ...items.flatMap((item) => (typeof item === 'number' ? [...le(4, item)] : [0, 0, 0, 0])));
      for (const [i, item] of items.entries())
        if (typeof item !== 'number') set32(at + 4 + 4 * i, write(item as { table: [] }) - (at + 4 + 4 * i));
      return at;
    }
    const { table } = field as { table: readonly (Field | null)[] };
    const vtable = out.length;
    out.push(...le(2, 4 + 2 * table.length, 4 + 4 * table.length), ...le(2, ...table.map((one, i) => (one === null ? 0 : 4 + 4 * i))));
    pad();
    const at = out.length;
    out.push(...le(4, at - vtable), ...table.flatMap((one) => (typeof one === 'number' ? [...le(4, one)] : [0, 0, 0, 0])));
    for (const [i, one] of table.entries())
      if (one !== null && typeof one === 'object' && 'byte' in one) out[at + 4 + 4 * i] = one.byte;
      else if (one !== null && typeof one !== 'number') set32(at + 4 + 4 * i, write(one as { table: [] }) - (at + 4 + 4 * i));
    return at;
  };
  set32(0, write(root));
  return Uint8Array.from(out);
}

const unhex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!, (two) => parseInt(two, 16));
/** A pickle that calls `posix.system`, packed as Python's bzip2 and as LZMA in its zips. */
export const BZIP2: Uint8Array = unhex(
  '425a6839314159265359919feacd000004d3800010104118000e22cc60200031434d3000534c879468f51a4e45c2065c2e2eaf4d305be2ee48a70a121233fd59a0',
);
export const LZMA: Uint8Array = unhex('090405005d0000800000319c0a22f60cf80ba3dbdb6d007db60e932007985d54f46abed1e315f2ffff94640000');
/** The same in 7z: alone in LZMA2, and before a text in LZMA, with a packed header. */
export const SEVEN_ZIP: Uint8Array = unhex(
  '377abcaf271c00049d6876c51c000000000000003e00000000000000e0ee9c2b01001763706f7369780a73797374656d0a2853226964220a74522e000104060001091c00070b010001212101000c1800080a0153484f3800000501190c00000000000000000000000011050078000000150601002080a4810000',
);
export const PACKED_SEVEN_ZIP: Uint8Array = unhex(
  '377abcaf271c00042589ec11c1000000000000002000000000000000a29a43d100341949ee8de95fc1f0f71744508562c30882dc61136033e191b56953251eba714fabf188ddb78f7321063e69bf0c06ee1b9c45283f29fe1874636e6acfc6927422242b8e4ba3e33d54f1169622895e3c3fbf2132b2ee6da7efdd55df8d8f0e00000000813307ae0fd3a9b27d40c090d343c4e1f9e85290004e1b60f0a076b8cb3129c22bd96312d521777530bfeadcdeb13d9313dfa183f501aa28028c23f7515307b39c73210f91b1e88fa748cd84ea152e9ccea7b8b6da9911232b5e38be8017066201095f00070b01000123030101055d001000000c6e0a011e04392f0000',
);
