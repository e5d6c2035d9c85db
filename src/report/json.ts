/**
 * The machine answer. Keys stand in the order they were constructed in, so the same judgement gives the same bytes.
 * @module
 */

/** Deeper values are a mistake of ours: nothing we print nests this far. (CWE-674) */
const MAX_DEPTH = 200;

/**
 * One JSON value of `value`, indented by two, with a newline at the end. Maps become objects; typed arrays and sets become
 * arrays; keys whose value is undefined are left out, undefined array items are null; lone surrogates are escaped.
 * Anything with a `toJSON` method speaks for itself.
 * @throws TypeError on NaN, infinities, bigint, functions, cycles or a value nested over 200 deep: our own bug, never the input's.
 */
export function toJson(value: unknown): string {
  return `${JSON.stringify(plain(value, '$', 0), null, 2)}\n`;
}

function plain(value: unknown, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new TypeError(`${path}: nested deeper than ${MAX_DEPTH}, or a cycle`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (value === undefined) return undefined;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${path}: ${value} has no JSON form`);
    return value;
  }
  if (typeof value !== 'object') throw new TypeError(`${path}: a ${typeof value} has no JSON form`);
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON(), path, depth + 1);
  if (Array.isArray(value)) return value.map((item, i) => plain(item, `${path}[${i}]`, depth + 1) ?? null);
  if (value instanceof Set || (ArrayBuffer.isView(value) && !(value instanceof DataView)))
    return Array.from(value as unknown as Iterable<unknown>, (item, i) => plain(item, `${path}[${i}]`, depth + 1) ?? null);
  const entries = value instanceof Map ? value.entries() : Object.entries(value);
  // A null prototype, so that a hostile key `__proto__` is a key like any other.
  const out = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of entries) {
    if (typeof key !== 'string') throw new TypeError(`${path}: a map key that is no string has no JSON form`);
    const field = plain(item, `${path}.${key}`, depth + 1);
    if (field !== undefined) out[key] = field;
  }
  return out;
}
