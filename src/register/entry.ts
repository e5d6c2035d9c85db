/**
 * An entry as text and back. What is read is checked field by field: the register may have been edited or come from elsewhere.
 * @module
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue, parseJson } from '../base/index.ts';
import { type NewEntry, type RegisterEntry, RegisterError } from './types.ts';

const ENTRY_SCHEMA = 'heirloom-register-entry/1';
/** An entry is under 2 KiB; nobody's honest one is a hundred times that. (CWE-770) */
export const MAX_ENTRY_BYTES: number = 256 * 1024;
/** Longest name, locator or label kept; hub names end at 96 + 96. */
const MAX_TEXT = 4096;
/** Licenses or named bases of one model. */
export const MAX_LIST: number = 64;

/** Id of a name: a readable part, and enough of its SHA-256 that two names never share one. */
export function entryId(name: string): string {
  const readable = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 60)
    .replace(/-+$/, '');
  return `${readable || 'model'}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}

/** The entry's text, one field a line so that a person can read it; keys in canonical order. */
export function encodeEntry(entry: RegisterEntry): string {
  return `${JSON.stringify(JSON.parse(canonicalJson(entry)), null, 2)}\n`;
}

/** @throws RegisterError `REGISTER_ENTRY` naming the field that cannot be kept. */
export function makeEntry(entry: NewEntry, addedAt: string, sketch: RegisterEntry['sketch']): RegisterEntry {
  const made = { ...entry, schema: ENTRY_SCHEMA, id: entryId(entry.name), addedAt, sketch } as const;
  const field = badField(made as unknown as { [key: string]: JsonValue });
  if (field) throw new RegisterError('REGISTER_ENTRY', `"${field}" of the model cannot be kept in the register`, { where: { field } });
  return made;
}

/**
 * @param file named in errors.
 * @throws RegisterError `REGISTER_CORRUPT` naming file and field, `REGISTER_VERSION` for a schema this version does not know.
 */
export function decodeEntry(bytes: Uint8Array, file: string, id: string): RegisterEntry {
  const corrupt = (what: string, field?: string): RegisterError =>
    new RegisterError('REGISTER_CORRUPT', `${file} is not a register entry: ${what}`, {
      where: { file, ...(field !== undefined && { field }) },
      hint: 'remove it and register the model again',
    });
  if (bytes.length > MAX_ENTRY_BYTES) throw corrupt(`${bytes.length} bytes, over the cap of ${MAX_ENTRY_BYTES}`);
  let value: JsonValue;
  try {
    value = parseJson(bytes, file);
  } catch (cause) {
    throw corrupt((cause as Error).message);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw corrupt('not an object');
  if (value['schema'] !== ENTRY_SCHEMA)
    throw typeof value['schema'] === 'string' && value['schema'].startsWith('heirloom-register-entry/')
      ? new RegisterError('REGISTER_VERSION', `${file} is written by another version of Heirloom (${value['schema'].slice(0, 60)})`, {
          where: { file, field: 'schema' },
        })
      : corrupt('the schema is missing or unknown', 'schema');
  const field = badField(value);
  if (field) throw corrupt(`"${field}" is missing or malformed`, field);
  if (value['id'] !== id) throw corrupt('its id is not its file name', 'id');
  return value as unknown as RegisterEntry;
}

/** The first field that is not as `RegisterEntry` says, or ''. */
function badField(value: { readonly [key: string]: JsonValue }): string {
  for (const field of ['name', 'locator', 'digest', 'id', 'addedAt']) if (!isText(value[field]) || value[field] === '') return field;
  for (const field of ['digestCovers', 'architecture', 'format', 'licenseLabel']) if (!isText(value[field])) return field;
  for (const field of ['revision', 'licenseText']) if (value[field] !== undefined && !isText(value[field])) return field;
  if (!matches(value['digest'], /^sha256:[0-9a-f]{64}$/)) return 'digest';
  if (!isText(value['name']) || value['id'] !== entryId(value['name'])) return 'id';
  if (!Number.isSafeInteger(value['parameters']) || Number(value['parameters']) < 0) return 'parameters';
  if (!isTextList(value['licenses'])) return 'licenses';
  if (value['baseModels'] !== undefined && !isTextList(value['baseModels'])) return 'baseModels';
  if (!matches(value['addedAt'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)) return 'addedAt';
  const wrong = badSketch(value['sketch']);
  if (wrong !== null) return `sketch${wrong}`;
  const salted = value['salted'];
  if (salted === undefined) return '';
  if (!Array.isArray(salted) || salted.length > MAX_LIST) return 'salted';
  return salted.some((one) => badSketch(one) !== null || !matches((one as { salt?: JsonValue })['salt'], /^sha256:[0-9a-f]{64}$/))
    ? 'salted'
    : '';
}

/** What of a stored sketch is not as it should be, '' for all of it, or null. */
function badSketch(sketch: JsonValue | undefined): string | null {
  if (sketch === null || typeof sketch !== 'object' || Array.isArray(sketch)) return '';
  if (!matches(sketch['sha256'], /^[0-9a-f]{64}$/)) return '.sha256';
  return Number.isSafeInteger(sketch['bytes']) && Number(sketch['bytes']) >= 0 ? null : '.bytes';
}

/** Printable: a control character in a name would reach the reader's terminal. (CWE-150) */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT && !/[\u0000-\u001f\u007f-\u009f]/.test(value);
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_LIST && value.every(isText);
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

/** A publisher's words made fit to keep: control characters become spaces, the end is cut. */
export function cleanField(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, MAX_TEXT);
}
