/**
 * Walks a template's statements with the values names may have. Loops are walked a few times, so texts put together in them are seen.
 * @module
 */
import { bodies } from './jinja-tree.ts';
import type { Expr, Statement } from './jinja-types.ts';
import { binaryValue, GAP, itemsOf, UNKNOWN, type Value } from './jinja-values.ts';
import { assign, checkDoubling, evaluate, MAX_STEPS, NOTHING, note, type Reached, type Walk } from './template-evaluate.ts';

/** Rounds over a loop's body, or the number of its items when those are known and fewer. */
const MAX_ROUNDS = 24;
/** Rounds of loops in loops that no conversation needs. */
const MAX_PRODUCT = 1e6;

export function walkTemplate(tree: readonly Statement[]): Reached[] {
  const w: Walk = { found: new Map(), values: new Map(), assigned: new Set(), macros: new Map(), steps: 0, rounds: 1, loops: 0 };
  collect(w, tree);
  // Twice: a macro stands before its calls.
  for (let pass = 0; pass < 2; pass++) run(w, tree);
  if (w.steps > MAX_STEPS) note(w, 'unfinished', 0, 'the template is too large to be walked to its end');
  return [...w.found.values()].sort((a, b) => a.at - b.at);
}

/** Names the template itself gives a meaning. */
function collect(w: Walk, body: readonly Statement[]): void {
  for (const one of body) {
    if (one.kind === 'for') addTarget(w, one.target);
    if (one.kind === 'set' && !(one.value.kind === 'name' && one.target.kind === 'name' && one.value.name === one.target.name))
      addTarget(w, one.target);
    if (one.kind === 'scope' && one.target) addTarget(w, one.target);
    if (one.kind === 'macro') {
      w.assigned.add(one.name);
      w.macros.set(
        one.name,
        one.parameters.map(([name]) => name),
      );
      for (const [name] of one.parameters) w.assigned.add(name);
    }
    for (const inner of bodies(one)) collect(w, inner);
  }
}

function addTarget(w: Walk, target: Expr): void {
  if (target.kind === 'name') w.assigned.add(target.name);
  if (target.kind === 'list') for (const item of target.items) addTarget(w, item);
}

function run(w: Walk, body: readonly Statement[]): void {
  for (const one of body) {
    if (w.steps > MAX_STEPS) return;
    if (one.kind === 'print') evaluate(w, one.value);
    else if (one.kind === 'set') {
      checkDoubling(w, one.at, one.target, one.value);
      assign(w, one.target, evaluate(w, one.value));
    } else if (one.kind === 'for') runLoop(w, one);
    else if (one.kind === 'if')
      for (const branch of one.branches) {
        if (branch.test) evaluate(w, branch.test);
        run(w, branch.body);
      }
    else if (one.kind === 'macro') {
      for (const [name, given] of one.parameters) assign(w, { kind: 'name', at: one.at, name }, given ? evaluate(w, given) : NOTHING);
      run(w, one.body);
    } else if (one.kind === 'scope') {
      // Prints all that the program gave the template.
      if (one.tag === 'debug') note(w, 'surroundings', one.at, 'debug');
      for (const value of one.values) evaluate(w, value);
      run(w, one.body);
      if (one.target) assign(w, one.target, [blockText(w, one.body)]);
    } else if (one.kind === 'reference') {
      const target = evaluate(w, one.target).map((value) => (typeof value === 'string' ? value : GAP));
      note(w, 'reference', one.at, `${one.tag} ${target.join(' or ')}`);
    }
  }
}

/** What a `set` block holds, when it is only text and constants. */
function blockText(w: Walk, body: readonly Statement[]): Value {
  let out: Value = '';
  for (const one of body) {
    if (one.kind === 'text') out = binaryValue('~', out, one.text.trim());
    else if (one.kind === 'print') out = binaryValue('~', out, evaluate(w, one.value)[0] ?? UNKNOWN);
    else return UNKNOWN;
  }
  return out;
}

function runLoop(w: Walk, one: Extract<Statement, { kind: 'for' }>): void {
  const over = evaluate(w, one.over);
  const count = Math.max(
    1,
    ...over.map((value) => rangeCount(one.over, w) ?? (typeof value === 'string' ? value.length : itemsOf(value)?.length) ?? 1),
  );
  const before = w.rounds;
  w.rounds *= count;
  if (w.rounds > MAX_PRODUCT) note(w, 'exhausts', one.at, `loops run ${w.rounds} times`);
  if (one.test) evaluate(w, one.test);
  const rounds = Math.min(MAX_ROUNDS, Math.max(1, ...over.map((value) => itemsOf(value)?.length ?? 1)));
  w.loops++;
  for (let round = 0; round < rounds && w.steps <= MAX_STEPS; round++) {
    for (const value of over) assign(w, one.target, [itemsOf(value)?.[round] ?? UNKNOWN]);
    run(w, one.body);
  }
  w.loops--;
  run(w, one.otherwise);
  w.rounds = before;
}

function rangeCount(over: Expr, w: Walk): number | null {
  if (over.kind !== 'call' || over.of.kind !== 'name' || over.of.name !== 'range') return null;
  const numbers = over.args.map((arg) => evaluate(w, arg)[0]);
  if (!numbers.every((one): one is number => typeof one === 'number')) return null;
  const [from, to, step] = numbers.length === 1 ? [0, numbers[0]!, 1] : [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 1];
  return Math.max(0, Math.ceil((to - from) / (step || 1)));
}
