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

/** RFC 8785 (JCS) text of `value`. @throws TypeError on values JSON cannot hold (NaN, lone surrogates). */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return text;
}

/**
 * @param file named in the error.
 * @throws HeirloomError `JSON_INVALID` for bad syntax, nesting over 200, or bytes that are not UTF-8.
 */
export function parseJson(bytes: Uint8Array, file: string): JsonValue {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HeirloomError('JSON_INVALID', `${file} is not UTF-8 text`, { where: { file }, cause });
  }
  checkDepth(text, file);
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new HeirloomError('JSON_INVALID', `${file} is not valid JSON: ${(cause as Error).message.slice(0, 200)}`, {
      where: { file },
      cause,
    });
  }
}

function checkDepth(text: string, file: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH)
        throw new HeirloomError('JSON_INVALID', `${file} nests deeper than ${MAX_DEPTH}`, { where: { file, byte: i } });
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
}

/**
 * Keys that stand twice in one object of `text`, as paths. `JSON.parse` keeps the last silently;
 * two readers that keep different ones see two different models.
 */
export function duplicateKeys(text: string): string[] {
  const found: string[] = [];
  const stack: { keys: Set<string> | null; key: string }[] = [];
  let expectKey = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '{') {
      stack.push({ keys: new Set(), key: '' });
      expectKey = true;
    } else if (c === '[') {
      stack.push({ keys: null, key: '' });
      expectKey = false;
    } else if (c === '}' || c === ']') {
      stack.pop();
      expectKey = false;
    } else if (c === ',') expectKey = stack.at(-1)?.keys !== null && stack.length > 0;
    else if (c === '"') {
      const start = i;
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
      const top = stack.at(-1);
      if (!expectKey || !top?.keys) continue;
      const key = safeString(text.slice(start, i + 1));
      if (top.keys.has(key)) found.push([...stack.slice(0, -1).map((level) => level.key), key].filter(Boolean).join('.'));
      top.keys.add(key);
      top.key = key;
      expectKey = false;
    }
  }
  return found;
}

function safeString(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal;
  }
}
