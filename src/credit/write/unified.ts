/**
 * Two versions of a file as a unified diff (POSIX diff -u). Edits of ours put lines in or exchange one run, so the longest run of equal
 * lines at both ends and a bounded search between are exact enough to read and right to apply.
 * @module
 */
import type { PlannedFile } from './edit.ts';

const CONTEXT = 3;
/** Lines between the first and the last change that are compared each with each. (CWE-407) */
const MAX_CELLS = 4_000_000;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

export function unifiedDiff({ path, before, after }: PlannedFile): string {
  const lines = compare(split(before ?? ''), split(after));
  const out = [before === undefined ? '--- /dev/null' : `--- a/${path}`, `+++ b/${path}`];
  let a = 1;
  let b = 1;
  for (let k = 0; k < lines.length;) {
    if (lines[k]!.mark === ' ') {
      k++;
      a++;
      b++;
      continue;
    }
    const start = Math.max(0, k - CONTEXT);
    let end = k;
    for (let j = k, quiet = 0; j < lines.length && quiet <= 2 * CONTEXT; j++) {
      quiet = lines[j]!.mark === ' ' ? quiet + 1 : 0;
      if (quiet === 0) end = j;
    }
    const stop = Math.min(lines.length, end + 1 + CONTEXT);
    const hunk = lines.slice(start, stop);
    const count = (mark: Line['mark']): number => hunk.filter((line) => line.mark !== mark).length;
    const [fromA, fromB] = [a - (k - start), b - (k - start)];
    const [inA, inB] = [count('+'), count('-')];
    out.push(`@@ -${inA === 0 ? fromA - 1 : fromA},${inA} +${inB === 0 ? fromB - 1 : fromB},${inB} @@`);
    for (const { mark, text } of hunk)
      out.push(...(text.endsWith('\n') ? [mark + text.slice(0, -1)] : [mark + text, '\\ No newline at end of file']));
    for (let j = k; j < stop; j++) {
      if (lines[j]!.mark !== '+') a++;
      if (lines[j]!.mark !== '-') b++;
    }
    k = stop;
  }
  return `${out.join('\n')}\n`;
}

const split = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

function compare(a: readonly string[], b: readonly string[]): Line[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const same = (text: string): Line => ({ mark: ' ', text });
  return [
    ...a.slice(0, head).map(same),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

/** Longest common subsequence; too long for that, all of one and then all of the other. */
function middle(a: readonly string[], b: readonly string[]): Line[] {
  if (a.length * b.length > MAX_CELLS)
    return [...a.map((text): Line => ({ mark: '-', text })), ...b.map((text): Line => ({ mark: '+', text }))];
  const width = b.length + 1;
  const best = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      best[i * width + j] =
        a[i] === b[j] ? best[(i + 1) * width + j + 1]! + 1 : Math.max(best[(i + 1) * width + j]!, best[i * width + j + 1]!);
  const out: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length)
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ mark: ' ', text: a[i]! });
      i++;
      j++;
    } else if (i < a.length && (j === b.length || best[(i + 1) * width + j]! >= best[i * width + j + 1]!))
      out.push({ mark: '-', text: a[i++]! });
    else out.push({ mark: '+', text: b[j++]! });
  return out;
}
