/**
 * Texts among metadata that a shell or Python would run if somebody handed them over. Nothing here runs them.
 * @module
 */
import { looksLikeCode } from '../code.ts';
import { type Collector, report } from '../rules.ts';
import { judgeAddresses } from './urls.ts';

/** Commands with what makes them act; a word alone ("wget") is prose. */
const SHELL =
  /(^|[\s;&|`(])(rm\s+-[a-z]*[rf]|chmod\s+(\+x|[0-7]{3,4})\s|wget\s+(-\S+\s+)*https?:|curl\s+(-\S+\s+)*https?:|(bash|sh|zsh)\s+-[ci]\s|nc\s+(-\S+\s+)+|powershell(\.exe)?\s+-|cmd(\.exe)?\s+\/c|mkfifo\s|base64\s+(-d|--decode)|dd\s+if=|sudo\s+\S|crontab\s+-)|\/dev\/tcp\/|\|\s*(ba|z)?sh\b|<script[\s>]|javascript:/i;
const PYTHON =
  /\b(exec|eval|compile|__import__)\s*\(\s*\S|\bimport\s+(os|subprocess|socket|pty|ctypes)\b\s*[;\n,]|\bos\.(system|popen|exec\w*)\s*\(|\bsubprocess\.\w+\s*\(/;

/** The command or call in a text, or null. */
export function commandIn(text: string): string | null {
  const head = text.slice(0, 50_000);
  return (SHELL.exec(head) ?? PYTHON.exec(head))?.[0].trim() ?? (looksLikeCode(head) ? 'a call' : null);
}

/** One value of the metadata a weight file carries. */
export function judgeMetadata(key: string, value: string, file: string, into: Collector): void {
  const command = commandIn(value);
  if (command)
    report(
      into,
      'metadata-code',
      { file, field: key },
      `the metadata "${key.slice(0, 60)}" reads like a command: ${JSON.stringify(value.slice(0, 80))}`,
    );
  judgeAddresses(value, key, file, key, into);
}
