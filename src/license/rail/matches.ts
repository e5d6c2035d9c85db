/**
 * What reading a responsible-use license comes to as a match.
 * @module
 */
import { hiddenSpans } from '../hidden.ts';
import { findRiders } from '../riders.ts';
import { quote } from '../differences.ts';
import { hiddenWords } from '../surroundings.ts';
import type { Difference, LicenseMatch } from '../types.ts';
import type { Words } from '../words.ts';
import type { RailData } from './data.ts';
import { parseRail } from './parse.ts';
import type { ComposedMatch } from './recognize.ts';

/** A composed license: unmodified when it composes again to the same words and nothing beside it adds terms. */
export function composedMatch(m: ComposedMatch, text: string, words: Words): LicenseMatch {
  const beside = [...findRiders(text, words, 0, m.b0, 'end'), ...findRiders(text, words, m.b1, words.words.length, 'start')].map(
    ([from, to]): Difference => ({ kind: 'added', catalog: '', found: quote(text, words, from, to), at: words.start[from]! }),
  );
  const differs = [...m.differs, ...hiddenSpans(text).flatMap((span) => hiddenWords(span, m, text, words)), ...beside];
  return {
    id: m.id,
    name: m.name,
    modified: differs.length > 0,
    by: 'text',
    coverage: m.coverage,
    differs,
    range: [words.start[m.b0] ?? 0, words.end[m.b1 - 1] ?? 0],
    rail: {
      artifacts: [m.artifact],
      type: m.type === 'research' ? 'research-only' : m.type,
      version: m.version,
      restrictions: m.restrictions,
    },
  };
}

/** A responsible-use license that no catalogue holds: known by what it restricts only, and never as a plain original. */
export function customRail(data: RailData, text: string): LicenseMatch | null {
  const rail = parseRail(data, text);
  if (!rail) return null;
  return {
    id: 'LicenseRef-RAIL-custom',
    name: 'responsible-use license of its own wording',
    modified: true,
    by: 'text',
    coverage: 0,
    differs: [],
    range: [0, text.length],
    rail,
  };
}
