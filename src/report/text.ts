/**
 * Text that others wrote, made safe to show: one line, nothing hidden, nothing that drives a terminal or reorders a line.
 * What is invisible is shown as its code point (Unicode UAX #9 bidirectional controls, UTR #36 section 3; CWE-150, CWE-451).
 * @module
 */

/** A field of a card or a name longer than this is cut with a note; the JSON answer carries it whole. (CWE-770) */
export const MAX_TEXT = 2_000;

/** More combining marks on one letter than any script needs; the rest would paint over the lines around it. */
const MAX_MARKS = 4;

/** Controls, format characters, lone surrogates, line and paragraph separators, and everything meant not to be seen. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const SPACE = /[\t\n\v\f\r\u2028\u2029\p{Zs}]/u;
const MARK = /\p{M}/u;
const JOINABLE = /[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]/u;
const PICTOGRAPH = /[\p{Extended_Pictographic}\p{Emoji_Modifier}]/u;

/** Printable ASCII in single spaces: most of what is shown, and clean as it stands. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/;

/** A run of text: as it stands, or a code point that would not have been seen. */
export interface Piece {
  readonly text: string;
  readonly hidden: boolean;
}

/**
 * `text` in one line, in pieces: white space collapsed and trimmed, hidden characters as `U+202E`, repeats as `U+200B ×12`,
 * cut after `max` UTF-16 units.
 */
export function pieces(text: string, max: number = MAX_TEXT): Piece[] {
  if (text.length <= max && PLAIN.test(text)) return [{ text, hidden: false }];
  const cut = text.length > max;
  const chars = Array.from(cut ? text.slice(0, max) : text);
  const out: Piece[] = [];
  let shown = '';
  let marks = 0;
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i]!;
    if (SPACE.test(c)) {
      if (shown.length > 0 ? !shown.endsWith(' ') : out.length > 0) shown += ' ';
      marks = 0;
      continue;
    }
    marks = MARK.test(c) ? marks + 1 : 0;
    if (marks <= MAX_MARKS && (!HIDDEN.test(c) || isVisibleJoin(chars, i))) {
      shown += c;
      continue;
    }
    let count = 1;
    while (chars[i + 1] === c) {
      count++;
      i++;
    }
    if (shown !== '') out.push({ text: shown, hidden: false });
    shown = '';
    out.push({ text: `${codePoint(c)}${count > 1 ? ` ×${count}` : ''}`, hidden: true });
  }
  shown = shown.trimEnd();
  if (cut) shown += `… [${text.length - max} more characters]`;
  if (shown !== '') out.push({ text: shown, hidden: false });
  return out;
}

/** `text` in one line with hidden characters written as `<U+202E>`; safe to print on a terminal. */
export function clean(text: string, max: number = MAX_TEXT): string {
  let out = '';
  for (const piece of pieces(text, max)) out += piece.hidden ? `<${piece.text}>` : piece.text;
  return out;
}

/** Joiners between two letters of a script that needs them, and emoji variation selectors and sequences, are not hidden tricks. */
function isVisibleJoin(chars: readonly string[], i: number): boolean {
  const c = chars[i]!;
  const before = chars[i - 1] ?? '';
  const after = chars[i + 1] ?? '';
  if (c === '\ufe0f' || c === '\ufe0e') return PICTOGRAPH.test(before) || /[0-9#*]/.test(before);
  if (c === '\u200d' || c === '\u200c') return isJoinable(before) && isJoinable(after);
  return false;
}

function isJoinable(c: string): boolean {
  return c !== '' && c.codePointAt(0)! > 0x2ff && JOINABLE.test(c);
}

function codePoint(c: string): string {
  return `U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** East Asian Wide and Fullwidth blocks (Unicode 15.1 EastAsianWidth.txt, joined where only unassigned points lie between). */
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18d08],
  [0x1aff0, 0x1b2fb],
  [0x1f200, 0x1f265],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];
/** Marks, the two joiners, and the selector of text presentation. */
const NO_WIDTH = /\p{Mn}|\p{Me}|\u200c|\u200d|\ufe0e/u;
const EMOJI = /\p{Emoji_Presentation}/u;
const REGIONAL = /\p{Regional_Indicator}/u;

/**
 * Columns that `text` takes on a terminal. Never too small for text out of `clean`: joined emoji are counted one by one,
 * which a terminal that joins them shows narrower.
 */
export function displayWidth(text: string): number {
  let width = 0;
  for (const c of text) width += charWidth(c);
  return width;
}

export function charWidth(c: string): number {
  const code = c.codePointAt(0)!;
  if (code < 0x300) return 1;
  if (code === 0xfe0f) return 1;
  if (NO_WIDTH.test(c)) return 0;
  if (REGIONAL.test(c)) return 1;
  if (EMOJI.test(c) || WIDE.some(([first, last]) => code >= first && code <= last)) return 2;
  return 1;
}
