import { type Collector, report } from './rules.ts';

/** Calls that start programs, open connections, evaluate text or load code. */
const CALLS =
  /\b(os\.(system|popen|exec\w*|spawn\w*)|subprocess\.\w+|pty\.spawn|socket\.socket|ctypes\.\w+|marshal\.loads|pickle\.loads?|urllib\.request\.\w+|requests\.(get|post)|(?<![\w.])(eval|exec|__import__))\s*\(/;

/** Import statements of modules that start programs, load code or open connections, and calls into them. */
const IMPORTS =
  /(^|[\n;])\s*(import|from)\s+(os|posix|nt|sys|subprocess|importlib|socket|webbrowser|ctypes|pty|builtins|runpy|shutil|pickle|marshal|urllib|requests)\b|\b(posix|webbrowser|importlib|torch\.ops)\.[\w.]+\(/;

/** Whether a text among data would start programs or evaluate text if somebody ran it. */
export function looksLikeCode(text: string): boolean {
  const head = text.slice(0, 20_000);
  return CALLS.test(head) || IMPORTS.test(head);
}

/** Python beside or inside a model. @param carried whether the file is part of a weight file, where code has no business. */
export function judgeCode(bytes: Uint8Array, file: string, into: Collector, carried: boolean): void {
  const lines = new TextDecoder().decode(bytes).split('\n');
  const at = lines.findIndex((line) => CALLS.test(line.replace(/^\s*#.*/, '').slice(0, 2000)));
  if (at >= 0)
    report(into, 'code-calls', { file, field: `line ${at + 1}` }, `line ${at + 1} calls ${CALLS.exec(lines[at]!.slice(0, 2000))![1]}`);
  else
    report(
      into,
      carried ? 'executable' : 'code-beside-weights',
      { file },
      carried ? 'a weight file carries Python code' : 'Python code stands beside the weights',
    );
}

/** Text of a `.pth` start-up file: lines that begin with `import` are run by Python. */
export function isStartupFile(head: string): boolean {
  const first = head.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#'));
  return /^import[ \t]/.test(first ?? '');
}
