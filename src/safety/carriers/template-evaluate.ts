/**
 * The values an expression of a template may have, and where it reaches on the way: attributes by whatever spelling, names outside
 * of what the template is given, sizes without measure.
 * @module
 */
import type { Arguments, Expr } from './jinja-types.ts';
import {
  binaryValue,
  changedValue,
  filterValue,
  formatText,
  GAP,
  itemOf,
  itemsOf,
  methodValue,
  sliceValue,
  textOf,
  UNKNOWN,
  type Value,
} from './jinja-values.ts';
import { copies, keyOf, largeProduct, wideField, wideText } from './template-exhausts.ts';
import { isBuiltinCall, isCallable, isCalledDanger, isEvaluator, isInternal, isPythonRoot, isSurrounding } from './template-names.ts';

/** Expressions looked at; the longest published template has about 5,000. (CWE-400) */
export const MAX_STEPS = 300_000;
/** Values one name or expression may have. Beyond, it is unknown. */
const MAX_ALTERNATIVES = 24;
/** Jinja's sandbox ends here as well (jinja2.sandbox, MAX_RANGE). */
const MAX_RANGE = 100_000;

export type Reach = 'internal' | 'computed' | 'outside' | 'surroundings' | 'attribute-filter' | 'reference' | 'exhausts' | 'unfinished';
export interface Reached {
  readonly kind: Reach;
  readonly at: number;
  readonly what: string;
}

export const NOTHING: readonly Value[] = [UNKNOWN];

export interface Walk {
  readonly found: Map<string, Reached>;
  readonly values: Map<string, Value[]>;
  readonly assigned: Set<string>;
  readonly macros: Map<string, readonly string[]>;
  steps: number;
  /** Rounds of all loops around, as far as known. */
  rounds: number;
  /** Loops around. */
  loops: number;
}

export function note(w: Walk, kind: Reach, at: number, what: string): void {
  if (w.found.size < 50) w.found.set(`${kind}@${at}:${what}`, { kind, at, what: what.replaceAll(GAP, '…').slice(0, 120) });
}

function exhausts(w: Walk, at: number, what: string | null): void {
  if (what !== null) note(w, 'exhausts', at, what);
}

/** Values are added, never taken away: which branch runs is not known. */
export function assign(w: Walk, target: Expr, values: readonly Value[]): void {
  if (target.kind === 'list') {
    for (const [i, item] of target.items.entries())
      assign(
        w,
        item,
        values.map((value) => itemOf(value, i)),
      );
    return;
  }
  const key = keyOf(target);
  if (!key) return;
  const known = w.values.get(key) ?? [];
  for (const value of values) if (!known.includes(value)) known.push(value);
  // The newest matter most: a text grows from round to round.
  w.values.set(key, known.slice(-MAX_ALTERNATIVES));
}

/** A text that is put together from itself twice, round after round, fills any memory. (CWE-776) */
export function checkDoubling(w: Walk, at: number, target: Expr, value: Expr | undefined): void {
  const key = keyOf(target);
  if (key && value && w.loops > 0 && copies(value, key) > 1) note(w, 'exhausts', at, `"${key}" doubles in every round of a loop`);
}

function product(w: Walk, left: readonly Value[], right: readonly Value[], join: (a: Value, b: Value) => Value): Value[] {
  const out = new Set<Value>();
  let joins = 0;
  for (const a of left)
    for (const b of right) {
      const value = join(a, b);
      if ((++joins & 3) === 0) w.steps++;
      // Long texts and lists cost as much as many expressions.
      for (const part of [a, value]) if (typeof part === 'string' || Array.isArray(part)) w.steps += part.length >> 6;
      out.add(value);
      if (out.size >= MAX_ALTERNATIVES || w.steps > MAX_STEPS) return [...out];
    }
  return [...out];
}

/** The values an expression may have; everything in it is judged on the way. */
export function evaluate(w: Walk, e: Expr): readonly Value[] {
  if (++w.steps > MAX_STEPS) return [UNKNOWN];
  switch (e.kind) {
    case 'const':
      return [e.value];
    case 'name':
      return nameValue(w, e.name, e.at);
    case 'list':
      return [e.items.map((item) => newest(evaluate(w, item)))];
    case 'dict':
      return [new Map(e.pairs.map(([key, value]) => [textOf(newest(evaluate(w, key))), newest(evaluate(w, value))]))];
    case 'attribute':
      return attribute(w, e);
    case 'item':
      return item(w, e);
    case 'slice':
      for (const part of [e.from, e.to, e.step]) if (part) evaluate(w, part);
      return [UNKNOWN];
    case 'call':
      return call(w, e);
    case 'filter':
      return filter(w, e);
    case 'test':
      evaluate(w, e.of);
      given(w, e);
      return [UNKNOWN];
    case 'unary': {
      const of = evaluate(w, e.of);
      return of.map((value) => (typeof value === 'number' && e.op !== 'not' ? (e.op === '-' ? -value : value) : UNKNOWN));
    }
    case 'condition': {
      evaluate(w, e.test);
      return [...evaluate(w, e.value), ...(e.otherwise ? evaluate(w, e.otherwise) : [])].slice(0, MAX_ALTERNATIVES);
    }
    case 'binary': {
      const left = evaluate(w, e.left);
      const right = evaluate(w, e.right);
      if (e.op === '*' || e.op === '**') exhausts(w, e.at, largeProduct(e.op, newest(left), newest(right)));
      if (e.op === '%') for (const text of left) exhausts(w, e.at, wideField(text));
      return product(w, left, right, (a, b) => binaryValue(e.op, a, b));
    }
  }
}

function newest(values: readonly Value[]): Value {
  return values.at(-1) ?? UNKNOWN;
}

function nameValue(w: Walk, name: string, at: number): readonly Value[] {
  if (/^__\w+__$/.test(name)) note(w, 'internal', at, name);
  else if (!w.assigned.has(name)) {
    if (isSurrounding(name) && !isCallable(name)) note(w, 'surroundings', at, name);
    else if (isEvaluator(name)) note(w, 'outside', at, name);
  }
  return w.values.get(name) ?? NOTHING;
}

/** Whether an expression is a name that the template was not given and did not make. */
function freeName(w: Walk, e: Expr): string | null {
  return e.kind === 'name' && !w.assigned.has(e.name) ? e.name : null;
}

function judgeKey(w: Walk, name: string, at: number): boolean {
  if (!isInternal(name)) return false;
  note(w, 'internal', at, name);
  return true;
}

function judgeRoot(w: Walk, of: Expr, at: number, key: string): void {
  const root = freeName(w, of);
  // Blocks of a template are its own; whatever else `self` has is judged by its name.
  if (root === null || root === 'self') return;
  if (isPythonRoot(root)) note(w, 'outside', at, `${root}.${key}`);
  else if (isSurrounding(root)) note(w, 'outside', at, `${root}.${key}`);
}

function attribute(w: Walk, e: Extract<Expr, { kind: 'attribute' }>): readonly Value[] {
  judgeKey(w, e.name, e.at);
  judgeRoot(w, e.of, e.at, e.name);
  const of = evaluate(w, e.of);
  // The method may be kept and called elsewhere.
  if (e.name === 'format' || e.name === 'format_map') for (const text of of) formatted(w, e.at, text, [], new Map());
  const own = e.of.kind === 'name' ? w.values.get(`${e.of.name}.${e.name}`) : undefined;
  if (own) return own;
  return of.map((value) => (value instanceof Map ? itemOf(value, e.name) : UNKNOWN));
}

function item(w: Walk, e: Extract<Expr, { kind: 'item' }>): readonly Value[] {
  const of = evaluate(w, e.of);
  if (e.key.kind === 'slice') {
    const [from, to, step] = [e.key.from, e.key.to, e.key.step].map((part) => (part ? newest(evaluate(w, part)) : null));
    for (const value of of) if (typeof value === 'string' || Array.isArray(value)) w.steps += value.length >> 4;
    return w.steps > MAX_STEPS ? NOTHING : of.map((value) => sliceValue(value, from!, to!, step!));
  }
  const keys = evaluate(w, e.key);
  for (const key of keys) {
    if (typeof key === 'string') judgeKey(w, key, e.at);
    judgeRoot(w, e.of, e.at, textOf(key));
    // No text, tuple or number has items by a name that is worked out.
    if ((key === UNKNOWN || (typeof key === 'string' && key.includes(GAP))) && e.of.kind === 'const' && e.key.kind !== 'name')
      note(w, 'computed', e.at, 'an item of a constant by a name that is put together');
  }
  return product(w, of, keys, itemOf);
}

function given(w: Walk, e: Arguments): { args: Value[]; all: (readonly Value[])[]; named: Map<string, Value> } {
  const all = e.args.map((arg) => evaluate(w, arg));
  return { all, args: all.map(newest), named: new Map(e.named.map(([name, value]) => [name, newest(evaluate(w, value))])) };
}

function call(w: Walk, e: Extract<Expr, { kind: 'call' }>): readonly Value[] {
  const { args, all, named } = given(w, e);
  const { of } = e;
  if (of.kind === 'attribute' || of.kind === 'item') {
    const name = of.kind === 'attribute' ? of.name : newest(evaluate(w, of.key));
    if (typeof name === 'string') {
      if (isCalledDanger(name)) note(w, 'outside', e.at, `${name}()`);
      exhausts(w, e.at, wideText(name, args));
      if (name === 'append') checkDoubling(w, e.at, of.of, e.args[0]);
      const bases = evaluate(w, of);
      const texts = evaluate(w, of.of);
      if (keyOf(of.of)) {
        const changed = texts.map((value) => changedValue(name, value, args, named)).filter((value) => value !== null);
        if (changed.length > 0) assign(w, of.of, changed);
      }
      if (name === 'format' || name === 'format_map') return texts.map((text) => formatted(w, e.at, text, args, named));
      const values = product(w, texts, all[0] ?? NOTHING, (text, first) =>
        methodValue(name, text, args.length > 0 ? [first, ...args.slice(1)] : [], named),
      );
      return values.some((value) => value !== UNKNOWN) ? values : bases.length > 0 ? [UNKNOWN] : [];
    }
    evaluate(w, of);
    return [UNKNOWN];
  }
  if (of.kind !== 'name') {
    evaluate(w, of);
    return [UNKNOWN];
  }
  const parameters = w.macros.get(of.name);
  if (parameters) {
    for (const [i, values] of all.entries()) if (parameters[i]) assign(w, { kind: 'name', at: e.at, name: parameters[i] }, values);
    for (const [name, value] of named) if (parameters.includes(name)) assign(w, { kind: 'name', at: e.at, name }, [value]);
    return [UNKNOWN];
  }
  const free = freeName(w, of);
  if (free !== null && (isBuiltinCall(free) || (isSurrounding(free) && !isCallable(free)))) note(w, 'outside', e.at, `${free}()`);
  else evaluate(w, of);
  if (of.name === 'range' && free && args.some((value) => typeof value === 'number' && Math.abs(value) > MAX_RANGE))
    note(w, 'exhausts', e.at, `range(${args.map(textOf).join(', ')})`);
  if (of.name === 'lipsum' && free && [...args, ...named.values()].some((value) => typeof value === 'number' && value > 1000))
    note(w, 'exhausts', e.at, 'lipsum() of over a thousand paragraphs');
  if (of.name === 'dict' || of.name === 'namespace') return [new Map([...named, ...(args[0] instanceof Map ? args[0] : [])])];
  return [UNKNOWN];
}

function formatted(w: Walk, at: number, text: Value, args: readonly Value[], named: ReadonlyMap<string, Value>): Value {
  if (typeof text !== 'string') return UNKNOWN;
  w.steps += text.length >> 4;
  if (w.steps > MAX_STEPS) return UNKNOWN;
  exhausts(w, at, wideField(text));
  const from = args[0] instanceof Map ? (args[0] as ReadonlyMap<string, Value>) : named;
  const { text: out, walks } = formatText(text, args, from);
  for (const walked of walks) for (const part of walked.split(/[.[\]]+/)) judgeKey(w, part, at);
  return out;
}

const BY_ATTRIBUTE = ['join', 'map', 'selectattr', 'rejectattr', 'groupby', 'sort', 'unique', 'sum', 'min', 'max'];

function filter(w: Walk, e: Extract<Expr, { kind: 'filter' }>): readonly Value[] {
  const { args, all, named } = given(w, e);
  const of = e.of ? evaluate(w, e.of) : NOTHING;
  if (e.name === 'attr') judgeAttr(w, e.at, all[0] ?? [named.get('name') ?? UNKNOWN]);
  if (e.name === 'map' && args[0] === 'attr') judgeAttr(w, e.at, all[1] ?? NOTHING);
  else if (e.name === 'map' && args.length > 0 && typeof args[0] !== 'string')
    note(w, 'computed', e.at, 'map() by a name that is put together');
  if (e.name === 'map' && args[0] === 'format')
    for (const text of of) for (const one of itemsOf(text) ?? []) formatted(w, e.at, one, args, named);
  if (isEvaluator(e.name) || isCalledDanger(e.name) || e.name === 'import') note(w, 'outside', e.at, `|${e.name}`);
  if (BY_ATTRIBUTE.includes(e.name))
    for (const value of [...args, ...named.values()])
      if (typeof value === 'string') for (const part of value.split('.')) judgeKey(w, part, e.at);
  exhausts(w, e.at, wideText(e.name, args));
  if (e.name === 'format') for (const text of of) exhausts(w, e.at, wideField(text));
  return product(w, of, all[0] ?? NOTHING, (value, first) =>
    filterValue(e.name, value, args.length > 0 ? [first, ...args.slice(1)] : [], named),
  );
}

/** The `attr` filter: what it names, by whatever spelling. */
function judgeAttr(w: Walk, at: number, names: readonly Value[]): void {
  for (const name of names) {
    if (typeof name === 'string' && judgeKey(w, name, at)) continue;
    if (typeof name === 'string' && !name.includes(GAP)) {
      if (isCalledDanger(name)) note(w, 'outside', at, `|attr("${name}")`);
      else note(w, 'attribute-filter', at, `|attr("${name.slice(0, 40)}")`);
    } else note(w, 'computed', at, '|attr() of a name that is put together');
  }
}
