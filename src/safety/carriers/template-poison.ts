/**
 * Templates that change what is said: texts put in only when a conversation holds certain words or a date has come, hidden
 * instructions, addresses. (Pillar Security, "poisoned GGUF templates", 2025.) Nothing runs; the model is told what its user never said.
 * @module
 */
import { partsOf } from './jinja-tree.ts';
import type { Expr, Statement } from './jinja-types.ts';

export interface Poison {
  readonly kind: 'trigger' | 'order' | 'silence' | 'address' | 'unfinished';
  readonly at: number;
  readonly what: string;
}

interface Look {
  readonly out: Poison[];
  /** Names set from what was said, from the clock, and from a test for a word in either. */
  readonly said: Set<string>;
  readonly timed: Set<string>;
  readonly tested: Map<string, string>;
  /** Words that names stand for, and the parameters of macros. */
  readonly words: Map<string, string>;
  readonly macros: Map<string, readonly string[]>;
  /** Parts of expressions looked at. */
  steps: number;
}

/** An expression is looked at once for every one it stands in; the longest published template takes under 5,000 looks. (CWE-407) */
const MAX_STEPS = 500_000;

/** Words a branch must put in to count; a marker, a role or a heading has fewer. */
const MIN_WORDS = 4;
const ADDRESS = /\bhttps?:\/\/[^\s"'<>)\\]+/gi;
/** Orders that set aside what the user or the system said. */
const ORDER =
  /\b(ignore|disregard|forget|override)\b[^.\n]{0,30}\b(previous|prior|above|earlier|all)\b[^.\n]{0,20}\b(instruction|prompt|message|rule|guideline)s?\b/i;
/** Honest templates say so of tool calls ("do not tell the user"). */
const SILENCE =
  /\b(without|never|do not|don't)\b[^.\n]{0,20}\b(telling|informing|alerting|warning|tell|inform|alert|warn)\b[^.\n]{0,12}\buser\b/i;

export function findPoison(tree: readonly Statement[]): Poison[] {
  const look: Look = { out: [], said: new Set(), timed: new Set(), tested: new Map(), words: new Map(), macros: new Map(), steps: 0 };
  // Twice: a macro stands before the calls that say what it is given.
  visit(look, tree);
  look.out.length = 0;
  visit(look, tree);
  if (look.steps > MAX_STEPS) look.out.push({ kind: 'unfinished', at: 0, what: 'the template is too large to be searched to its end' });
  const text = textsOf(tree).join('\n');
  const order = ORDER.exec(text);
  if (order) look.out.push({ kind: 'order', at: 0, what: order[0] });
  const silence = SILENCE.exec(text);
  if (silence) look.out.push({ kind: 'silence', at: 0, what: silence[0] });
  const addresses = [...new Set(text.match(ADDRESS) ?? [])];
  if (addresses.length > 0) look.out.push({ kind: 'address', at: 0, what: addresses.slice(0, 5).join(', ') });
  return look.out;
}

function visit(look: Look, body: readonly Statement[]): void {
  for (const one of body) {
    if (one.kind === 'set') learn(look, one.target, one.value);
    else if (one.kind === 'for') {
      if (isSaid(look, one.over)) learn(look, one.target, one.over);
      const word = wordOf(look, one.over);
      if (word !== null && one.target.kind === 'name') look.words.set(one.target.name, word);
      visit(look, one.body);
      visit(look, one.otherwise);
    } else if (one.kind === 'if') {
      for (const { test, body: inner } of one.branches) {
        const trigger = test && triggerOf(look, test);
        if (trigger) emitted(look, one.at, trigger, textsOf(inner));
        visit(look, inner);
      }
    } else if (one.kind === 'print') conditions(look, one.value);
    else if (one.kind === 'macro') {
      look.macros.set(
        one.name,
        one.parameters.map(([name]) => name),
      );
      visit(look, one.body);
    } else if (one.kind === 'scope') visit(look, one.body);
    if (one.kind === 'set') conditions(look, one.value);
  }
}

function learn(look: Look, target: Expr, value: Expr): void {
  const name = target.kind === 'name' ? target.name : target.kind === 'attribute' ? target.name : null;
  if (name === null) return;
  if (isSaid(look, value)) look.said.add(name);
  if (isTimed(look, value)) look.timed.add(name);
  const word = wordOf(look, value);
  if (word !== null) look.words.set(name, word);
  const trigger = value.kind === 'condition' ? null : triggerOf(look, value);
  if (trigger) look.tested.set(name, trigger);
}

/** `'…' if 'word' in content else ''`, and other ways to put in a text or not; words of a message put in place of others. */
function conditions(look: Look, e: Expr): void {
  for (const part of within(look, e)) {
    if (part.kind === 'call') given(look, part);
    const [test, texts] = chosen(part);
    const trigger = test && triggerOf(look, test);
    if (trigger) emitted(look, part.at, trigger, texts);
    if (
      (part.kind === 'filter' && part.name === 'replace') ||
      (part.kind === 'call' && part.of.kind === 'attribute' && part.of.name === 'replace')
    )
      replaced(look, part);
  }
}

/** What an expression chooses by a test, without saying `if`. */
function chosen(part: Expr): [test: Expr | null, texts: readonly string[]] {
  if (part.kind === 'condition') return [part.test, constants(part.value)];
  if (part.kind === 'binary' && (part.op === 'and' || part.op === '*')) {
    const [test, value] = part.op === '*' && part.left.kind === 'const' ? [part.right, part.left] : [part.left, part.right];
    return [test, constants(value)];
  }
  if (part.kind === 'item' && (part.of.kind === 'dict' || part.of.kind === 'list'))
    return [part.key, (part.of.kind === 'dict' ? part.of.pairs.map(([, value]) => value) : part.of.items).flatMap(constants)];
  return [null, []];
}

/** Parameters of a macro that is given what was said. */
function given(look: Look, call: Extract<Expr, { kind: 'call' }>): void {
  const parameters = call.of.kind === 'name' ? look.macros.get(call.of.name) : undefined;
  if (!parameters) return;
  for (const [i, arg] of call.args.entries()) if (parameters[i] && isSaid(look, arg)) look.said.add(parameters[i]);
  for (const [name, arg] of call.named) if (isSaid(look, arg)) look.said.add(name);
}

/** A word of a message, and what is said instead. Single words are replaced in honest templates as well. */
function replaced(look: Look, part: Extract<Expr, { kind: 'filter' | 'call' }>): void {
  const of = part.kind === 'filter' ? part.of : part.of.kind === 'attribute' ? part.of.of : null;
  const [old, by] = part.args;
  const word = old ? wordOf(look, old) : null;
  if (word === null || !of || !by || !isSaid(look, of)) return;
  emitted(look, part.at, `the word ${JSON.stringify(word.slice(0, 60))} in a message`, constants(by));
}

/** The word of a language that an expression is, or the first of several. */
function wordOf(look: Look, e: Expr): string | null {
  if (e.kind === 'const') return typeof e.value === 'string' && isWord(e.value) ? e.value : null;
  if (e.kind === 'name') return look.words.get(e.name) ?? null;
  if (e.kind === 'list') return e.items.map((one) => wordOf(look, one)).find((one) => one !== null) ?? null;
  return null;
}

function emitted(look: Look, at: number, trigger: string, texts: readonly string[]): void {
  const text = texts.join(' ').replace(/<[^>]*>|[[{|][^\]}|]*[\]}|]/g, ' ');
  const words = text.match(/\p{L}{2,}/gu) ?? [];
  const address = ADDRESS.test(text);
  ADDRESS.lastIndex = 0;
  if (words.length < MIN_WORDS && !address) return;
  look.out.push({ kind: 'trigger', at, what: `${trigger} puts in ${JSON.stringify(text.trim().replace(/\s+/g, ' ').slice(0, 160))}` });
}

/** Methods and filters by which a text is searched. */
const SEARCHES =
  /^(startswith|endswith|find|count|index|rfind|rindex|split|rsplit|partition|rpartition|replace|search|match|contains|__contains__)$/;

/** What a test asks of the conversation's words or of the date, or null. */
function triggerOf(look: Look, test: Expr): string | null {
  const asks = (word: string): string => `the word ${JSON.stringify(word.slice(0, 60))} in a message`;
  for (const part of within(look, test)) {
    if (part.kind === 'name' && look.tested.has(part.name)) return look.tested.get(part.name)!;
    if (part.kind === 'binary' && ['in', '==', '<', '>', '<=', '>=', '!='].includes(part.op)) {
      const word = wordOf(look, part.left);
      if (word !== null && isSaid(look, part.right) && (part.op === 'in' || part.op === '==')) return asks(word);
      const [value, other] = part.left.kind === 'const' ? [part.left, part.right] : [part.right, part.left];
      if (value.kind !== 'const') continue;
      if (typeof value.value === 'string' && isWord(value.value) && isSaid(look, other) && (part.op === 'in' || part.op === '=='))
        return asks(value.value);
      if (isTimed(look, other) && isDate(value.value)) return `the date ${String(value.value).slice(0, 30)}`;
    }
    const [name, of, first] =
      part.kind === 'call' && part.of.kind === 'attribute'
        ? [part.of.name, part.of.of, part.args[0]]
        : part.kind === 'filter' || part.kind === 'test'
          ? [part.name, part.of, part.args[0]]
          : ['', null, undefined];
    if (!of || !first) continue;
    if (/^(select|reject)attr$/.test(name) && part.kind === 'filter') {
      const word = part.args[2] && isSaid(look, part) ? wordOf(look, part.args[2]) : null;
      if (word !== null) return asks(word);
    }
    if (!SEARCHES.test(name)) continue;
    const word = wordOf(look, first);
    if (word !== null && isSaid(look, of)) return asks(word);
    if (first.kind === 'const' && isTimed(look, of) && isDate(first.value)) return `the date ${String(first.value).slice(0, 30)}`;
  }
  return null;
}

/** Words of a language, not markers such as `</think>` or `/no_think`. */
function isWord(text: string): boolean {
  return /^\s*\p{L}[\p{L}\p{N} ,.'’?!-]*$/u.test(text) && (text.match(/\p{L}/gu)?.length ?? 0) >= 2;
}
function isDate(value: unknown): boolean {
  return typeof value === 'number' ? value >= 2000 : typeof value === 'string' && /\d{4}/.test(value);
}

const SAID = /^(content|text|query|prompt|user_?(message|input|query|prompt)|last_?(user_?)?(message|msg|query)|input|question)$/i;

/** Whether an expression holds words of the conversation. */
function isSaid(look: Look, e: Expr): boolean {
  if (e.kind === 'const' || e.kind === 'condition') return false;
  for (const part of within(look, e)) {
    if (part.kind === 'name' && (look.said.has(part.name) || SAID.test(part.name))) return true;
    if (part.kind === 'attribute' && (SAID.test(part.name) || look.said.has(part.name))) return true;
    if (part.kind === 'item' && part.key.kind === 'const' && typeof part.key.value === 'string' && SAID.test(part.key.value)) return true;
    if (part.kind === 'filter' && saidByFilter(part)) return true;
  }
  return false;
}
/** `messages|map(attribute='content')`, `messages|string` */
function saidByFilter(part: Extract<Expr, { kind: 'filter' }>): boolean {
  const values = [...part.args, ...part.named.map(([, value]) => value)];
  if (/^(map|selectattr|rejectattr|join)$/.test(part.name))
    return values.some((one) => one.kind === 'const' && typeof one.value === 'string' && SAID.test(one.value));
  return /^(string|tojson|pprint)$/.test(part.name) && part.of?.kind === 'name' && part.of.name === 'messages';
}
function isTimed(look: Look, e: Expr): boolean {
  for (const part of within(look, e))
    if (part.kind === 'name' && (look.timed.has(part.name) || /^(strftime_now|now|datetime|date_string|today)$/.test(part.name)))
      return true;
  return false;
}

/** An expression and all in it. */
function* within(look: Look, e: Expr): Generator<Expr> {
  const rest = [e];
  for (let i = 0; i < rest.length; i++) {
    if (++look.steps > MAX_STEPS) return;
    yield rest[i]!;
    rest.push(...partsOf(rest[i]!));
  }
}

/** Texts an expression may give out: constants that are not keys, arguments of tests or compared. */
function constants(e: Expr): string[] {
  if (e.kind === 'const') return typeof e.value === 'string' ? [e.value] : [];
  if (e.kind === 'binary') return ['~', '+', 'or', 'and', '%'].includes(e.op) ? [...constants(e.left), ...constants(e.right)] : [];
  if (e.kind === 'condition') return [...constants(e.value), ...(e.otherwise ? constants(e.otherwise) : [])];
  if (e.kind === 'filter') return e.of ? constants(e.of) : [];
  if (e.kind === 'list') return e.items.flatMap(constants);
  if (e.kind === 'call')
    return e.of.kind === 'name' && /raise|error/.test(e.of.name) ? [] : e.of.kind === 'attribute' ? constants(e.of.of) : [];
  return [];
}

/** Texts that a body puts in or sets. */
function textsOf(body: readonly Statement[]): string[] {
  return body.flatMap((one): string[] => {
    if (one.kind === 'text') return [one.text];
    if (one.kind === 'print' || one.kind === 'set') return constants(one.value);
    if (one.kind === 'if') return one.branches.flatMap((branch) => textsOf(branch.body));
    if (one.kind === 'for') return [...textsOf(one.body), ...textsOf(one.otherwise)];
    return one.kind === 'scope' || one.kind === 'macro' ? textsOf(one.body) : [];
  });
}
