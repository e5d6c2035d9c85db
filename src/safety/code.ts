/**
 * Python beside or inside a model, by its text: names are followed through imports, comments and texts are left out. Nothing is run.
 * @module
 */
import { type Collector, report } from './rules.ts';

/** Calls that start programs, open connections, evaluate text or load code. */
const CALLS =
  /\b(os\.(system|popen|exec\w*|spawn\w*)|subprocess\.\w+|pty\.spawn|socket\.socket|ctypes\.\w+|marshal\.loads|pickle\.loads?|urllib\.request\.\w+|requests\.(get|post)|(?<![\w.])(eval|exec|__import__))\s*\(/;
/** The same by full name, once aliases are resolved. */
const FULL =
  /^(os\.(system|popen\w*|exec\w*|spawn\w*|posix_spawnp?|startfile|fork)|(subprocess|commands|pty|ctypes|cffi|webbrowser|paramiko|telnetlib|ftplib|smtplib)\.[\w.]+|socket\.(socket|create_connection)|marshal\.loads?|c?pickle\.(loads?|Unpickler)|_pickle\.loads?|dill\.loads?|cloudpickle\.loads?|urllib\.request\.\w+|urllib2?\.urlopen|urllib\.urlopen|requests\.(get|post|put|request|Session)|httpx\.\w+|aiohttp\.ClientSession|importlib\.(import_module|__import__)|runpy\.\w+|code\.Interactive\w+|(builtins\.)?(eval|exec|compile|__import__)|asyncio\.create_subprocess_\w+|multiprocessing\.\w*spawn\w*|shutil\.rmtree|pip\.main|pip\._internal\.main)$/;
/** Code longer than this is searched, not followed. */
const MAX_FOLLOWED = 2 << 20;
const MAX_CALLS = 50_000;

/** Import statements of modules that start programs, load code or open connections, and calls into them. */
const IMPORTS =
  /(^|[\n;])[^\S\n]*(import|from)\s+(os|posix|nt|sys|subprocess|importlib|socket|webbrowser|ctypes|pty|builtins|runpy|shutil|pickle|marshal|urllib|requests)\b|\b(posix|webbrowser|importlib|torch\.ops)\.[\w.]{1,200}\(/;

/** Whether a text among data would start programs or evaluate text if somebody ran it. */
export function looksLikeCode(text: string): boolean {
  const head = text.slice(0, 20_000);
  return CALLS.test(head) || IMPORTS.test(head);
}

/** How code gets to run: `beside` a model by somebody's hand, `carried` in a weight file, where it has no business, as `handler` by the server. */
export type CodePlace = 'beside' | 'carried' | 'handler' | 'notebook';
/** What most notebooks do by their reader's hand: fetch and load data. */
const BY_HAND = /^(requests|httpx|urllib2?|aiohttp|c?pickle|_pickle|dill|cloudpickle)\./;

export function judgeCode(bytes: Uint8Array, file: string, into: Collector, place: CodePlace): void {
  const call = firstCall(new TextDecoder().decode(bytes), place === 'notebook' ? BY_HAND : undefined);
  if (call)
    return report(
      into,
      place === 'handler' ? 'handler-calls' : 'code-calls',
      { file, field: `line ${call.line}` },
      `line ${call.line} calls ${call.name}`,
    );
  const carried = place === 'carried';
  report(
    into,
    carried ? 'executable' : 'code-beside-weights',
    { file },
    carried ? 'a weight file carries Python code' : 'Python code stands beside the weights',
  );
}

/** Callables that act, whoever calls them: handed to `map`, put in a list, used as a decorator. */
const HANDED =
  /^(os\.(system|popen|exec[lv]\w*|spawn[lv]\w*|posix_spawnp?|startfile)|subprocess\.(Popen|run|call|check_call|check_output|getoutput)|builtins\.(eval|exec))$/;

/** The first call that acts, by its full name. @param passed names that are let pass. */
export function firstCall(source: string, passed?: RegExp): { name: string; line: number } | null {
  const code = withoutTexts(source);
  const names = source.length <= MAX_FOLLOWED ? importedNames(code) : new Map<string, string>();
  let calls = 0;
  for (const match of code.matchAll(/(?<![\w.])([A-Za-z_]\w{0,100}(?:\s{0,20}\.\s{0,20}[A-Za-z_]\w{0,100}){0,12})\s{0,20}\(/g)) {
    if (++calls > MAX_CALLS) break;
    if (/\b(def|class)\s+$/.test(code.slice(Math.max(0, match.index - 12), match.index))) continue;
    const parts = match[1]!.split(/\s*\.\s*/);
    const root = names.get(parts[0]!) ?? parts[0]!;
    const full = [root, ...parts.slice(1)].join('.');
    if (FULL.test(full) && !passed?.test(full)) return { name: full, line: lineAt(code, match.index) };
  }
  for (const match of code.matchAll(/(?<![\w.])@?[A-Za-z_]\w{0,100}(?:\.[A-Za-z_]\w{0,100}){0,12}/g)) {
    if (++calls > 10 * MAX_CALLS) break;
    const decorates = match[0].startsWith('@');
    const [first, ...rest] = match[0].replace('@', '').split('.');
    const full = [names.get(first!) ?? first!, ...rest].join('.');
    if (!(decorates ? FULL : HANDED).test(full)) continue;
    const imported = /\b(import|from)\s[^\n]*$/.test(code.slice(Math.max(0, match.index - 200), match.index));
    if (!imported) return { name: full, line: lineAt(code, match.index) };
  }
  // `getattr(os, …)(…)`, `__builtins__['eval']`, `globals()['exec']`
  const hidden =
    /\bgetattr\s*\(\s*(os|subprocess|builtins|__builtins__|sys|importlib|socket)\b|\b__builtins__\s*[.[]|\bglobals\(\)\s*\[|\bsys\.modules\s*\[|\bvars\s*\(\s*(__builtins__|builtins|os|sys)\b/.exec(
      code,
    );
  return hidden ? { name: hidden[0].replace(/\s+/g, ''), line: lineAt(code, hidden.index) } : null;
}

function lineAt(code: string, at: number): number {
  return code.slice(0, at).split('\n').length;
}

/** Names that `import *` brings from the modules that act; elsewhere they mean nothing. */
const STARRED = ['system', 'popen', 'execv', 'execve', 'execl', 'spawnl', 'spawnv', 'Popen', 'check_output', 'check_call', 'getoutput'];

/** `import a.b as c`, `from a import b as c` → what each name stands for; simple re-bindings too. */
function importedNames(code: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const match of code.matchAll(/(?:^|[;\n:])[ \t]*import[ \t]+([^\n;#]+)/g))
    for (const part of match[1]!.split(',')) {
      const [name, alias] = part.trim().split(/\s+as\s+/);
      if (name && /^[\w.]+$/.test(name)) out.set(alias?.trim() ?? name.split('.')[0]!, alias ? name : name.split('.')[0]!);
    }
  for (const match of code.matchAll(/(?:^|[;\n:])[ \t]*from[ \t]+([\w.]+)[ \t]+import\b[ \t]*(?:\(([^)]{0,2000})\)|([^\n;(]+))/g))
    for (const part of (match[2] ?? match[3]!).split(',')) {
      const [name, alias] = part.trim().split(/\s+as\s+/);
      if (name && /^\w+$/.test(name)) out.set(alias?.trim() ?? name, `${match[1]}.${name}`);
      if (name === '*') for (const one of STARRED) out.set(one, `${match[1]}.${one}`);
    }
  for (const match of code.matchAll(/(?:^|[;\n])[ \t]*(\w+)[ \t]*=[ \t]*([A-Za-z_][\w.]*)[ \t]*(?=[;\n]|$)/g)) {
    const [root, ...rest] = match[2]!.split('.');
    const known = out.get(root!) ?? (/^(eval|exec|__import__|compile)$/.test(root!) ? root! : undefined);
    if (known) out.set(match[1]!, [known, ...rest].join('.'));
  }
  return out;
}

/** Comments and texts as blanks; lines stay where they are. */
function withoutTexts(source: string): string {
  let out = '';
  let kept = 0;
  const opening = /#|'''|"""|'|"/g;
  for (let match = opening.exec(source); match; match = opening.exec(source)) {
    const from = match.index;
    const end = match[0] === '#' ? lineEnd(source, from) : textEnd(source, from + match[0].length, match[0]);
    const formatted = match[0] !== '#' && /(^|\W)r?fr?$/i.test(source.slice(Math.max(0, from - 3), from));
    const text = source.slice(from, end);
    out += source.slice(kept, from) + (formatted ? bracesOnly(text) : blanks(text));
    kept = end;
    opening.lastIndex = end;
  }
  return out + source.slice(kept);
}
function blanks(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
/** Of an f-string, the code in its braces, without the texts in that. */
function bracesOnly(text: string): string {
  return text
    .replace(/\{\{|\}\}/g, '  ')
    .split(/(\{[^{}]*\})/)
    .map((part, i) => (i % 2 === 0 ? blanks(part) : part.replace(/'[^']*'|"[^"]*"/g, blanks)))
    .join('');
}
function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end < 0 ? source.length : end;
}
function textEnd(source: string, from: number, quote: string): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source.startsWith(quote, at)) return at + quote.length;
    else if (quote.length === 1 && source[at] === '\n') return at;
  }
  return source.length;
}

/** Text of a `.pth` file: lines that begin with `import` are run by Python at every start. (Python library reference, site) */
export function isStartupFile(text: string): boolean {
  return /(^|\n|\r|\ufeff)import[ \t]/.test(text);
}
