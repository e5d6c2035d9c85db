/**
 * How a catalogue text is written down in data/texts-*.json: one number per word (base 36, an index into
 * data/words.json), one space apart, with the role of the word in front of it.
 *
 *   `~` a list marker    `%` part of a copyright line    `_` filled in by each licensor
 *   `=` begins a run that may be left out as a whole, `+` continues it
 * @module
 */
import { FLAG_COPYRIGHT, FLAG_MARKER } from './marks.ts';

/** A name or date that every licensor fills in ("Neither the name of …"). */
export const FLAG_SLOT = 4;
/** The license may be given without this run (title, "how to apply" appendix). */
export const FLAG_OPTIONAL = 8;
/** First word of an optional run. */
export const FLAG_RUN_START = 16;

/** Words, as indexes into the vocabulary, and their flags as one string. */
export function packWords(words: readonly number[], flags: Uint8Array): string {
  return words
    .map((word, k) => {
      const flag = flags[k]!;
      const optional = flag & FLAG_RUN_START ? '=' : flag & FLAG_OPTIONAL ? '+' : '';
      return (
        (flag & FLAG_MARKER ? '~' : '') + (flag & FLAG_COPYRIGHT ? '%' : '') + (flag & FLAG_SLOT ? '_' : '') + optional + word.toString(36)
      );
    })
    .join(' ');
}

const MARKS: ReadonlyMap<number, number> = new Map([
  [126, FLAG_MARKER],
  [37, FLAG_COPYRIGHT],
  [95, FLAG_SLOT],
  [43, FLAG_OPTIONAL],
  [61, FLAG_OPTIONAL | FLAG_RUN_START],
]);

/** The inverse of `packWords`. */
export function unpackWords(packed: string): { words: Int32Array; flags: Uint8Array } {
  let count = packed === '' ? 0 : 1;
  for (let i = 0; i < packed.length; i++) if (packed.charCodeAt(i) === 32) count++;
  const words = new Int32Array(count);
  const flags = new Uint8Array(count);
  for (let i = 0, k = 0; i < packed.length; i++) {
    const c = packed.charCodeAt(i);
    if (c === 32) k++;
    else if (c >= 48 && c <= 57) words[k] = words[k]! * 36 + (c - 48);
    else if (c >= 97 && c <= 122) words[k] = words[k]! * 36 + (c - 87);
    else flags[k]! |= MARKS.get(c) ?? 0;
  }
  return { words, flags };
}
