import { decodeLatin1 } from '../base/index.ts';
import { isPickleObject, type PickleValue } from '../weights/index.ts';

/** Distinct objects looked at; beyond, an object is large in itself and not by sharing. (CWE-834) */
const MAX_OBJECTS = 500_000;

/** Parts of an object when everything shared is counted at each place it stands; cycles count once. Saturates at 1e15. */
export function expandedSize(root: PickleValue): number {
  const sizes = new Map<object, number>();
  const stack: { value: object; inner: readonly PickleValue[]; next: number; size: number; turns: number }[] = [];
  let result = 1;
  const onWay = new Set<object>();
  const isOpen = (value: object): boolean => onWay.has(value);
  const open = (value: PickleValue): number | null => {
    if (!isPickleObject(value)) return 1;
    const known = sizes.get(value);
    if (known !== undefined) {
      // A plain container that holds itself, or a container around it, twice: unrolled, it doubles at every turn.
      const from = stack.at(-1);
      if (from && isOpen(value) && isPlain(from.value) && ++from.turns > 1) return 1e15;
      return known;
    }
    const inner = parts(value);
    if (inner.length === 0) return 1;
    sizes.set(value, 1);
    stack.push({ value, inner, next: 0, size: 1 + ('dropped' in value ? (value.dropped ?? 0) : 0), turns: 0 });
    onWay.add(value);
    return null;
  };
  const first = open(root);
  if (first !== null) return first;
  while (stack.length > 0) {
    if (sizes.size > MAX_OBJECTS) return 0;
    const frame = stack.at(-1)!;
    if (frame.next < frame.inner.length) {
      const size = open(frame.inner[frame.next]!);
      if (size !== null) {
        frame.size = Math.min(frame.size + size, 1e15);
        frame.next++;
      }
      continue;
    }
    sizes.set(frame.value, frame.size);
    onWay.delete(frame.value);
    stack.pop();
    result = frame.size;
  }
  return result;
}

/** Lists, sets and dictionaries; objects may point at their owners. */
function isPlain(value: object): boolean {
  return 'kind' in value && (value.kind === 'list' || value.kind === 'set' || value.kind === 'dict');
}

function parts(value: Exclude<PickleValue, null | boolean | number | bigint | string>): readonly PickleValue[] {
  switch (value.kind) {
    case 'dict':
      return value.entries;
    case 'call':
      return [value.args, ...(value.state === undefined ? [] : [value.state]), ...(value.items ?? []), ...(value.entries ?? [])];
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
      return value.items;
    default:
      return [];
  }
}

/** The first text in an object that passes `test`, or null; bytes are read as Latin-1. */
export function someText(root: PickleValue, test: (text: string) => boolean): string | null {
  const seen = new Set<object>();
  const stack: PickleValue[] = [root];
  while (stack.length > 0 && seen.size < MAX_OBJECTS && stack.length < 4 * MAX_OBJECTS) {
    const value = stack.pop()!;
    if (typeof value === 'string' && test(value)) return value;
    if (!isPickleObject(value) || seen.has(value)) continue;
    seen.add(value);
    if (value.kind === 'bytes' && value.data) {
      const text = decodeLatin1(value.data);
      if (test(text)) return text;
    }
    for (const part of parts(value)) if (typeof part === 'string' || isPickleObject(part)) stack.push(part);
  }
  return null;
}

/** Modules by which texts run programs or import by name; their names are no everyday words. */
const ACTING = /^(importlib|subprocess|webbrowser|runpy|ctypes|builtins|__builtin__|posix|pty|pkgutil|marshal|pickle|socket|shutil|os)$/;

/** A module that acts and a name, side by side in a small dictionary as texts for a call by name; null when there is none. */
export function callByName(root: PickleValue): string | null {
  const seen = new Set<object>();
  const stack: PickleValue[] = [root];
  while (stack.length > 0 && seen.size < MAX_OBJECTS && stack.length < 4 * MAX_OBJECTS) {
    const value = stack.pop()!;
    if (!isPickleObject(value) || seen.has(value)) continue;
    seen.add(value);
    if (value.kind === 'dict' && value.entries.length <= 40) {
      const texts = value.entries.filter((text, i): text is string => i % 2 === 1 && typeof text === 'string');
      const module = texts.find((text) => ACTING.test(text));
      const name = texts.find((text) => text !== module && /^[a-z_]\w{2,40}$/i.test(text));
      if (module && name) return `${module}, ${name}`;
    }
    for (const part of parts(value)) if (isPickleObject(part)) stack.push(part);
  }
  return null;
}

/** Texts up to here are tried as base64 and hexadecimal. */
const MAX_ENCODED = 1 << 20;
/** The bytes a text stands for, when it begins as a pickle of protocol 2 and above does in base64 or hexadecimal; else null. */
function encodedPickle(text: string): Uint8Array | null {
  if (text.length < 12 || text.length > MAX_ENCODED) return null;
  if (/^gA[I-V][\w+/]+={0,2}$/.test(text.slice(0, 64)) || /^gA[I-V][\w+/]{61}/.test(text)) {
    try {
      return Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
    } catch {
      return null;
    }
  }
  return /^800[2-5]([\da-f]{2})+$/i.test(text) ? Uint8Array.from(text.match(/../g)!, (two) => parseInt(two, 16)) : null;
}

/** Bytes among the data, or texts that stand for bytes, that begin and end like a pickle; at most 20. `byte` is -1 for texts. */
export function carriedPickles(root: PickleValue): { readonly byte: number; readonly data: Uint8Array }[] {
  const found: { byte: number; data: Uint8Array }[] = [];
  const seen = new Set<object>();
  const stack: PickleValue[] = [root];
  while (stack.length > 0 && seen.size < MAX_OBJECTS && stack.length < 4 * MAX_OBJECTS && found.length < 20) {
    const value = stack.pop()!;
    const encoded = typeof value === 'string' ? encodedPickle(value) : null;
    if (encoded?.at(-1) === 0x2e) found.push({ byte: -1, data: encoded });
    if (!isPickleObject(value) || seen.has(value)) continue;
    seen.add(value);
    if (value.kind === 'bytes') {
      const { data } = value;
      if (data && data.length > 3 && data[0] === 0x80 && data[1]! <= 5 && data.at(-1) === 0x2e) found.push({ byte: value.byte, data });
      continue;
    }
    for (const part of parts(value)) if (isPickleObject(part) || (typeof part === 'string' && /^(gA|80)/.test(part))) stack.push(part);
  }
  return found;
}
