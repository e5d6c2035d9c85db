/**
 * What wrappers put around every line or letter, blanked out in place: offsets into the text stay right.
 * @module
 */

/** Lines looked at to tell what every line begins with. */
const SAMPLE = 60;
const ENOUGH = 6;

/** Text of the same length with line numbers, comment words (`dnl`, `REM`) and full-width letters put into plain form. */
export function unwrap(text: string): string {
  const narrow = /[\uff01-\uff5e]/.test(text)
    ? text.replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    : text;
  const lines = narrow.split('\n', SAMPLE).filter((line) => line.trim() !== '');
  if (lines.length < ENOUGH) return narrow;
  const comment = /^\s*(dnl|rem|c)\b[ \t\r]*/i;
  const word = comment.exec(lines[0]!)?.[1];
  if (word !== undefined && lines.every((line) => comment.exec(line)?.[1] === word))
    return blank(narrow, comment, (found) => found === word);
  if (isNumbered(narrow.split('\n', SAMPLE))) {
    let next: number | undefined;
    return blank(narrow, /^\s*(\d{1,6})(?=[:.|)]?[ \t\r]|[:.|)]?$)/, (found) => {
      const number = Number(found);
      // A number that is out of turn is the text's own.
      if (next !== undefined && number !== next) return false;
      next = number + 1;
      return true;
    });
  }
  return narrow;
}

/** Each line begins with the number after the one before it. */
function isNumbered(lines: readonly string[]): boolean {
  const numbers = lines.map((line) => /^\s*(\d{1,6})(?=[:.|)]?(?:\s|$))/.exec(line)?.[1]);
  if (numbers.at(-1) === undefined && lines.at(-1)!.trim() === '') numbers.pop();
  return numbers.length >= ENOUGH && numbers.every((n, k) => n !== undefined && Number(n) === Number(numbers[0]) + k);
}

function blank(text: string, start: RegExp, take: (found: string) => boolean): string {
  return text
    .split('\n')
    .map((line) => {
      const found = start.exec(line.slice(0, 40));
      return found && take(found[1]!) ? ' '.repeat(found[0].length) + line.slice(found[0].length) : line;
    })
    .join('\n');
}

/** A license inside a JSON string keeps its line ends as two characters. */
export function isEscaped(text: string): boolean {
  if (!text.includes('\\n')) return false;
  if (!text.slice(0, 4000).includes('\n\n') && text.split('\n', 6).length < 6) return true;
  const ends = /\\n(?=\\|[ \tA-Z0-9"'(*#“-])/g;
  let count = 0;
  while (count < 3 && ends.exec(text)) count++;
  return count === 3;
}
