/**
 * Where the generated section of a card stands. It lives between two comment lines; the author's prose around it is never touched.
 * @module
 */
import { appended, lineEndOf } from './edit.ts';

export const BEGIN = '<!-- heirloom:credit begin. Made by `heirloom credit --write`; what stands between the two marks is replaced. -->';
export const END = '<!-- heirloom:credit end -->';
/** The begin mark of any version is recognized by its first words. */
const BEGIN_LINE = /^<!-- heirloom:credit begin[^\r\n]*$/gm;
const END_LINE = /^<!-- heirloom:credit end -->[ \t]*$/gm;

/**
 * @param lines of the section, without marks; none takes no section out and puts none in.
 * @returns the text with the section, or why it could not be placed.
 */
export function withSection(text: string, lines: readonly string[]): { text: string } | { refused: string } {
  const begins = [...text.matchAll(BEGIN_LINE)];
  const ends = [...text.matchAll(END_LINE)];
  if (begins.length === 0 && ends.length === 0) {
    if (lines.length === 0) return { text };
    const open = openAtEnd(text);
    return open === undefined ? { text: appended(text, [BEGIN, ...lines, END]) } : { refused: open };
  }
  const [begin, end] = [begins[0], ends[0]];
  if (begins.length !== 1 || ends.length !== 1 || !begin || !end || end.index < begin.index)
    return { refused: 'the marks of a generated section stand there more than once, or only one of the two does; put them right by hand' };
  const inside = openAtEnd(text.slice(0, begin.index));
  if (inside !== undefined) return { refused: `the marks of the generated section stand where they are shown as text: ${inside}` };
  const eol = lineEndOf(text);
  return { text: text.slice(0, begin.index) + [BEGIN, ...lines, END].join(eol) + text.slice(end.index + END.length) };
}

/** A code block or a comment that is still open at the end would swallow what is put behind it (CommonMark 0.31, 4.5 and 4.6). */
function openAtEnd(text: string): string | undefined {
  let fence: { readonly mark: string; readonly length: number; readonly line: number } | undefined;
  let comment = false;
  const lines = text.split('\n');
  for (let k = 0; k < lines.length; k++) {
    const line = lines[k]!;
    if (comment) {
      comment = !line.includes('-->');
      continue;
    }
    const run = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line.replace(/\r$/, ''));
    if (fence) {
      if (run && run[1]![0] === fence.mark && run[1]!.length >= fence.length && run[2]!.trim() === '') fence = undefined;
    } else if (run && !(run[1]!.startsWith('`') && run[2]!.includes('`')))
      fence = { mark: run[1]![0]!, length: run[1]!.length, line: k + 1 };
    else {
      const open = line.lastIndexOf('<!--');
      comment = open >= 0 && !line.slice(open).includes('-->');
    }
  }
  if (fence) return `a code block opened in line ${fence.line} is never closed`;
  return comment ? 'a comment (<!--) is never closed' : undefined;
}
