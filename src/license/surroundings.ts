/**
 * What stands around and over a license and changes how it reads.
 * @module
 */
import type { HiddenSpan } from './hidden.ts';
import type { Difference } from './types.ts';
import type { Words } from './words.ts';

/** Words of a license inside a span that is not shown; a license that lies in one as a whole is a comment like any other. */
export function hiddenWords(span: HiddenSpan, m: { readonly b0: number; readonly b1: number }, text: string, words: Words): Difference[] {
  if (span.to <= words.start[m.b0]! || span.from >= words.end[m.b1 - 1]!) return [];
  if (span.from <= words.start[m.b0]! && span.to >= words.end[m.b1 - 1]!) return [];
  const inside: number[] = [];
  for (let j = m.b0; j < m.b1; j++) if (words.start[j]! >= span.from && words.end[j]! <= span.to) inside.push(j);
  if (inside.every((j) => words.flags[j] !== 0)) return [];
  return [
    {
      kind: 'replaced',
      catalog: inside
        .map((j) => words.words[j])
        .join(' ')
        .slice(0, 600),
      found: text.slice(span.from, span.to).replace(/\s+/g, ' ').slice(0, 600),
      at: span.from,
    },
  ];
}
