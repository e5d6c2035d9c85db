/**
 * A Jinja template as a tree of statements, after the Jinja 3.1 documentation ("List of Control Structures").
 * Tags of extensions are read as expressions, and as blocks when their `end` tag follows.
 * @module
 */
import {
  accept,
  expect,
  isName,
  isOperator,
  parseExpression,
  parseFilterChain,
  parseTuple,
  peek,
  takeName,
  type Tokens,
} from './jinja-expression.ts';
import { JinjaError, type Token, tokenize } from './jinja-lexer.ts';
import type { Expr, Statement } from './jinja-types.ts';

/** Blocks in blocks; the deepest published template has a dozen. (CWE-674) */
const MAX_BLOCKS = 100;

interface Parser extends Tokens {
  blocks: number;
  /** Names of all tags that begin with `end`. */
  readonly ends: ReadonlySet<string>;
}

/** @throws JinjaError naming the place. */
export function parseTemplate(template: string): Statement[] {
  const all = tokenize(template);
  const p: Parser = { all, next: 0, depth: 0, blocks: 0, ends: endTags(all) };
  const { body, tag, at } = parseBody(p, []);
  if (tag) throw new JinjaError(`"${tag}" closes nothing`, at);
  return body;
}

function endTags(all: readonly Token[]): Set<string> {
  const out = new Set<string>();
  for (const [i, token] of all.entries()) {
    const name = all[i + 1];
    if (token.kind === 'block' && name?.kind === 'name' && name.text.startsWith('end')) out.add(name.text);
  }
  return out;
}

interface Body {
  readonly body: Statement[];
  /** The tag that ended it, already taken; empty at the end of the template. */
  readonly tag: string;
  readonly at: number;
}

function parseBody(p: Parser, until: readonly string[]): Body {
  if (++p.blocks > MAX_BLOCKS) throw new JinjaError(`blocks nest deeper than ${MAX_BLOCKS}`, peek(p).at);
  const body: Statement[] = [];
  while (p.next < p.all.length) {
    const { kind, text, at } = peek(p);
    p.next++;
    if (kind === 'text') body.push({ kind: 'text', at, text });
    else if (kind === 'print') {
      body.push({ kind: 'print', at, value: parseTuple(p) });
      end(p);
    } else if (kind === 'block') {
      const tag = takeName(p);
      if (until.includes(tag) || tag.startsWith('end') || tag === 'else' || tag === 'elif') {
        p.blocks--;
        if (!until.includes(tag)) throw new JinjaError(`"${tag}" closes nothing`, at);
        return { body, tag, at };
      }
      body.push(...parseStatement(p, tag, at));
    } else throw new JinjaError('a delimiter is missing', at);
  }
  p.blocks--;
  if (until.length > 0) throw new JinjaError(`"${until.at(-1)!}" is missing`, p.all.at(-1)?.at ?? 0);
  return { body, tag: '', at: 0 };
}

function end(p: Parser): void {
  if (peek(p).kind !== 'end') throw new JinjaError(`"${peek(p).text}" stands where the code should end`, peek(p).at);
  p.next++;
}

/** What stands behind an end tag's name does not matter (`endblock title`). */
function bodyUntil(p: Parser, tag: string): Statement[] {
  end(p);
  const { body } = parseBody(p, [tag]);
  while (peek(p).kind === 'name') p.next++;
  end(p);
  return body;
}

function parseStatement(p: Parser, tag: string, at: number): Statement[] {
  switch (tag) {
    case 'if':
      return [parseIf(p, at)];
    case 'for':
      return [parseFor(p, at)];
    case 'set':
      return [parseSet(p, at)];
    case 'macro': {
      const name = takeName(p);
      const parameters = parseParameters(p);
      return [{ kind: 'macro', at, name, parameters, body: bodyUntil(p, 'endmacro') }];
    }
    case 'call': {
      const parameters = isOperator(p, '(') ? parseParameters(p) : [];
      const value = parseExpression(p);
      const defaults = parameters.flatMap(([, inner]) => (inner ? [inner] : []));
      return [{ kind: 'scope', at, tag, target: null, values: [value, ...defaults], body: bodyUntil(p, 'endcall') }];
    }
    case 'filter':
      return [{ kind: 'scope', at, tag, target: null, values: [parseFilterChain(p)], body: bodyUntil(p, 'endfilter') }];
    case 'with':
      return [parseWith(p, at)];
    case 'include':
    case 'import':
    case 'from':
    case 'extends':
      return [parseReference(p, tag, at)];
    case 'do':
    case 'print': {
      const value = parseTuple(p);
      end(p);
      return [{ kind: 'print', at, value }];
    }
    default:
      return [parseOther(p, tag, at)];
  }
}

function parseIf(p: Parser, at: number): Statement {
  const branches: { test: Expr | null; body: Statement[] }[] = [];
  let test: Expr | null = parseTuple(p);
  for (;;) {
    end(p);
    const { body, tag } = parseBody(p, ['elif', 'else', 'endif']);
    branches.push({ test, body });
    if (tag === 'endif') break;
    test = tag === 'elif' ? parseTuple(p) : null;
  }
  end(p);
  return { kind: 'if', at, branches };
}

function parseFor(p: Parser, at: number): Statement {
  const target = parseTargets(p);
  expect(p, 'in');
  const over = parseTuple(p, false);
  const test = accept(p, 'if') ? parseExpression(p) : null;
  accept(p, 'recursive');
  end(p);
  const { body, tag } = parseBody(p, ['else', 'endfor']);
  let otherwise: Statement[] = [];
  if (tag === 'else') {
    end(p);
    otherwise = parseBody(p, ['endfor']).body;
  }
  end(p);
  return { kind: 'for', at, target, over, test, body, otherwise };
}

/** Names, `namespace.name`, and tuples of them. */
function parseTargets(p: Parser): Expr {
  const { at } = peek(p);
  const items: Expr[] = [];
  const bracket = accept(p, '(');
  do {
    if (isOperator(p, '(')) items.push(parseTargets(p));
    else {
      const place = peek(p).at;
      let one: Expr = { kind: 'name', at: place, name: takeName(p) };
      while (accept(p, '.')) one = { kind: 'attribute', at: place, of: one, name: takeName(p) };
      items.push(one);
    }
  } while (accept(p, ',') && peek(p).kind === 'name' && !isName(p, 'in'));
  if (bracket) expect(p, ')');
  return items.length === 1 ? items[0]! : { kind: 'list', at, items };
}

function parseSet(p: Parser, at: number): Statement {
  const target = parseTargets(p);
  if (accept(p, '=')) {
    const value = parseTuple(p);
    end(p);
    return { kind: 'set', at, target, value };
  }
  const values = accept(p, '|') ? [parseFilterChain(p)] : [];
  return { kind: 'scope', at, tag: 'set', target, values, body: bodyUntil(p, 'endset') };
}

function parseParameters(p: Parser): [string, Expr | null][] {
  const out: [string, Expr | null][] = [];
  expect(p, '(');
  while (!accept(p, ')')) {
    if (out.length > 0) {
      expect(p, ',');
      if (accept(p, ')')) break;
    }
    const name = takeName(p);
    out.push([name, accept(p, '=') ? parseExpression(p) : null]);
  }
  return out;
}

function parseWith(p: Parser, at: number): Statement {
  const sets: Statement[] = [];
  while (peek(p).kind !== 'end') {
    if (sets.length > 0) expect(p, ',');
    const place = peek(p).at;
    const target = parseTargets(p);
    expect(p, '=');
    sets.push({ kind: 'set', at: place, target, value: parseExpression(p) });
  }
  return { kind: 'scope', at, tag: 'with', target: null, values: [], body: [...sets, ...bodyUntil(p, 'endwith')] };
}

function parseReference(p: Parser, tag: string, at: number): Statement {
  const target = parseExpression(p);
  const names: string[] = [];
  while (peek(p).kind !== 'end') {
    const { kind, text } = peek(p);
    if (kind === 'name' && !/^(as|import|with|without|context|ignore|missing)$/.test(text)) names.push(text);
    p.next++;
  }
  end(p);
  return { kind: 'reference', at, tag, target, names };
}

/** `block`, `autoescape`, `generation`, `trans`, `break`, `continue`, `debug` and whatever else extensions add. */
function parseOther(p: Parser, tag: string, at: number): Statement {
  const values: Expr[] = [];
  while (peek(p).kind !== 'end') {
    if (values.length > 0) accept(p, ',');
    values.push(parseExpression(p));
    if (accept(p, '=')) values.push(parseExpression(p));
  }
  if (!p.ends.has(`end${tag}`)) {
    end(p);
    return { kind: 'scope', at, tag, target: null, values, body: [] };
  }
  return { kind: 'scope', at, tag, target: null, values, body: bodyUntil(p, `end${tag}`) };
}
