/**
 * Values of a template that do not depend on what it is given: texts put together from pieces are put together here too.
 * A value is known, or partly known (a text with GAP where something unknown stands), or UNKNOWN. Bounded; nothing is run.
 * @module
 */

/** Stands in a text for what is not known; no character (Unicode noncharacter). */
export const GAP = '\uffff';
export const UNKNOWN: unique symbol = Symbol('unknown');
export type Value = string | number | boolean | null | typeof UNKNOWN | readonly Value[] | ReadonlyMap<string, Value>;

/** A text, and a list, that is put together here. (CWE-789) */
const MAX_TEXT = 10_000;
const MAX_ITEMS = 2000;

export function textOf(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value === null) return 'None';
  return GAP;
}

export function bounded(text: string): Value {
  return text.length > MAX_TEXT ? UNKNOWN : text;
}

export function itemsOf(value: Value | undefined): readonly Value[] | null {
  if (typeof value === 'string') return value.length > MAX_ITEMS ? null : [...value];
  if (value instanceof Map) return [...value.keys()];
  return Array.isArray(value) ? (value as readonly Value[]) : null;
}

export function binaryValue(op: string, left: Value, right: Value): Value {
  if (op === '~') return left === UNKNOWN && right === UNKNOWN ? UNKNOWN : bounded(textOf(left) + textOf(right));
  if (op === '+') {
    if (typeof left === 'number' && typeof right === 'number') return left + right;
    if (Array.isArray(left) && Array.isArray(right)) return [...(left as Value[]), ...(right as Value[])].slice(0, MAX_ITEMS);
    return typeof left === 'string' || typeof right === 'string' ? bounded(textOf(left) + textOf(right)) : UNKNOWN;
  }
  if (op === '*') {
    if (typeof left === 'number' && typeof right === 'number') return left * right;
    const [text, times] = typeof left === 'number' ? [right, left] : [left, right];
    if (typeof times !== 'number' || typeof text !== 'string') return UNKNOWN;
    return text.length * times > MAX_TEXT ? UNKNOWN : text.repeat(Math.max(0, Math.floor(times)));
  }
  if (op === '%' && typeof left === 'string') return percent(left, Array.isArray(right) ? (right as Value[]) : [right]);
  if (op === 'or') return left === UNKNOWN ? UNKNOWN : isTrue(left) ? left : right;
  if (op === 'and') return left === UNKNOWN ? UNKNOWN : isTrue(left) ? right : left;
  if (typeof left !== 'number' || typeof right !== 'number') return UNKNOWN;
  if (op === '-') return left - right;
  if (op === '%') return right === 0 ? UNKNOWN : left - right * Math.floor(left / right);
  if (op === '/') return right === 0 ? UNKNOWN : left / right;
  if (op === '//') return right === 0 ? UNKNOWN : Math.floor(left / right);
  return op === '**' ? left ** right : UNKNOWN;
}

function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return Boolean(value);
}

/** Python's `%` of texts: `%s %c %d %x`, with or without names. */
export function percent(format: string, values: readonly Value[]): Value {
  let next = 0;
  let room = MAX_TEXT;
  const take = (value: Value | undefined): string => {
    const text = textOf(value);
    room -= text.length;
    return room < 0 ? '' : text;
  };
  const map = values.length === 1 && values[0] instanceof Map ? values[0] : null;
  return bounded(
    format.replace(
      /%(?:\((\w*)\))?[-+ #0]*((?:[1-9]\d*)?)(?:\.\d+)?[hlL]?([a-zA-Z%])/g,
      (_, name: string | undefined, _width, type: string) => {
        if (type === '%') return '%';
        const value = name !== undefined ? map?.get(name) : values[next++];
        if (type === 'c' && typeof value === 'number') return value >= 0 && value <= 0x10ffff ? String.fromCodePoint(value) : GAP;
        if ((type === 'x' || type === 'X') && typeof value === 'number') return value.toString(16);
        return take(value);
      },
    ),
  );
}

/** `str.format`: the text, and the fields it walks into values by (`{0.__class__}`). */
export function formatText(format: string, args: readonly Value[], named: ReadonlyMap<string, Value>): { text: Value; walks: string[] } {
  let next = 0;
  let room = MAX_TEXT;
  const walks: string[] = [];
  const text = format.replace(/\{\{|\}\}|\{([^{}!:]*)(?:![rsa])?(?::([^{}]*))?\}/g, (whole, field?: string, spec?: string) => {
    if (field === undefined) return whole[0]!;
    const head = /^\w*/.exec(field)![0];
    if (head.length < field.length) {
      walks.push(field);
      return GAP;
    }
    const value = head === '' ? args[next++] : /^\d+$/.test(head) ? args[Number(head)] : named.get(head);
    if (spec === 'c' && typeof value === 'number' && value >= 0 && value <= 0x10ffff) return String.fromCodePoint(value);
    room -= textOf(value).length;
    return room < 0 ? '' : textOf(value);
  });
  return { text: bounded(text), walks };
}

/** Python's `value[from:to:step]`. */
export function sliceValue(value: Value, from: Value | null, to: Value | null, step: Value | null): Value {
  const items = itemsOf(value);
  if (!items) return UNKNOWN;
  const by = step ?? 1;
  if (![by, from ?? 0, to ?? 0].every(Number.isInteger)) return UNKNOWN;
  if (typeof by !== 'number' || by === 0 || (from !== null && typeof from !== 'number') || (to !== null && typeof to !== 'number'))
    return UNKNOWN;
  const n = items.length;
  const clamp = (at: number): number =>
    by > 0 ? Math.max(0, Math.min(n, at < 0 ? at + n : at)) : Math.max(-1, Math.min(n - 1, at < 0 ? at + n : at));
  const start = from === null ? (by > 0 ? 0 : n - 1) : clamp(from);
  const stop = to === null ? (by > 0 ? n : -1) : clamp(to);
  const out: Value[] = [];
  for (let i = start; by > 0 ? i < stop : i > stop; i += by) out.push(items[i]!);
  return typeof value === 'string' ? out.map(textOf).join('') : out;
}

/** `value[key]` of what is known. */
export function itemOf(value: Value, key: Value): Value {
  if (value instanceof Map) return value.get(textOf(key)) ?? UNKNOWN;
  const items = itemsOf(value);
  if (!items || typeof key !== 'number') return UNKNOWN;
  return items[key < 0 ? items.length + key : key] ?? UNKNOWN;
}

type Operation = (value: Value, args: readonly Value[], named: ReadonlyMap<string, Value>) => Value;
const onText =
  (change: (text: string, args: readonly Value[]) => Value): Operation =>
  (value, args) =>
    typeof value === 'string' ? change(value, args) : UNKNOWN;

function strip(text: string, chars: Value | undefined, side: 'both' | 'left' | 'right' = 'both'): string {
  const drop = typeof chars === 'string' ? new Set(chars) : new Set(' \t\n\r\f\v');
  let from = 0;
  let to = text.length;
  if (side !== 'right') while (from < to && drop.has(text[from]!)) from++;
  if (side !== 'left') while (to > from && drop.has(text[to - 1]!)) to--;
  return text.slice(from, to);
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase();
}

function joinItems(value: Value, separator: Value | undefined): Value {
  const items = itemsOf(value);
  if (!items) return UNKNOWN;
  const between = separator === undefined ? '' : textOf(separator);
  const length = items.reduce((sum: number, one) => sum + textOf(one).length + between.length, 0);
  return length > MAX_TEXT ? UNKNOWN : items.map(textOf).join(between);
}

/** Filters and methods that only rearrange texts; same names mean the same in both but for `join`. */
const SHARED: Readonly<Record<string, Operation>> = {
  lower: onText((text) => text.toLowerCase()),
  upper: onText((text) => text.toUpperCase()),
  capitalize: onText(capitalized),
  title: onText((text) => text.replace(/[^\W_]+/g, capitalized)),
  replace: onText((text, [old, by, count]) => {
    if (typeof old !== 'string' || typeof by !== 'string') return UNKNOWN;
    const times = Math.min(text.split(old).length + 1, typeof count === 'number' && count >= 0 ? count : Infinity);
    if (text.length + times * by.length > MAX_TEXT) return UNKNOWN;
    return times === count ? replaceSome(text, old, by, count) : text.replaceAll(old, () => by);
  }),
  center: onText((text, [width]) =>
    typeof width === 'number' && width <= MAX_TEXT ? text.padStart((text.length + width) >> 1).padEnd(width) : UNKNOWN,
  ),
};

function replaceSome(text: string, old: string, by: string, count: number): string {
  const parts = text.split(old);
  return parts.slice(1).reduce((sum, part, i) => sum + (i < count ? by : old) + part, parts[0]!);
}

const FILTERS: Readonly<Record<string, Operation>> = {
  ...SHARED,
  join: (value, args, named) => joinItems(value, args[0] ?? named.get('d')),
  reverse: (value) => (typeof value === 'string' ? [...value].reverse().join('') : (itemsOf(value)?.slice().reverse() ?? UNKNOWN)),
  trim: onText((text, [chars]) => strip(text, chars)),
  string: (value) => (value === UNKNOWN ? UNKNOWN : textOf(value)),
  safe: (value) => value,
  escape: (value) => value,
  e: (value) => value,
  forceescape: (value) => value,
  default: (value, [other]) => (value === UNKNOWN ? (other ?? UNKNOWN) : value),
  d: (value, [other]) => (value === UNKNOWN ? (other ?? UNKNOWN) : value),
  list: (value) => itemsOf(value) ?? UNKNOWN,
  first: (value) => itemsOf(value)?.[0] ?? UNKNOWN,
  last: (value) => itemsOf(value)?.at(-1) ?? UNKNOWN,
  sort: (value) =>
    itemsOf(value)
      ?.slice()
      .sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1)) ?? UNKNOWN,
  unique: (value) => (itemsOf(value) ? [...new Set(itemsOf(value)!)] : UNKNOWN),
  items: (value) => (value instanceof Map ? [...value].map(([key, inner]) => [key, inner]) : UNKNOWN),
  length: (value) => itemsOf(value)?.length ?? UNKNOWN,
  count: (value) => itemsOf(value)?.length ?? UNKNOWN,
  int: (value) =>
    typeof value === 'number' ? Math.trunc(value) : typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : UNKNOWN,
  sum: (value) => (itemsOf(value) ?? [UNKNOWN]).reduce((sum: Value, one) => binaryValue('+', sum, one), 0),
  format: (value, args, named) =>
    typeof value === 'string' ? percent(value, args.length === 0 && named.size > 0 ? [named] : args) : UNKNOWN,
  truncate: onText((text, [length]) => (typeof length === 'number' ? text.slice(0, length) : UNKNOWN)),
};

const METHODS: Readonly<Record<string, Operation>> = {
  ...SHARED,
  join: (value, [items]) => joinItems(items ?? UNKNOWN, value),
  strip: onText((text, [chars]) => strip(text, chars)),
  lstrip: onText((text, [chars]) => strip(text, chars, 'left')),
  rstrip: onText((text, [chars]) => strip(text, chars, 'right')),
  casefold: onText((text) => text.toLowerCase()),
  swapcase: onText((text) => [...text].map((c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join('')),
  removeprefix: onText((text, [prefix]) => (typeof prefix === 'string' && text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  removesuffix: onText((text, [end]) => (typeof end === 'string' && end && text.endsWith(end) ? text.slice(0, -end.length) : text)),
  split: onText((text, [by]) => (typeof by === 'string' && by ? text.split(by) : by === undefined ? text.trim().split(/\s+/) : UNKNOWN)),
  encode: (value) => value,
  decode: (value) => value,
  get: (value, [key, other]) => (value instanceof Map && key !== undefined ? (value.get(textOf(key)) ?? other ?? UNKNOWN) : UNKNOWN),
  pop: (value, [key]) => itemOf(value, key ?? -1),
  keys: (value) => (value instanceof Map ? [...value.keys()] : UNKNOWN),
  values: (value) => (value instanceof Map ? [...value.values()] : UNKNOWN),
  items: (value) => (value instanceof Map ? [...value].map(([key, inner]) => [key, inner]) : UNKNOWN),
};

export function filterValue(name: string, value: Value, args: readonly Value[], named: ReadonlyMap<string, Value>): Value {
  return Object.hasOwn(FILTERS, name) ? FILTERS[name]!(value, args, named) : UNKNOWN;
}
export function methodValue(name: string, value: Value, args: readonly Value[], named: ReadonlyMap<string, Value>): Value {
  return Object.hasOwn(METHODS, name) ? METHODS[name]!(value, args, named) : UNKNOWN;
}

/** A list or dictionary after a method that changes it; null when it changes nothing known. */
export function changedValue(name: string, value: Value, args: readonly Value[], named: ReadonlyMap<string, Value>): Value | null {
  if (Array.isArray(value) && value.length < MAX_ITEMS) {
    const list = value as readonly Value[];
    if (name === 'append' && args.length === 1) return [...list, args[0]!];
    if (name === 'extend') return [...list, ...(itemsOf(args[0]) ?? [UNKNOWN])].slice(0, MAX_ITEMS);
    if (name === 'insert' && typeof args[0] === 'number') return [...list.slice(0, args[0]), args[1] ?? UNKNOWN, ...list.slice(args[0])];
    if (name === 'reverse') return list.toReversed();
  }
  if (!(value instanceof Map) || value.size >= MAX_ITEMS) return null;
  if (name === 'update') return new Map([...value, ...(args[0] instanceof Map ? args[0] : []), ...named]);
  return name === 'setdefault' && args.length > 0 ? new Map([[textOf(args[0]), args[1] ?? null], ...value]) : null;
}
