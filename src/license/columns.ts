/**
 * Pages set in two columns, as `pdftotext -layout` gives them: read down the left column, then down the right one.
 * @module
 */

export interface Columns {
  readonly text: string;
  /** Range of the text as given that holds `[from, to)` of `text`. */
  readonly back: (from: number, to: number) => readonly [number, number];
}

/** Lines that must show the same right column before a page is taken for two columns: as many as half of it, and this many. */
const ENOUGH = 6;
/** Blanks that part columns; two end a sentence. */
const GUTTER = /\S {3,}(?=\S)/g;
const MAX_LINE = 400;

/** The text in reading order; null where no page has two columns. Time grows with the text alone. */
export function readColumns(text: string): Columns | null {
  const pieces: { readonly from: number; readonly to: number }[] = [];
  let found = false;
  let at = 0;
  for (const page of text.split('\f')) {
    const lines: { from: number; to: number }[] = [];
    let from = at;
    for (const line of page.split('\n')) {
      lines.push({ from, to: from + line.length });
      from += line.length + 1;
    }
    at += page.length + 1;
    const column = rightColumn(lines.map((line) => text.slice(line.from, line.to)));
    found ||= column > 0;
    const right: { from: number; to: number }[] = [];
    for (const line of lines) {
      const middle = line.from + column;
      const crosses = column === 0 || (line.to > middle && text.slice(middle - 2, middle).trim() !== '');
      if (crosses) pieces.push(...right.splice(0), line);
      else {
        pieces.push({ from: line.from, to: Math.min(middle, line.to) });
        if (line.to > middle) right.push({ from: middle, to: line.to });
      }
    }
    pieces.push(...right);
  }
  if (!found) return null;
  const starts: number[] = [];
  let length = 0;
  const out = pieces.map((piece) => {
    starts.push(length);
    length += piece.to - piece.from + 1;
    return text.slice(piece.from, piece.to);
  });
  const back = (from: number, to: number): readonly [number, number] => {
    let low = text.length;
    let high = 0;
    for (let k = lastAtMost(starts, from); k < pieces.length && starts[k]! <= to; k++) {
      const piece = pieces[k]!;
      const [a, b] = [Math.max(from, starts[k]!), Math.min(to, starts[k]! + piece.to - piece.from)];
      if (a > b || (a === b && from !== to)) continue;
      low = Math.min(low, piece.from + a - starts[k]!);
      high = Math.max(high, piece.from + b - starts[k]!);
    }
    return low <= high ? [low, high] : [0, text.length];
  };
  return { text: out.join('\n'), back };
}

/** Where the right column of a page begins, 0 if it has none. */
function rightColumn(lines: readonly string[]): number {
  const votes = new Map<number, number>();
  let written = 0;
  for (const line of lines) {
    if (line.trim() === '') continue;
    written++;
    for (const gap of line.slice(0, MAX_LINE).matchAll(GUTTER)) {
      const column = gap.index + gap[0].length;
      votes.set(column, (votes.get(column) ?? 0) + 1);
    }
  }
  const [column, count] = [...votes].reduce((best, one) => (one[1] > best[1] ? one : best), [0, 0]);
  return count >= ENOUGH && count * 2 >= written ? column : 0;
}

/** Place of the last number that is at most `wanted`; 0 if none is. */
function lastAtMost(sorted: readonly number[], wanted: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sorted[middle]! <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}
