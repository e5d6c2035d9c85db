/**
 * Texts among metadata that a shell or Python would run if somebody handed them over. Nothing here runs them.
 * @module
 */
import { looksLikeCode } from '../code.ts';
import { type Collector, report } from '../rules.ts';
import { judgeAddresses } from './urls.ts';

/** Commands with what makes them act; a word alone ("wget") is prose. Options are counted: each may begin the next command. (CWE-1333) */
const SHELL =
  /(^|[\s;&|`(])(rm\s+-[a-z]*[rf]|chmod\s+(\+x|[0-7]{3,4})\s|wget\s+(-\S+\s+){0,20}https?:|curl\s+(-\S+\s+){0,20}https?:|(bash|sh|zsh)\s+-[ci]\s|nc\s+-\S+\s|powershell(\.exe)?\s+-|cmd(\.exe)?\s+\/c|mkfifo\s|base64\s+(-d|--decode)|dd\s+if=|sudo\s+\S|crontab\s+-)|\/dev\/tcp\/|\|\s*(ba|z)?sh\b|<script[\s>]|javascript:/i;
const PYTHON =
  /\b(exec|eval|compile|__import__)\s*\(\s*\S|\bimport\s+(os|subprocess|socket|pty|ctypes)\b\s*[;\n,]|\bos\.(system|popen|exec\w*)\s*\(|\bsubprocess\.\w+\s*\(/;

/** Files of the machine, and ways out of a folder. */
const PATH = /(\.\.[\\/]){2,}|\/etc\/(passwd|shadow|sudoers|crontab)\b|~\/\.(ssh|aws|netrc)\b|\/proc\/self\//i;
/** Words long enough to hide a command in base64. */
const ENCODED = /[A-Za-z0-9+/]{16,4000}={0,2}/g;
const MAX_ENCODED = 100;

/** The command or call in a text, or null. */
export function commandIn(text: string): string | null {
  const head = text.slice(0, 50_000);
  return (SHELL.exec(head) ?? PYTHON.exec(head))?.[0].trim() ?? (looksLikeCode(head) ? 'a call' : null);
}

/** A metadata key that is a path or a command: programs that write values by their keys follow it. */
export function judgeMetadataKey(key: string, file: string, into: Collector): void {
  const path = PATH.exec(key.slice(0, 4096))?.[0] ?? SHELL.exec(key.slice(0, 4096))?.[0];
  if (path)
    report(
      into,
      'metadata-code',
      { file, field: key.slice(0, 200) },
      `a metadata key reads like a path or a command: ${JSON.stringify(key.slice(0, 80))}`,
    );
}

/** One value of the metadata a weight file carries. */
export function judgeMetadata(key: string, value: string, file: string, into: Collector): void {
  const command = commandIn(value) ?? PATH.exec(value.slice(0, 50_000))?.[0] ?? hiddenCommand(value);
  if (command)
    report(
      into,
      'metadata-code',
      { file, field: key },
      `the metadata "${key.slice(0, 60)}" reads like a command or a path of the machine: ${JSON.stringify(value.slice(0, 80))}`,
    );
  judgeAddresses(value, key, file, key, into);
}

/** A command written in base64. */
function hiddenCommand(value: string): string | null {
  let tried = 0;
  for (const [word] of value.slice(0, 50_000).matchAll(ENCODED)) {
    if (++tried > MAX_ENCODED) return null;
    try {
      const command = commandIn(atob(word.replace(/=+$/, '').slice(0, Math.floor(word.replace(/=+$/, '').length / 4) * 4)));
      if (command) return command;
    } catch {
      // No base64.
    }
  }
  return null;
}
