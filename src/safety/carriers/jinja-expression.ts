/**
 * Expressions of Jinja: a parser by precedence, after the grammar in the Jinja 3.1 documentation ("Expressions").
 * @module
 */
import { JinjaError, type Token } from './jinja-lexer.ts';
import { treeDepth } from './jinja-tree.ts';
import type { Arguments, Expr } from './jinja-types.ts';

/** Brackets in brackets, signs before signs; people write fewer than ten. (CWE-674) */
const MAX_DEPTH = 100;
/** Links of chains count too: `a ~ b ~ …` of as many parts is walked as deep. (CWE-674) */
const MAX_TREE_DEPTH = 250;

export interface Tokens {
  readonly all: readonly Token[];
  next: number;
  depth: number;
}

export function peek(t: Tokens): Token {
  return t.all[t.next] ?? { kind: 'end', text: '', at: t.all.at(-1)?.at ?? 0 };
}
export function isOperator(t: Tokens, ...texts: string[]): boolean {
  const token = peek(t);
  return token.kind === 'operator' && texts.includes(token.text);
}
export function isName(t: Tokens, ...texts: string[]): boolean {
  const token = peek(t);
  return token.kind === 'name' && texts.includes(token.text);
}
export function accept(t: Tokens, text: string): boolean {
  if (!isOperator(t, text) && !isName(t, text)) return false;
  t.next++;
  return true;
}
export function expect(t: Tokens, text: string): void {
  if (!accept(t, text)) throw new JinjaError(`"${text}" is missing`, peek(t).at);
}
export function takeName(t: Tokens): string {
  const token = peek(t);
  if (token.kind !== 'name') throw new JinjaError('a name is missing', token.at);
  t.next++;
  return token.text;
}

/** `conditional` false: an `if` behind the expression belongs to the statement. */
export function parseExpression(t: Tokens, conditional = true): Expr {
  if (++t.depth > MAX_DEPTH) throw new JinjaError(`expressions nest deeper than ${MAX_DEPTH}`, peek(t).at);
  let left = parseOr(t);
  while (conditional && isName(t, 'if')) {
    const { at } = peek(t);
    t.next++;
    const test = parseOr(t);
    const otherwise = accept(t, 'else') ? parseExpression(t) : null;
    left = { kind: 'condition', at, test, value: left, otherwise };
  }
  if (--t.depth === 0 && treeDepth(left) > MAX_TREE_DEPTH)
    throw new JinjaError(`an expression of over ${MAX_TREE_DEPTH} parts in a row`, left.at);
  return left;
}

/** Expressions with commas between them are a tuple. */
export function parseTuple(t: Tokens, conditional = true): Expr {
  const { at } = peek(t);
  const first = parseExpression(t, conditional);
  if (!isOperator(t, ',')) return first;
  const items = [first];
  while (accept(t, ',')) {
    if (peek(t).kind === 'end' || isOperator(t, ')', '=', ']') || isName(t, 'in')) break;
    items.push(parseExpression(t, conditional));
  }
  return { kind: 'list', at, items };
}

type Level = (t: Tokens) => Expr;

function leftToRight(t: Tokens, inner: Level, ...operators: string[]): Expr {
  let left = inner(t);
  while (isOperator(t, ...operators) || (operators[0] === 'or' && isName(t, 'or')) || (operators[0] === 'and' && isName(t, 'and'))) {
    const { text, at } = peek(t);
    t.next++;
    left = { kind: 'binary', at, op: text, left, right: inner(t) };
  }
  return left;
}

const parseOr: Level = (t) => leftToRight(t, parseAnd, 'or');
const parseAnd: Level = (t) => leftToRight(t, parseNot, 'and');

function parseNot(t: Tokens): Expr {
  const { at } = peek(t);
  if (!isName(t, 'not')) return parseCompare(t);
  if (++t.depth > MAX_DEPTH) throw new JinjaError(`expressions nest deeper than ${MAX_DEPTH}`, at);
  t.next++;
  const of = parseNot(t);
  t.depth--;
  return { kind: 'unary', at, op: 'not', of };
}

function parseCompare(t: Tokens): Expr {
  let left = parseSum(t);
  for (;;) {
    const { text, at } = peek(t);
    const notIn = isName(t, 'not') && t.all[t.next + 1]?.text === 'in';
    if (!isOperator(t, '==', '!=', '<', '>', '<=', '>=') && !isName(t, 'in') && !notIn) return left;
    t.next += notIn ? 2 : 1;
    left = { kind: 'binary', at, op: notIn ? 'not in' : text, left, right: parseSum(t) };
  }
}

const parseSum: Level = (t) => leftToRight(t, parseJoined, '+', '-');
const parseJoined: Level = (t) => leftToRight(t, parseProduct, '~');
const parseProduct: Level = (t) => leftToRight(t, (inner) => parseUnary(inner), '*', '/', '//', '%');

/** Filters bind looser than signs (`-x|abs` is `(-x)|abs`), powers tighter. */
function parseUnary(t: Tokens, filters = true): Expr {
  const { at, text } = peek(t);
  if (++t.depth > MAX_DEPTH) throw new JinjaError(`expressions nest deeper than ${MAX_DEPTH}`, at);
  let out: Expr;
  if (isOperator(t, '-', '+')) {
    t.next++;
    out = { kind: 'unary', at, op: text, of: parseUnary(t, false) };
  } else out = parsePrimary(t);
  out = parsePostfix(t, out);
  if (filters) out = parseFilters(t, out);
  while (isOperator(t, '**')) {
    t.next++;
    out = { kind: 'binary', at, op: '**', left: out, right: parseUnary(t) };
  }
  t.depth--;
  return out;
}

const CONSTANTS: Readonly<Record<string, boolean | null>> = { true: true, True: true, false: false, False: false, none: null, None: null };

function parsePrimary(t: Tokens): Expr {
  const { kind, text, at } = peek(t);
  t.next++;
  if (kind === 'name')
    return Object.hasOwn(CONSTANTS, text) ? { kind: 'const', at, value: CONSTANTS[text]! } : { kind: 'name', at, name: text };
  if (kind === 'number') return { kind: 'const', at, value: Number(text.replaceAll('_', '')) };
  if (kind === 'string') {
    // Texts that stand side by side are one.
    let value = text;
    while (peek(t).kind === 'string') value += t.all[t.next++]!.text;
    return { kind: 'const', at, value };
  }
  if (kind === 'operator' && text === '(') {
    if (accept(t, ')')) return { kind: 'list', at, items: [] };
    const inner = parseTuple(t);
    expect(t, ')');
    return inner;
  }
  if (kind === 'operator' && text === '[') return { kind: 'list', at, items: parseItems(t, ']', (inner) => parseExpression(inner)) };
  if (kind === 'operator' && text === '{')
    return {
      kind: 'dict',
      at,
      pairs: parseItems(t, '}', (inner) => {
        const key = parseExpression(inner);
        expect(inner, ':');
        return [key, parseExpression(inner)] as const;
      }),
    };
  throw new JinjaError(kind === 'end' ? 'an expression is missing' : `an expression cannot begin with "${text}"`, at);
}

function parseItems<T>(t: Tokens, closing: string, item: (t: Tokens) => T): T[] {
  const out: T[] = [];
  while (!accept(t, closing)) {
    if (out.length > 0) {
      expect(t, ',');
      if (accept(t, closing)) break;
    }
    out.push(item(t));
  }
  return out;
}

function parsePostfix(t: Tokens, start: Expr): Expr {
  let of = start;
  for (;;) {
    const { at } = peek(t);
    if (accept(t, '.')) {
      const token = peek(t);
      if (token.kind === 'number') {
        t.next++;
        of = { kind: 'item', at, of, key: { kind: 'const', at: token.at, value: Number(token.text) } };
      } else of = { kind: 'attribute', at, of, name: takeName(t) };
    } else if (accept(t, '[')) of = { kind: 'item', at, of, key: parseSubscript(t) };
    else if (isOperator(t, '(')) of = { kind: 'call', at, of, ...parseArguments(t) };
    else return of;
  }
}

function parseSubscript(t: Tokens): Expr {
  const parts: Expr[] = [];
  const { at } = peek(t);
  do parts.push(parseSlice(t));
  while (accept(t, ',') && !isOperator(t, ']'));
  expect(t, ']');
  return parts.length === 1 ? parts[0]! : { kind: 'list', at, items: parts };
}

function parseSlice(t: Tokens): Expr {
  const { at } = peek(t);
  const bound = (): Expr | null => (isOperator(t, ':', ']', ',') ? null : parseExpression(t));
  const from = bound();
  if (!accept(t, ':')) {
    if (!from) throw new JinjaError('a subscript is missing', at);
    return from;
  }
  const to = bound();
  return { kind: 'slice', at, from, to, step: accept(t, ':') ? bound() : null };
}

/** `(a, *b, c=d, **e)`; starred ones are kept as plain ones. */
export function parseArguments(t: Tokens): Arguments {
  expect(t, '(');
  const args: Expr[] = [];
  const named: [string, Expr][] = [];
  while (!accept(t, ')')) {
    if (args.length + named.length > 0) {
      expect(t, ',');
      if (accept(t, ')')) break;
    }
    const next = t.all[t.next + 1];
    if (peek(t).kind === 'name' && next?.kind === 'operator' && next.text === '=') {
      const name = takeName(t);
      t.next++;
      named.push([name, parseExpression(t)]);
    } else {
      if (!accept(t, '**')) accept(t, '*');
      args.push(parseExpression(t));
    }
  }
  return { args, named };
}

function dotted(t: Tokens): string {
  let name = takeName(t);
  while (accept(t, '.')) name += `.${takeName(t)}`;
  return name;
}

/** `|name(args)` and `is name args`, and what may follow them. */
export function parseFilters(t: Tokens, start: Expr): Expr {
  let of = start;
  for (;;) {
    const { at } = peek(t);
    if (accept(t, '|'))
      of = { kind: 'filter', at, of, name: dotted(t), ...(isOperator(t, '(') ? parseArguments(t) : { args: [], named: [] }) };
    else if (accept(t, 'is')) of = parseTest(t, of, at);
    else if (isOperator(t, '(')) of = { kind: 'call', at, of, ...parseArguments(t) };
    else return of;
  }
}

function parseTest(t: Tokens, of: Expr, at: number): Expr {
  const negated = accept(t, 'not');
  const name = dotted(t);
  let given: Arguments = { args: [], named: [] };
  if (isOperator(t, '(')) given = parseArguments(t);
  else {
    const { kind, text } = peek(t);
    const starts = kind === 'string' || kind === 'number' || (kind === 'operator' && '[{'.includes(text));
    if (starts || (kind === 'name' && !['else', 'or', 'and', 'is', 'if', 'not', 'in', 'recursive'].includes(text)))
      given = { args: [parsePostfix(t, parsePrimary(t))], named: [] };
  }
  const test: Expr = { kind: 'test', at, of, name, ...given };
  return negated ? { kind: 'unary', at, op: 'not', of: test } : test;
}

/** The filters of `{% filter a|b %}` and of a `set` block. */
export function parseFilterChain(t: Tokens): Expr {
  const { at } = peek(t);
  const first: Expr = {
    kind: 'filter',
    at,
    of: null,
    name: dotted(t),
    ...(isOperator(t, '(') ? parseArguments(t) : { args: [], named: [] }),
  };
  return parseFilters(t, first);
}
