/**
 * GGUF metadata values.
 * Built from ggml `docs/gguf.md`, gguf_metadata_value_t.
 * @module
 */
import { checkEnd, type Cursor, fail, MAX_HEADER_BYTES, need, take32, takeCount, takeString } from './gguf-cursor.ts';
import type { MetaValue } from './types.ts';

/** One string value; chat templates reach 100 kB, embedded licences 1 MB. (CWE-789) */
const MAX_STRING_BYTES = 16 << 20;
/** Elements of one array that are kept; vocabularies stay below 300,000. Longer arrays are skipped with a finding. (CWE-789) */
const MAX_ARRAY_KEPT = 1_000_000;
/** Elements kept over all arrays of a file; bounds memory at about 8 bytes each besides the strings. (CWE-789) */
const MAX_ELEMENTS_KEPT = 4_000_000;

/** Texts in arrays of one file that are stepped over; each must be looked at to find the next. (CWE-834) */
const MAX_TEXTS = 4_000_000;

/** Bytes of a metadata value type; 8 is a string, 9 an array. */
const VALUE_BYTES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const STRING = 8;
const ARRAY = 9;

/** Token strings may hold half characters; they are kept with U+FFFD rather than refused. */
const values = new TextDecoder('utf-8');

/** @returns undefined for an array too long to keep. */
export async function takeValue(c: Cursor, type: number, key: string): Promise<MetaValue | undefined> {
  if (type === STRING) return takeString(c, MAX_STRING_BYTES, values, `"${key}"`);
  if (type === ARRAY) return takeArray(c, key);
  const bytes = valueBytes(c, type, key);
  await need(c, bytes);
  return takeScalar(c, type, key);
}

async function takeArray(c: Cursor, key: string): Promise<MetaValue | undefined> {
  const at = c.at;
  await need(c, 12);
  const type = take32(c);
  if (type === ARRAY) fail(c, 'WEIGHTS_HEADER', `nests arrays under "${key}", which no program reads`, at, key);
  const each = type === STRING ? 8 : valueBytes(c, type, key);
  const count = takeCount(c, MAX_HEADER_BYTES, each, `elements of "${key}"`);
  if (type === STRING && (c.texts += count) > MAX_TEXTS) fail(c, 'WEIGHTS_LIMIT', `holds more than ${MAX_TEXTS} texts in arrays`, at, key);
  const keep = count <= MAX_ARRAY_KEPT && c.kept + count <= MAX_ELEMENTS_KEPT;
  if (!keep) {
    c.findings.push({
      rule: 'weights/metadata-array-skipped',
      severity: 'note',
      where: { file: c.file, byte: at, field: key },
      what: `the array "${key}" of ${count} elements was not kept`,
      why: 'vocabularies stay below a million entries; longer arrays only cost memory',
      fix: 'none needed unless the array matters',
      source: 'CWE-789',
    });
    if (type !== STRING) {
      checkEnd(c, c.at + count * each);
      c.at += count * each;
      return undefined;
    }
  }
  const out: MetaValue[] = [];
  for (let i = 0; i < count; i++) {
    if (type === STRING) {
      const text = await takeString(c, MAX_STRING_BYTES, values, `"${key}"`, keep);
      if (keep) out.push(text);
    } else {
      if (!c.window.has(c.at, each)) await need(c, each);
      out.push(takeScalar(c, type, key));
    }
  }
  if (keep) c.kept += count;
  return keep ? out : undefined;
}

function valueBytes(c: Cursor, type: number, key: string): number {
  return VALUE_BYTES[type] ?? fail(c, 'WEIGHTS_HEADER', `gives "${key}" the unknown value type ${type}`, c.at, key);
}

function takeScalar(c: Cursor, type: number, key: string): MetaValue {
  const { view, base } = c.window;
  const at = c.at - base;
  c.at += VALUE_BYTES[type]!;
  // prettier-ignore
  switch (type) {
    case 0: return view.getUint8(at);
    case 1: return view.getInt8(at);
    case 2: return view.getUint16(at, true);
    case 3: return view.getInt16(at, true);
    case 4: return view.getUint32(at, true);
    case 5: return view.getInt32(at, true);
    case 6: return view.getFloat32(at, true);
    case 10: return exact(view.getBigUint64(at, true));
    case 11: return exact(view.getBigInt64(at, true));
    case 12: return view.getFloat64(at, true);
    default: {
      const byte = view.getUint8(at);
      // "Anything else is invalid" (gguf.md, GGUF_METADATA_VALUE_TYPE_BOOL).
      if (byte > 1) fail(c, 'WEIGHTS_HEADER', `gives the boolean "${key}" the value ${byte}`, c.at - 1, key);
      return byte === 1;
    }
  }
}

/** A number when a double holds it exactly, else its decimal digits. */
function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
