/**
 * An author's text and what is put into it. Edits only put lines in, or renew a section that was generated before: every other byte,
 * the line ends and a byte order mark included, stays where it is.
 * @module
 */

/** A file as it is, and as it would be. `before` is undefined for one to be made. */
export interface PlannedFile {
  readonly path: string;
  readonly before?: string;
  readonly after: string;
}

/** Something that was not written, and why; `words` are what would have stood there. */
export interface Refusal {
  readonly path: string;
  readonly why: string;
  readonly words?: string;
  /** Good practice that no license asks for. */
  readonly isOptional?: true;
}

/** The line end that `text` uses; `\n` where it has none. */
export function lineEndOf(text: string): string {
  const crlf = text.split('\r\n').length - 1;
  return crlf > 0 && 2 * crlf >= text.split('\n').length - 1 ? '\r\n' : '\n';
}

/** `lines` put behind `text`, an empty line between; what stands there is not touched. */
export function appended(text: string, lines: readonly string[]): string {
  const end = lineEndOf(text);
  const bare = text.replace(/^\ufeff/, '');
  const gap = bare === '' ? '' : /(\r?\n)[ \t]*\r?\n$/.test(text) ? '' : text.endsWith('\n') ? end : end + end;
  return `${text}${gap}${lines.join(end)}${end}`;
}

/** `lines` put in at `at`, which is the start of a line. */
export function inserted(text: string, at: number, lines: readonly string[]): string {
  const end = lineEndOf(text);
  return text.slice(0, at) + lines.map((line) => line + end).join('') + text.slice(at);
}

/** Words compared: white space counts as one space. */
export function holds(text: string, words: string): boolean {
  const plain = (value: string): string => value.replace(/\s+/g, ' ').trim();
  return plain(text).includes(plain(words));
}
