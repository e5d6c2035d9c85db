/**
 * Names and constants of Python bytecode, read without running or rebuilding it.
 * Built from CPython `Python/marshal.c` (formats 2 to 5): type bytes, FLAG_REF 0x80. Code objects of 3.8 to 3.14 differ in their
 * fields, so each form is tried, and only texts are kept.
 * @module
 */

/** Objects of one body, and how deep they nest. (CWE-674, CWE-834) */
const MAX_OBJECTS = 100_000;
const MAX_DEPTH = 60;

export interface Bytecode {
  /** Identifiers and text constants of all functions. */
  readonly texts: readonly string[];
}

interface Reader {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  at: number;
  objects: number;
  readonly texts: string[];
  /** How many 32-bit fields begin a code object, and how many tables end it. */
  readonly form: readonly [fields: number, tables: number];
}

/** Python 3.11 on; 3.8 to 3.10; before. */
const FORMS = [
  [5, 2],
  [6, 1],
  [5, 1],
] as const;

/** Null when the bytes are no marshalled code object. */
export function readBytecode(bytes: Uint8Array): Bytecode | null {
  if (bytes.length < 20 || (bytes[0]! & 0x7f) !== 0x63) return null;
  for (const form of FORMS) {
    const r: Reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes, at: 0, objects: 0, texts: [], form };
    try {
      read(r, 0);
      if (r.texts.length > 0) return { texts: r.texts };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return null;
}

function take(r: Reader, size: number): number {
  const at = r.at;
  if (size < 0 || at + size > r.bytes.length) throw new RangeError('marshal');
  r.at += size;
  return at;
}

function read(r: Reader, depth: number): void {
  if (++r.objects > MAX_OBJECTS || depth > MAX_DEPTH) throw new RangeError('marshal');
  const type = String.fromCharCode(r.view.getUint8(take(r, 1)) & 0x7f);
  const u32 = (): number => r.view.getUint32(take(r, 4), true);
  const items = (count: number): void => {
    for (let i = 0; i < count; i++) read(r, depth + 1);
  };
  const text = (size: number): void => {
    const at = take(r, size);
    if (size < 10_000) r.texts.push(new TextDecoder().decode(r.bytes.subarray(at, at + size)));
  };
  if ('0NFTS.'.includes(type)) return;
  if (type in SIZES) return void take(r, SIZES[type]!);
  if ('utaA'.includes(type)) return text(u32());
  if ('zZ'.includes(type)) return text(r.view.getUint8(take(r, 1)));
  if ('([<>'.includes(type)) return items(u32());
  switch (type) {
    case 'f':
      return void take(r, r.view.getUint8(take(r, 1)));
    case 'l':
      return void take(r, 2 * Math.abs(r.view.getInt32(take(r, 4), true)));
    case 's':
      return void take(r, u32());
    case ')':
      return items(r.view.getUint8(take(r, 1)));
    case ':':
      return items(3);
    case '{':
      while (r.bytes[r.at] !== NULL) items(2);
      return void take(r, 1);
    case 'c': {
      // code, consts, names, variables (one to three objects by version, eight in all up to the name), line, tables
      const [fields, tables] = r.form;
      take(r, 4 * fields);
      items(8);
      take(r, 4);
      return items(tables);
    }
    default:
      throw new RangeError('marshal');
  }
}

/** Bytes of plain values and of references. */
const SIZES: Readonly<Record<string, number>> = { i: 4, I: 8, g: 8, y: 16, r: 4 };
const NULL = 0x30;
