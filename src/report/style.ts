/**
 * How a terminal report looks, and lines laid out in columns. Everything printed passes through `wrap`, which cleans it:
 * there is no other way for foreign text to reach the terminal.
 * @module
 */
import { charWidth, clean, displayWidth } from './text.ts';

export interface Style {
  /** Colour and weight by ANSI escapes; the report says everything without them. */
  readonly color: boolean;
  /** Width of the terminal; below 40 the report is laid out for 40. */
  readonly columns: number;
}

/** What a word means, not how it looks. */
export type Tone = 'plain' | 'strong' | 'quiet' | 'good' | 'careful' | 'bad';

export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}

export type Text = string | Span | readonly (string | Span)[];

/** Narrower than this nothing can be aligned. */
const MIN_COLUMNS = 40;
/** Longer lines of prose tire the eye; tables may use the whole width. */
const MAX_PROSE = 100;
/** A terminal that claims more than this is not one. (CWE-770) */
const MAX_COLUMNS = 1_000;

/** Columns to lay out for: the given ones when they make sense, else 80. */
export function columnsOf(style: Style): number {
  const columns = Number.isFinite(style.columns) && style.columns > 0 ? Math.floor(style.columns) : 80;
  return Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, columns));
}

export function proseColumns(style: Style): number {
  return Math.min(columnsOf(style), MAX_PROSE);
}

const SGR: { readonly [tone in Tone]: string } = { plain: '', strong: '1', quiet: '2', good: '32', careful: '33', bad: '31' };

export function paint(text: string, tone: Tone, style: Style): string {
  return style.color && SGR[tone] !== '' && text !== '' ? `\u001b[${SGR[tone]}m${text}\u001b[0m` : text;
}

interface Word {
  readonly text: string;
  readonly tone: Tone;
  /** Whether white space stood before it. */
  readonly spaced: boolean;
}

/** `text` in lines of at most `width` columns, cleaned, broken between words and inside one only when it fits no line. */
export function wrap(text: Text, width: number, style: Style): string[] {
  const lines: Word[][] = [[]];
  let used = 0;
  for (const word of words(text)) {
    const size = displayWidth(word.text);
    const gap = word.spaced && used > 0 ? 1 : 0;
    if (used + gap + size <= width) {
      lines.at(-1)!.push(word);
      used += gap + size;
      continue;
    }
    for (const part of breakWord(word.text, width)) {
      if (used > 0) lines.push([]);
      lines.at(-1)!.push({ ...word, text: part });
      used = displayWidth(part);
    }
  }
  return lines.map((line) => paintLine(line, style));
}

function paintLine(line: readonly Word[], style: Style): string {
  let out = '';
  for (let i = 0; i < line.length;) {
    const { tone } = line[i]!;
    if (i > 0 && line[i]!.spaced) out += ' ';
    let run = line[i]!.text;
    for (i++; i < line.length && line[i]!.tone === tone; i++) run += (line[i]!.spaced ? ' ' : '') + line[i]!.text;
    out += paint(run, tone, style);
  }
  return out;
}

/** Units that stay on the line of their number. */
const UNIT = /^(k|M|B|T|[kMGT]B|%|bytes?)\W*$/;

function words(text: Text): Word[] {
  const out: Word[] = [];
  const spans = typeof text === 'string' || !Array.isArray(text) ? [text as string | Span] : (text as readonly (string | Span)[]);
  let spaced = false;
  for (const span of spans) {
    const { text: raw, tone = 'plain' } = typeof span === 'string' ? { text: span } : span;
    if (/^\s/.test(raw)) spaced = true;
    for (const part of clean(raw).split(' ')) {
      if (part === '') continue;
      const before = out.at(-1);
      if (before?.tone === tone && spaced && UNIT.test(part) && /^\W?[\d.,]+$/.test(before.text))
        out[out.length - 1] = { ...before, text: `${before.text} ${part}` };
      else out.push({ text: part, tone, spaced });
      spaced = true;
    }
    spaced = /\s$/.test(raw) || (spaced && raw === '');
  }
  return out;
}

/** Parts of at most `width` columns, cut after a separator where one stands in the last half, else anywhere. */
function breakWord(word: string, width: number): string[] {
  const parts: string[] = [];
  let part = '';
  let used = 0;
  for (const c of word) {
    const size = charWidth(c);
    if (used + size > width) {
      const at = Math.max(...['/', '-', '_', '.', ',', ':', '='].map((mark) => part.lastIndexOf(mark) + 1));
      const cut = at > part.length / 2 ? at : part.length;
      parts.push(part.slice(0, cut));
      part = part.slice(cut);
      used = displayWidth(part);
    }
    part += c;
    used += size;
  }
  if (part !== '') parts.push(part);
  return parts;
}

/** Lines with `label` in a column of its own before the text, indented by `indent`. */
export function labelled(
  label: string,
  text: Text,
  style: Style,
  options: { indent?: number; column?: number; tone?: Tone } = {},
): string[] {
  const { indent = 2, column = 12, tone = 'quiet' } = options;
  const width = proseColumns(style) - indent - column;
  const head = clean(label);
  const gap = ' '.repeat(Math.max(1, column - displayWidth(head)));
  return wrap(text, width, style).map((line, i) =>
    i === 0 ? `${' '.repeat(indent)}${paint(head, tone, style)}${gap}${line}`.trimEnd() : `${' '.repeat(indent + column)}${line}`.trimEnd(),
  );
}

/**
 * Lines of prose indented by `indent`; with `bullet`, the first line carries it. Lines after the first hang by two at the
 * left margin, so that foreign text wrapped there cannot pass for a line of ours.
 */
export function prose(text: Text, style: Style, indent: number = 2, bullet: string = ''): string[] {
  const room = bullet === '' && indent === 0 ? 2 : displayWidth(bullet);
  const hang = ' '.repeat(indent + room);
  return wrap(text, proseColumns(style) - indent - room, style).map((line, i) =>
    (i === 0 ? `${' '.repeat(indent)}${bullet}${line}` : `${hang}${line}`).trimEnd(),
  );
}
