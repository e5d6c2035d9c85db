/**
 * What a pickle machine holds, and what opcodes do to it.
 * @module
 */
import { decodeLatin1 } from '../base/index.ts';
import { type Cursor, failPickle } from './pickle-arguments.ts';
import { isObject, type PickleCall, type PickleGlobal, type PickleUse, type PickleValue } from './pickle-values.ts';

/** Values on the stack. (CWE-770) */
const MAX_STACK = 8_000_000;
/** Rough size of everything built; a 46 MB vocabulary of 12 million opcodes takes 150 MB of it, nearly all for its memo. (CWE-789) */
const MAX_ALLOCATED = 192 << 20;
const MEMO_PAGE = 1 << 16;
/** What V8 allocates for an array that grows: room for 17 values at the first. */
const GROWING_BYTES = 152;
/**
 * Numbers and texts kept in lists, sets and dictionaries; later ones are told to `onText` and counted. No reader looks at more
 * of them, and a vocabulary of millions must not be held for the sake of the tensors beside it.
 */
const MAX_PLAIN = 100_000;
/** Characters of a memo key looked at. */
const MAX_KEY = 200;
/** Distinct imports recorded; honest files have dozens. (CWE-770) */
const MAX_GLOBALS = 20_000;

export interface PickleOddity {
  readonly kind:
    | 'frame-straddled'
    | 'frame-nested'
    | 'frame-too-long'
    | 'memo-index'
    | 'call-on-data'
    | 'call-on-result'
    | 'item-on-object'
    | 'build-on-data'
    | 'build-on-import'
    | 'item-on-import'
    | 'unhashable-item';
  readonly byte: number;
}
/** Oddities kept per pickle. */
const MAX_ODDITIES = 100;

export interface Machine extends Cursor {
  readonly observe: ((use: PickleUse) => void) | undefined;
  /** Told of texts that are dropped. */
  readonly onText: ((text: string) => void) | undefined;
  /** Whether `built` is to be set. */
  readonly watchBuilds: boolean;
  stack: PickleValue[];
  readonly marks: number[];
  /** By index, in pages: one list of millions would be copied whole whenever it grows. */
  readonly memo: PickleValue[][];
  memoSize: number;
  readonly sparseMemo: Map<number, PickleValue>;
  readonly globals: Map<string, PickleGlobal>;
  readonly oddities: PickleOddity[];
  opcodes: number;
  /** Plain values kept in containers so far. */
  plain: number;
  allocated: number;
  protocol: number;
  /** Set by STOP. */
  stopped: boolean;
  /** The last BUILD's target, for formats that put raw bytes behind one. */
  built: PickleCall | null;
}

export function createMachine(
  file: string,
  size: number,
  start: number,
  options: Pick<Machine, 'observe' | 'onText' | 'watchBuilds' | 'dropsFrameRest'>,
): Machine {
  return {
    file,
    size,
    bytes: new Uint8Array(0),
    base: start,
    at: 0,
    need: 0,
    ...options,
    stack: [],
    marks: [],
    memo: [],
    memoSize: 0,
    sparseMemo: new Map(),
    globals: new Map(),
    oddities: [],
    opcodes: 0,
    plain: 0,
    allocated: 0,
    protocol: 0,
    frameEnd: -1,
    stopped: false,
    built: null,
  };
}

export function spend(m: Machine, bytes: number, op: number): void {
  m.allocated += bytes;
  if (m.allocated > MAX_ALLOCATED) failPickle(m, m.base + op, 'the pickle builds more than fits the budget', 'WEIGHTS_LIMIT');
}
export function odd(m: Machine, kind: PickleOddity['kind'], op: number): void {
  if (m.oddities.length < MAX_ODDITIES) m.oddities.push({ kind, byte: m.base + op });
}
export function push(m: Machine, value: PickleValue, op: number): void {
  if (m.stack.length >= MAX_STACK) failPickle(m, m.base + op, `the stack holds ${MAX_STACK} values`, 'WEIGHTS_LIMIT');
  m.stack.push(value);
}
export function pop(m: Machine, op: number): PickleValue {
  if (m.stack.length <= (m.marks.at(-1) ?? 0)) failPickle(m, m.base + op, 'the stack is empty');
  return m.stack.pop()!;
}
export function top(m: Machine, op: number): PickleValue {
  if (m.stack.length <= (m.marks.at(-1) ?? 0)) failPickle(m, m.base + op, 'the stack is empty');
  return m.stack.at(-1)!;
}
export function popMark(m: Machine, op: number): PickleValue[] {
  const mark = m.marks.pop();
  if (mark === undefined) failPickle(m, m.base + op, 'there is no mark on the stack');
  return m.stack.splice(mark);
}

export function remember(m: Machine, index: number, op: number): void {
  const value = top(m, op);
  // CPython makes room for all entries up to the index: gigabytes for four bytes.
  if (index > m.size) odd(m, 'memo-index', op);
  spend(m, 16, op);
  if (index > m.memoSize) {
    m.sparseMemo.set(index, value);
    return;
  }
  const page = Math.floor(index / MEMO_PAGE);
  if (index === m.memoSize) {
    m.sparseMemo.delete(index);
    m.memoSize++;
    if (page === m.memo.length) m.memo.push([]);
  }
  m.memo[page]![index % MEMO_PAGE] = value;
}
export function recall(m: Machine, index: number, op: number): void {
  const value = index < m.memoSize ? m.memo[Math.floor(index / MEMO_PAGE)]![index % MEMO_PAGE] : m.sparseMemo.get(index);
  if (value === undefined) failPickle(m, m.base + op, `the memo has no entry ${index}`);
  push(m, value, op);
}
export function memoIndex(m: Machine, line: Uint8Array, op: number): number {
  // `PyLong_FromString`, base 10: a sign, leading zeros and underscores between digits are fine.
  const text = decodeLatin1(line.subarray(0, MAX_KEY)).trim();
  const digits = /^\+?0*(\d+(?:_\d+)*)$/
    .exec(text)?.[1]
    ?.replaceAll('_', '')
    .replace(/^0+(?=\d)/, '');
  if (digits === undefined || digits.length > 15) failPickle(m, m.base + op, 'a memo key is not a number');
  return Number(digits);
}

export function importName(
  m: Machine,
  module: string,
  name: string,
  opcode: PickleGlobal['opcode'],
  op: number,
  resolved = true,
): PickleGlobal {
  const key = `${resolved ? '' : '?'}${module}\n${name}`;
  const known = m.globals.get(key);
  if (known) return known;
  if (m.globals.size >= MAX_GLOBALS) failPickle(m, m.base + op, `the pickle imports more than ${MAX_GLOBALS} names`, 'WEIGHTS_LIMIT');
  spend(m, 160 + module.length + name.length, op);
  const made: PickleGlobal = { kind: 'global', module, name, byte: m.base + op, resolved, opcode, called: false };
  m.globals.set(key, made);
  return made;
}
export function stackGlobal(m: Machine, op: number): void {
  const name = pop(m, op);
  const module = pop(m, op);
  const known = typeof name === 'string' && typeof module === 'string';
  push(m, importName(m, known ? module : describe(module), known ? name : describe(name), 'STACK_GLOBAL', op, known), op);
}
function describe(value: PickleValue): string {
  if (typeof value === 'string') return value.slice(0, 200);
  return isObject(value) ? `<${value.kind}>` : `<${value === null ? 'None' : typeof value}>`;
}

export function call(m: Machine, how: PickleCall['how'], callee: PickleValue, args: PickleValue, kwargs: PickleValue, op: number): void {
  spend(m, 120, op);
  let called: PickleValue = callee;
  // Old torch wraps classes with their source text: ('module', class, file, source).
  if (isObject(called) && called.kind === 'persistent' && isObject(called.id) && called.id.kind === 'tuple')
    called = called.id.items[1] ?? null;
  if (isObject(called) && called.kind === 'global') {
    called.called = true;
    called.arguments ??= args;
  } else if (isObject(called) && called.kind === 'call') odd(m, 'call-on-result', op);
  else if (!isObject(called) || called.kind !== 'persistent') odd(m, 'call-on-data', op);
  m.observe?.({ op: 'call', how, target: called, argument: args, kwargs, byte: m.base + op });
  push(m, { kind: 'call', how, callee, args, kwargs, byte: m.base + op }, op);
}

export function append(m: Machine, items: PickleValue[], add: 'append' | 'additem', op: number): void {
  const target = top(m, op);
  if (add === 'additem' && items.some(isUnhashable)) odd(m, 'unhashable-item', op);
  if (isObject(target) && (target.kind === 'list' || target.kind === 'set')) fill(m, target, target.items, items, 1, op);
  else if (isObject(target) && target.kind === 'call') {
    fill(m, target, (target.items ??= []), items, 1, op);
    m.observe?.({ op: add, target, argument: items.length, byte: m.base + op });
  } else odd(m, isImport(target) ? 'item-on-import' : 'item-on-object', op);
}
/** Python refuses these as keys and as members of sets. */
function isUnhashable(value: PickleValue): boolean {
  return isObject(value) && (value.kind === 'list' || value.kind === 'dict' || value.kind === 'set');
}
function isImport(value: PickleValue): boolean {
  return isObject(value) && value.kind === 'global';
}
export function setItems(m: Machine, items: PickleValue[], op: number): void {
  const target = top(m, op);
  if (items.length % 2 !== 0) failPickle(m, m.base + op, 'SETITEMS has a key without a value');
  if (items.some((item, i) => i % 2 === 0 && isUnhashable(item))) odd(m, 'unhashable-item', op);
  if (isObject(target) && target.kind === 'dict') fill(m, target, target.entries, items, 2, op);
  else if (isObject(target) && target.kind === 'call') {
    fill(m, target, (target.entries ??= []), items, 2, op);
    m.observe?.({ op: 'setitem', target, argument: items.length / 2, byte: m.base + op });
  } else odd(m, isImport(target) ? 'item-on-import' : 'item-on-object', op);
}

/** Puts values into a container, in groups of `width`; groups without an object only while there are few. */
function fill(
  m: Machine,
  target: { dropped?: number },
  into: PickleValue[],
  items: readonly PickleValue[],
  width: 1 | 2,
  op: number,
): void {
  if (into.length === 0) spend(m, GROWING_BYTES, op);
  let kept = 0;
  for (let i = 0; i < items.length; i += width) {
    const key = items[i]!;
    const value = items[i + width - 1]!;
    if (isObject(key) || isObject(value) || m.plain < MAX_PLAIN) {
      if (!isObject(key) && !isObject(value)) m.plain++;
      into.push(key);
      if (width === 2) into.push(value);
      kept += width;
      continue;
    }
    target.dropped = (target.dropped ?? 0) + width;
    if (typeof key === 'string') m.onText?.(key);
    if (width === 2 && typeof value === 'string') m.onText?.(value);
  }
  // Arrays grow by half: the old half and the new whole stand side by side for a moment.
  spend(m, 12 * kept, op);
}
export function build(m: Machine, op: number): void {
  const state = pop(m, op);
  const target = top(m, op);
  if (isObject(target) && target.kind === 'call') {
    target.state = state;
    if (m.watchBuilds) m.built = target;
  } else odd(m, isImport(target) ? 'build-on-import' : 'build-on-data', op);
  m.observe?.({ op: 'build', target, argument: state, byte: m.base + op });
}
