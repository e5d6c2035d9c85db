/**
 * Plain tables for the terminal: aligned columns, no rules, cells wrapped when the terminal is narrow.
 * @module
 */
import { clean, displayWidth } from './text.ts';
import { columnsOf, paint, type Style, wrap } from './style.ts';

export type Cell = string | number | null | undefined;

/** More rows than this are counted, not shown: nobody reads them, and a hostile listing could have millions. (CWE-770) */
const MAX_ROWS = 10_000;
const GAP = 2;
/** A column is not squeezed below this while others are wider. */
const MIN_WIDTH = 6;

/**
 * `rows` under their column names, which are the keys of the first row in its order; missing cells stay empty, numbers align right.
 * Cells are cleaned and wrapped so that no line is wider than `style.columns`. Ends with a newline; no rows give the empty string.
 */
export function renderTable(rows: readonly Readonly<Record<string, Cell>>[], style: Style): string {
  const first = rows[0];
  if (!first) return '';
  const names = Object.keys(first);
  const shown = rows.slice(0, MAX_ROWS);
  const cells = shown.map((row) => names.map((name) => clean(String(row[name] ?? ''))));
  const right = names.map((name) => shown.every((row) => typeof row[name] === 'number'));
  const lines = tableLines(names, cells, right, columnsOf(style), style);
  if (rows.length > shown.length) lines.push(`… and ${rows.length - shown.length} more rows`);
  return `${lines.join('\n')}\n`;
}

/** @param head column names; empty strings print no head line. */
export function tableLines(
  head: readonly string[],
  cells: readonly (readonly string[])[],
  right: readonly boolean[],
  columns: number,
  style: Style,
): string[] {
  const widths = fit(
    head.map((name, i) => cells.reduce((widest, row) => Math.max(widest, displayWidth(row[i] ?? '')), displayWidth(name))),
    columns,
  );
  const lines: string[] = [];
  if (head.some((name) => name !== ''))
    lines.push(...rowLines(head, widths, right, { ...style, color: false }).map((line) => paint(line, 'quiet', style)));
  for (const row of cells) lines.push(...rowLines(row, widths, right, style));
  return lines;
}

function rowLines(row: readonly string[], widths: readonly number[], right: readonly boolean[], style: Style): string[] {
  const wrapped = widths.map((width, i) => wrap(row[i] ?? '', width, { ...style, color: false }));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  const out: string[] = [];
  for (let y = 0; y < height; y++) {
    const line = widths.map((width, i) => {
      const text = wrapped[i]![y] ?? '';
      const pad = ' '.repeat(Math.max(0, width - displayWidth(text)));
      return right[i] ? pad + text : text + pad;
    });
    out.push(line.join(' '.repeat(GAP)).trimEnd());
  }
  return out;
}

/** Shrinks the widest columns until the row fits. */
function fit(widths: readonly number[], columns: number): number[] {
  const out = widths.map((width) => Math.max(1, width));
  let over = out.reduce((sum, width) => sum + width, 0) + GAP * (out.length - 1) - columns;
  while (over > 0) {
    const widest = Math.max(...out);
    const next = Math.max(MIN_WIDTH, ...out.filter((width) => width < widest));
    if (widest <= MIN_WIDTH) return squeeze(out, columns);
    const at = out.indexOf(widest);
    const peers = out.filter((width) => width === widest).length;
    const step = Math.max(1, Math.min(widest - next, Math.ceil(over / peers)));
    out[at] = widest - step;
    over -= step;
  }
  return out;
}

/** So many columns that even narrow ones do not fit: equal shares, at least one column each. */
function squeeze(widths: readonly number[], columns: number): number[] {
  const share = Math.max(1, Math.floor((columns - GAP * (widths.length - 1)) / widths.length));
  return widths.map((width) => Math.min(width, share));
}
