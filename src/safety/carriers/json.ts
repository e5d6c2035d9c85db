/**
 * JSON as Python's `json` takes it: UTF-16 and UTF-32 by their zeros, a byte order mark, NaN and Infinity. A configuration must not
 * be passed over because our reader is stricter than the one that loads the model.
 * @module
 */
import { type JsonValue, parseJsonStrictly } from '../../base/index.ts';

/** @throws HeirloomError `JSON_INVALID` for what Python refuses as well, or what would fill memory. */
export function parsePythonJson(bytes: Uint8Array, file: string): { value: JsonValue; repeated: string[] } {
  const text = inUtf8(bytes);
  return parseJsonStrictly(text.includes(0x4e) || text.includes(0x49) ? withoutNumbers(text) : text, file);
}

/** `json.detect_encoding` */
function inUtf8(bytes: Uint8Array): Uint8Array {
  const [a, b, c, d] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return bytes.subarray(3);
  const wide = (littleEndian: boolean): Uint8Array => recode(bytes, 4, littleEndian);
  const half = (littleEndian: boolean): Uint8Array => recode(bytes, 2, littleEndian);
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? wide(true) : half(true);
  if (a === 0xfe && b === 0xff) return half(false);
  if (bytes.length >= 4 && a === 0 && b === 0) return wide(false);
  if (bytes.length >= 2 && a === 0) return half(false);
  if (bytes.length >= 2 && b === 0) return c === 0 && d === 0 && bytes.length >= 4 ? wide(true) : half(true);
  return bytes;
}

function recode(bytes: Uint8Array, unit: 2 | 4, littleEndian: boolean): Uint8Array {
  if (unit === 2) return new TextEncoder().encode(new TextDecoder(littleEndian ? 'utf-16le' : 'utf-16be').decode(bytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, littleEndian);
    if (code !== 0xfeff) parts.push(code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd');
  }
  return new TextEncoder().encode(parts.join(''));
}

const WORDS = ['-Infinity', 'Infinity', 'NaN'].map((word) => ({ bytes: new TextEncoder().encode(word), word }));

/** Numbers that JSON does not have become `0` and spaces, outside of texts. */
function withoutNumbers(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  for (let i = 0; i < out.length; i++) {
    const c = out[i]!;
    if (c === 0x22) {
      for (i++; i < out.length && out[i] !== 0x22; i++) if (out[i] === 0x5c) i++;
    } else if (c === 0x4e || c === 0x49 || c === 0x2d) {
      const found = WORDS.find((word) => word.bytes.every((byte, k) => out[i + k] === byte));
      if (!found) continue;
      out.fill(0x20, i, i + found.word.length);
      out[i] = 0x30;
    }
  }
  return out;
}
