/**
 * What callables of the allow-list may be called with. No text is guessed at: arguments are held against types.
 *
 * Types: `none`, `number` (also True and False), `integer`, `count` (an integer from 0 to 2^53), `counts` (a tuple or list of counts),
 * `nothing` (counts whose product is 0), `text`, `bytes` (in any way the protocols write them), `stamp` (ten of them at most, as dates and times are packed), `letter` (one character), `word`
 * (letters, digits, `_`, `.`, `:`), `numeral`, `=x` (the text x), `sequence`, `pairs` (a map, or a sequence of pairs), `map`, `class` (an
 * import, judged by itself), `factory` (an import or None), `dtype` (an import), `type` (NumPy's name of a type, or an import or list),
 * `plain-dtype` (a call of numpy.dtype for anything but objects), `storage` (a persistent id or an object), `object` (what another call
 * returned), `any`.
 * @module
 */
import { calleeName, dictEntries, dtypeDescr, isPickleObject, type PickleValue, sequenceItems } from '../weights/index.ts';
import type { ArgumentRules } from './rules.ts';

/** Items of a sequence looked at; a longer one is as good as its beginning. (CWE-834) */
export const MAX_ITEMS = 10_000;

export type ArgumentVerdict = 'fits' | 'carries-code' | 'misfits';

/**
 * @param name as the allow-list spells it.
 * @returns `carries-code` when a text, bytes or an import stand where the callable never takes one; `misfits` for any other departure.
 */
export function judgeArguments(rules: ArgumentRules, name: string, args: readonly PickleValue[]): ArgumentVerdict {
  if (rules.never.includes(name) || rules.never.includes(`${name.slice(0, name.lastIndexOf('.'))}.*`)) return 'misfits';
  const signatures = Object.hasOwn(rules.signatures, name) ? rules.signatures[name]! : null;
  if (signatures?.some((signature) => fits(signature, args))) return 'fits';
  if (!signatures) return args.some(isText) ? 'carries-code' : 'fits';
  return args.some(isCodeLike) ? 'carries-code' : 'misfits';
}

/** Text or bytes, unless empty, also when a call makes them. */
export function isText(value: PickleValue): boolean {
  if (!isPickleObject(value)) return typeof value === 'string' && value !== '';
  return value.kind === 'bytes' ? value.length > 0 : value.kind === 'call' && MADE_TEXT.test(calleeName(value));
}
const MADE_TEXT =
  /^((builtins|__builtin__)\.(str|unicode|bytes|bytearray)|_codecs\.encode|pathlib\.\w+|collections\.UserString|numpy\.(str_|bytes_))$/;

/** Whether a value could be code, or something to run. */
function isCodeLike(value: PickleValue): boolean {
  return isText(value) || (isPickleObject(value) && value.kind === 'global');
}

function fits(signature: string, args: readonly PickleValue[]): boolean {
  const types = signature === '' ? [] : signature.split(', ');
  const last = types.at(-1);
  const repeats = last?.endsWith('*') ?? false;
  if (repeats ? args.length < types.length - 1 : args.length !== types.length) return false;
  return args.every((value, i) => {
    const type = (types[i] ?? last)!.replace(/\*$/, '');
    return type.split('/').some((one) => isOf(one, value));
  });
}

function isCount(value: PickleValue | undefined): boolean {
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isInteger(value) && value >= 0);
}
function isMap(value: PickleValue): boolean {
  return dictEntries(value) !== null;
}
function items(value: PickleValue): readonly PickleValue[] | null {
  return sequenceItems(value)?.slice(0, MAX_ITEMS) ?? null;
}

const TYPES: Readonly<Record<string, (value: PickleValue) => boolean>> = {
  any: () => true,
  none: (value) => value === null,
  number: (value) => typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' || isNumberCall(value),
  integer: (value) => typeof value === 'bigint' || typeof value === 'boolean' || (typeof value === 'number' && Number.isInteger(value)),
  count: isCount,
  counts: (value) => items(value)?.every((item) => isCount(item) || isNumberCall(item)) ?? false,
  nothing: (value) => (items(value)?.every(isCount) && items(value)!.some((item) => item === 0)) ?? false,
  text: (value) => typeof value === 'string' || (isPickleObject(value) && value.kind === 'bytes' && value.encoding !== 'raw'),
  bytes: isBytes,
  stamp: (value) => (typeof value === 'string' && value.length <= 10) || (isBytes(value) && byteLength(value) <= 10),
  letter: (value) => value === null || (typeof value === 'string' && value.length <= 1) || (isBytes(value) && byteLength(value) <= 1),
  word: (value) => typeof value === 'string' && /^[\w.:]{1,64}$/.test(value),
  numeral: (value) => typeof value === 'string' && /^[+-]?(\d[\d_]*(\.\d*)?|\.\d+|inf(inity)?|s?nan\d*|\d+\/\d+)(e[+-]?\d+)?$/i.test(value),
  sequence: (value) => items(value) !== null,
  map: isMap,
  pairs: (value) => isMap(value) || (items(value)?.every((item) => sequenceItems(item)?.length === 2) ?? false),
  class: (value) => isPickleObject(value) && (value.kind === 'global' || value.kind === 'persistent'),
  factory: (value) => value === null || (isPickleObject(value) && value.kind === 'global'),
  dtype: (value) => isPickleObject(value) && (value.kind === 'global' || value.kind === 'call'),
  type: (value) =>
    typeof value === 'string' ? /^[<>|=]?[A-Za-z?]\w*(\[[\w,]{1,16}\])?$/.test(value) : isPickleObject(value) && value.kind !== 'bytes',
  'plain-dtype': (value) => isDtypeCall(value) && !/^[|<>=]?O/.test(dtypeDescr(value)),
  storage: (value) => isPickleObject(value) && (value.kind === 'persistent' || value.kind === 'call'),
  object: (value) => isPickleObject(value) && (value.kind === 'call' || value.kind === 'persistent'),
};

function isOf(type: string, value: PickleValue): boolean {
  if (type.startsWith('=')) return value === type.slice(1);
  const test = TYPES[type];
  if (!test) throw new Error(`argument-rules.json names the type ${type}, which arguments.ts does not know`);
  return test(value);
}

function isDtypeCall(value: PickleValue): boolean {
  return isPickleObject(value) && value.kind === 'call' && /^numpy\.(dtype$|dtypes\.)/.test(calleeName(value));
}
function isNumberCall(value: PickleValue): boolean {
  return isPickleObject(value) && value.kind === 'call' && /\.multiarray\.scalar$/.test(calleeName(value));
}
function isBytes(value: PickleValue): boolean {
  if (!isPickleObject(value)) return false;
  if (value.kind === 'bytes') return value.encoding !== 'utf8';
  return (
    value.kind === 'buffer' ||
    (value.kind === 'call' && /^(_codecs\.encode|(builtins|__builtin__)\.(bytes|bytearray))$/.test(calleeName(value)))
  );
}
function byteLength(value: PickleValue): number {
  if (!isPickleObject(value)) return 0;
  if (value.kind === 'bytes') return value.length;
  const text = value.kind === 'call' ? sequenceItems(value.args)?.[0] : undefined;
  return typeof text === 'string' ? text.length : 0;
}

/** What stands behind wrappers that call what they are given: `copyreg.__newobj__(cls, *args)` and the like. */
export function innerCall(name: string, args: readonly PickleValue[]): { callee: PickleValue; args: readonly PickleValue[] } | null {
  if (name === 'copyreg.__newobj__' && args[0] !== undefined) return { callee: args[0], args: args.slice(1) };
  if (name === 'copyreg.__newobj_ex__' && args[0] !== undefined)
    return { callee: args[0], args: args[1] ? (sequenceItems(args[1]) ?? []) : [] };
  if (name === 'torch._tensor._rebuild_from_type_v2' && args[0] !== undefined && args[2] !== undefined)
    return { callee: args[0], args: sequenceItems(args[2]) ?? [args[2]] };
  return null;
}

/** A value as text that is short and cannot do harm on a terminal. */
export function showValue(value: PickleValue, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (!isPickleObject(value)) return String(value).slice(0, 40);
  switch (value.kind) {
    case 'global':
      return `${value.module}.${value.name}`.slice(0, 100);
    case 'bytes':
      return `<${value.length} bytes>`;
    case 'call':
      return `${calleeName(value).slice(0, 100) || '<call>'}(…)`;
    case 'dict':
      return `{${value.entries.length / 2} entries}`;
    case 'persistent':
      return '<persistent id>';
    case 'buffer':
      return '<buffer>';
    default: {
      const few = depth < 2 ? value.items.slice(0, 4).map((item) => showValue(item, depth + 1)) : [];
      return `(${few.join(', ')}${value.items.length > few.length ? ', …' : ''})`;
    }
  }
}
