/**
 * JSON in and out: bounded parsing that names the file, and RFC 8785 canonical output.
 * @module
 */
import canonicalizeModule from 'canonicalize';
import { HeirloomError } from './errors.ts';

const canonicalize = canonicalizeModule as unknown as (value: unknown) => string | undefined;

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** Nesting allowed in any JSON we read; deeper input is refused before `JSON.parse` recurses. (CWE-674) */
const MAX_DEPTH = 200;
/**
 * What one JSON text and its values may take in memory, as estimated from its bytes:
 * `[{},{},{},…` grows twentyfold when parsed. The largest published vocabulary (33 MB, 260,000 tokens, 510,000 merges) takes
 * four fifths of it, a header of 150,000 tensors fits. (CWE-789)
 */
const MAX_JSON_MEMORY = 192 << 20;
/** What V8 allocates, about, for one object, array, key and value; dearest are objects of ever new keys. */
const OBJECT_BYTES = 256;
const ARRAY_BYTES = 48;
const KEY_BYTES = 128;
const VALUE_BYTES = 16;
/** Repeated keys told of one text, and characters of each part of their path: one is enough to refuse it. (CWE-770) */
const MAX_REPEATED = 100;
const MAX_KEY_SHOWN = 200;

/** RFC 8785 (JCS) text of `value`. @throws TypeError on values JSON cannot hold (NaN, lone surrogates). */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return text;
}

/**
 * @param file named in the error.
 * @throws HeirloomError `JSON_INVALID` for bad syntax, nesting over 200, values that would fill over 192 MiB, or bytes that are not UTF-8.
 */
export function parseJson(bytes: Uint8Array, file: string): JsonValue {
  measure(bytes, file);
  return parseText(decode(bytes, file), file);
}

/**
 * Like `parseJson`, and says which keys stand twice in one object. `JSON.parse` keeps the last silently;
 * two readers that keep different ones see two different models.
 * @returns `repeated`: at most 100 paths, their parts joined by '.'.
 * @throws as `parseJson`.
 */
export function parseJsonStrictly(bytes: Uint8Array, file: string): { value: JsonValue; repeated: string[] } {
  measure(bytes, file);
  const text = decode(bytes, file);
  return { value: parseText(text, file), repeated: duplicateKeys(text) };
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HeirloomError('JSON_INVALID', `${file} is not UTF-8 text`, { where: { file }, cause });
  }
}

function parseText(text: string, file: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new HeirloomError('JSON_INVALID', `${file} is not valid JSON: ${(cause as Error).message.slice(0, 200)}`, {
      where: { file },
      cause,
    });
  }
}

/** Bounds depth and size before anything is allocated; UTF-8 never hides an ASCII byte in a longer sequence. */
function measure(bytes: Uint8Array, file: string): void {
  let depth = 0;
  let high = 0;
  // The text, and the texts of all strings once more; one character outside Latin-1 doubles a text.
  let cost = bytes.length;
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (c === 0x22) {
      const start = i;
      let mask = 0;
      for (i++; i < bytes.length && bytes[i] !== 0x22; i++) {
        mask |= bytes[i]!;
        if (bytes[i] === 0x5c) i++;
      }
      high |= mask;
      cost += mask & 0x80 ? 2 * (i - start) : i - start;
    } else if (c === 0x2c) cost += VALUE_BYTES;
    else if (c === 0x3a) cost += KEY_BYTES;
    else if (c === 0x7b || c === 0x5b) {
      cost += c === 0x7b ? OBJECT_BYTES : ARRAY_BYTES;
      if (++depth > MAX_DEPTH)
        throw new HeirloomError('JSON_INVALID', `${file} nests deeper than ${MAX_DEPTH}`, { where: { file, byte: i } });
    } else if (c === 0x7d || c === 0x5d) depth--;
    if (cost > MAX_JSON_MEMORY) throw tooLarge(file, i);
  }
  if (high & 0x80 && cost + bytes.length > MAX_JSON_MEMORY) throw tooLarge(file, bytes.length);
}

function tooLarge(file: string, byte: number): HeirloomError {
  return new HeirloomError('JSON_INVALID', `${file} holds so much that reading it would fill over ${MAX_JSON_MEMORY} bytes of memory`, {
    where: { file, byte },
  });
}

/** Up to this many keys are compared one by one: most objects are small, and a set each would double the time. */
const FEW_KEYS = 8;

/** Keys that stand twice in one object of `text`, valid JSON, as paths; at most 100. */
export function duplicateKeys(text: string): string[] {
  const found: string[] = [];
  const stack: { keys: string[] | Set<string> | null; key: string }[] = [];
  let expectKey = false;
  for (let i = 0; i < text.length && found.length < MAX_REPEATED; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      const start = i;
      let escaped = false;
      for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++)
        if (text.charCodeAt(i) === 0x5c) {
          escaped = true;
          i++;
        }
      const top = stack.at(-1);
      if (!expectKey || !top?.keys) continue;
      const key = escaped ? safeString(text.slice(start, i + 1)) : text.slice(start + 1, i);
      const known = Array.isArray(top.keys) ? top.keys.includes(key) : top.keys.has(key);
      if (known) found.push(pathOf(stack, key));
      if (!Array.isArray(top.keys)) top.keys.add(key);
      else if (top.keys.push(key) > FEW_KEYS) top.keys = new Set(top.keys);
      top.key = key;
      expectKey = false;
    } else if (c === 0x7b) {
      stack.push({ keys: [], key: '' });
      expectKey = true;
    } else if (c === 0x5b) {
      stack.push({ keys: null, key: '' });
      expectKey = false;
    } else if (c === 0x7d || c === 0x5d) {
      stack.pop();
      expectKey = false;
    } else if (c === 0x2c) expectKey = stack.length > 0 && stack.at(-1)!.keys !== null;
  }
  return found;
}

function pathOf(stack: readonly { key: string }[], key: string): string {
  const parts = [...stack.slice(0, -1).map((level) => level.key), key].filter(Boolean);
  return parts.map((part) => part.slice(0, MAX_KEY_SHOWN)).join('.');
}

function safeString(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal;
  }
}
