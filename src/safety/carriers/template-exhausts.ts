/** What takes a template more memory or time than any conversation needs. (CWE-400, CWE-776) @module */
import type { Expr } from './jinja-types.ts';
import { textOf, type Value } from './jinja-values.ts';

/** Parts of one value that no conversation needs. */
const MAX_PARTS = 1e7;
const MAX_WIDTH = 1e6;
const MAX_POWER = 1e4;

/** Texts padded to a width. */
export function wideText(name: string, args: readonly Value[]): string | null {
  const pads = /^(center|indent|ljust|rjust|zfill|expandtabs)$/.test(name);
  return pads && args.some((value) => typeof value === 'number' && value > MAX_WIDTH) ? `${name}(${args.map(textOf).join(', ')})` : null;
}

/** `%1000000d` and `{:1000000}` */
export function wideField(text: Value): string | null {
  const wide = typeof text === 'string' ? /%[-+ #0]*(\d{7,})|\{[^{}:]*:[^{}]*?(\d{7,})/.exec(text) : null;
  return wide ? `a field of ${wide[1] ?? wide[2]!} characters` : null;
}

/** `*` and `**` */
export function largeProduct(op: string, left: Value, right: Value): string | null {
  const big = (a: Value, b: Value): boolean =>
    typeof b === 'number' && (typeof a === 'string' || Array.isArray(a)) && b * Math.max(1, a.length) > MAX_PARTS;
  const power = op === '**' && typeof left === 'number' && typeof right === 'number' && Math.abs(right) > MAX_POWER;
  return power || (op === '*' && (big(left, right) || big(right, left))) ? `an expression of over ten million parts (${op})` : null;
}

/** The name under which a value is kept: `x`, or `x.y` of a namespace. */
export function keyOf(target: Expr): string | null {
  if (target.kind === 'name') return target.name;
  return target.kind === 'attribute' && target.of.kind === 'name' ? `${target.of.name}.${target.name}` : null;
}

/** How often the value of a name goes whole into a text that is put together: twice in a loop, and it doubles round after round. */
export function copies(e: Expr, key: string): number {
  const all = (parts: readonly Expr[]): number => parts.reduce((sum, part) => sum + copies(part, key), 0);
  if (keyOf(e) === key) return 1;
  if (e.kind === 'item') return e.key.kind === 'slice' ? 0 : copies(e.of, key);
  if (e.kind === 'binary' && /^[~+%]$/.test(e.op)) return all([e.left, e.right]);
  if (e.kind === 'list') return all(e.items);
  if (e.kind === 'condition') return Math.max(copies(e.value, key), e.otherwise ? copies(e.otherwise, key) : 0);
  if (e.kind === 'filter' && /^(join|format|list|string|safe)$/.test(e.name)) return (e.of ? copies(e.of, key) : 0) + all(e.args);
  if (e.kind === 'call' && e.of.kind === 'attribute' && /^(join|format)$/.test(e.of.name)) return all(e.args);
  return 0;
}
