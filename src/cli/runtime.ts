/**
 * What a command needs of the process around it: where to print, how it looks, when to stop.
 * @module
 */
import type { Finding, Progress, Watch } from '../base/index.ts';
import type { Style } from '../report/index.ts';

export interface Runtime {
  readonly watch: Watch;
  readonly style: Style;
  /** The answer, on stdout. */
  readonly print: (text: string) => void;
  /** Everything else, on stderr. */
  readonly note: (text: string) => void;
  /** Ends the progress line, if one is drawn. */
  readonly settle: () => void;
}

/** Work shorter than this shows no progress. */
const QUIET_MS = 1000;
/** How often a log, or a terminal, hears of progress. */
const LOG_EVERY_MS = 10_000;
const DRAW_EVERY_MS = 100;

/** Colour on a terminal only, unless asked for or against (no-color.org; FORCE_COLOR as Node reads it). */
export function styleOf(env: NodeJS.ProcessEnv, stream: { readonly isTTY?: boolean; readonly columns?: number }): Style {
  const forced = env['FORCE_COLOR'];
  const color =
    forced !== undefined && forced !== ''
      ? forced !== '0' && forced !== 'false'
      : !env['NO_COLOR'] && env['TERM'] !== 'dumb' && stream.isTTY === true;
  return { color, columns: stream.isTTY ? (stream.columns ?? 80) : 80 };
}

export interface ProgressLine {
  readonly onProgress: (progress: Progress) => void;
  readonly settle: () => void;
}

/** One redrawn line on a terminal, else a line every ten seconds; nothing in the first second. */
export function progressLine(write: (text: string) => void, isTerminal: boolean, now: () => number): ProgressLine {
  const started = now();
  let last = isTerminal ? started + QUIET_MS - DRAW_EVERY_MS : started;
  let drawn = false;
  return {
    onProgress({ what, done, total }) {
      const at = now();
      if (at - last < (isTerminal ? DRAW_EVERY_MS : LOG_EVERY_MS)) return;
      last = at;
      const share = total > 0 ? ` ${Math.min(100, Math.floor((100 * done) / total))} %` : '';
      write(isTerminal ? `\r\u001b[2K${what}${share}` : `heirloom: ${what}${share}\n`);
      drawn = isTerminal;
    },
    settle() {
      if (drawn) write('\r\u001b[2K');
      drawn = false;
    },
  };
}

/** Models the register could not read: told, never counted against the model that was asked about. */
export function noteSkipped(runtime: Runtime, skipped: readonly Finding[]): void {
  for (const finding of skipped) runtime.note(`heirloom: left out of the register: ${finding.what}`);
}

/** Whether an answer holds something to act on: notes do not count. */
export function hasWork(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity !== 'note');
}
