/**
 * Tokens of a Jinja template. Nothing is rendered.
 * Built from the Jinja 3.1 documentation ("Template Designer") and the behavior of its lexer: delimiters, whitespace control,
 * raw blocks, Python's string escapes, balanced brackets before a closing delimiter.
 * @module
 */

/** The longest published chat templates have about 100 kB. (CWE-770) */
const MAX_TEMPLATE_CHARS = 1 << 20;
const MAX_TOKENS = 400_000;

export interface Token {
  /** `text`: outside of code. `print`, `block`, `end`: delimiters. */
  readonly kind: 'text' | 'print' | 'block' | 'end' | 'name' | 'string' | 'number' | 'operator';
  readonly text: string;
  readonly at: number;
}

/** The template is not one: `at` is the character where reading stopped. */
export class JinjaError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const OPERATORS = ['//', '**', '==', '!=', '>=', '<=', ...'+-/*%~[](){}><=.:|,;'];
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const NUMBER = /0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d[\d_]*)?/y;
const OPENING = /\{([{%#])/g;
/** `{% raw %}`: what follows is text up to `{% endraw %}`. */
const RAW = /\{%[-+]?\s*raw\s*[-+]?%\}/y;
const ENDRAW = /\{%[-+]?\s*endraw\s*[-+]?%\}/g;

/** @throws JinjaError */
export function tokenize(template: string): Token[] {
  if (template.length > MAX_TEMPLATE_CHARS) throw new JinjaError(`over ${MAX_TEMPLATE_CHARS} characters`, 0);
  const out: Token[] = [];
  for (let at = 0; at < template.length;) {
    OPENING.lastIndex = at;
    const opening = OPENING.exec(template);
    const start = opening ? opening.index : template.length;
    if (start > at) out.push({ kind: 'text', text: template.slice(at, start), at });
    if (!opening) break;
    if (opening[1] === '#') {
      const end = template.indexOf('#}', start + 2);
      if (end < 0) throw new JinjaError('a comment is not closed', start);
      at = end + 2;
      continue;
    }
    RAW.lastIndex = start;
    if (RAW.test(template)) {
      const from = RAW.lastIndex;
      ENDRAW.lastIndex = from;
      const end = ENDRAW.exec(template);
      if (!end) throw new JinjaError('a raw block is not closed', start);
      out.push({ kind: 'text', text: template.slice(from, end.index), at: from });
      at = ENDRAW.lastIndex;
      continue;
    }
    at = takeCode(template, start, opening[1] === '{' ? 'print' : 'block', out);
  }
  return out;
}

/** Tokens of one `{{ }}` or `{% %}`. @returns where the text behind it begins. */
function takeCode(template: string, start: number, kind: 'print' | 'block', out: Token[]): number {
  const closing = kind === 'print' ? '}}' : '%}';
  out.push({ kind, text: '', at: start });
  let at = start + 2;
  // `{%+` keeps whitespace; in `{{+` it is a sign.
  if (template[at] === '-' || (kind === 'block' && template[at] === '+')) at++;
  const open: string[] = [];
  for (;;) {
    while (at < template.length && /\s/.test(template[at]!)) at++;
    if (at >= template.length) throw new JinjaError(`"${kind === 'print' ? '{{' : '{%'}" is not closed`, start);
    if (open.length === 0) {
      const marked = template[at] === '-' || (kind === 'block' && template[at] === '+') ? 1 : 0;
      if (template.startsWith(closing, at + marked)) {
        out.push({ kind: 'end', text: '', at });
        return at + marked + 2;
      }
    }
    const token = takeToken(template, at, open);
    out.push(token.token);
    at = token.next;
    if (out.length > MAX_TOKENS) throw new JinjaError(`over ${MAX_TOKENS} tokens`, at);
  }
}

const CLOSES: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

function takeToken(template: string, at: number, open: string[]): { token: Token; next: number } {
  const first = template[at]!;
  if (first === "'" || first === '"') return takeText(template, at);
  NAME.lastIndex = at;
  // Python compares names after NFKC: `ａttr` is `attr`.
  const name = NAME.exec(template);
  if (name) return { token: { kind: 'name', text: name[0].normalize('NFKC'), at }, next: NAME.lastIndex };
  NUMBER.lastIndex = at;
  const number = NUMBER.exec(template);
  if (number) return { token: { kind: 'number', text: number[0], at }, next: NUMBER.lastIndex };
  const operator = OPERATORS.find((one) => template.startsWith(one, at));
  if (!operator) throw new JinjaError(`"${first}" is no part of an expression`, at);
  if ('([{'.includes(operator)) open.push(operator);
  else if (operator in CLOSES && open.pop() !== CLOSES[operator]) throw new JinjaError(`"${operator}" closes nothing`, at);
  return { token: { kind: 'operator', text: operator, at }, next: at + operator.length };
}

function takeText(template: string, at: number): { token: Token; next: number } {
  const quote = template[at]!;
  let end = at + 1;
  while (end < template.length && template[end] !== quote) end += template[end] === '\\' ? 2 : 1;
  if (end >= template.length) throw new JinjaError('a text is not closed', at);
  return { token: { kind: 'string', text: unescapeText(template.slice(at + 1, end)), at }, next: end + 1 };
}

const SIMPLE: Readonly<Record<string, string>> = {
  n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v', '\\': '\\', "'": "'", '"': '"', '\n': '',
}; // prettier-ignore
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{([^}]*)\}|([0-7]{1,3})|([\s\S]))/g;

/** Python's escapes. Of characters by name only those a hidden attribute needs. */
function unescapeText(raw: string): string {
  return raw.replace(ESCAPE, (whole, x?: string, u?: string, long?: string, name?: string, octal?: string, one?: string) => {
    const hex = x ?? u ?? long;
    if (hex !== undefined) return parseInt(hex, 16) <= 0x10ffff ? String.fromCodePoint(parseInt(hex, 16)) : whole;
    if (name !== undefined) return /^low line$|^spacing underscore$/i.test(name) ? '_' : letterNamed(name);
    if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
    return SIMPLE[one!] ?? whole;
  });
}

function letterNamed(name: string): string {
  const letter = /^latin (small|capital) letter ([a-z])$/i.exec(name);
  if (!letter) return '\uffff';
  return letter[1]!.toLowerCase() === 'small' ? letter[2]!.toLowerCase() : letter[2]!.toUpperCase();
}
