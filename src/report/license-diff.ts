/**
 * Two licenses beside each other on the terminal.
 * @module
 */
import type { DiffSide, LicenseDiff, TermDiff } from '../license/index.ts';
import { labelled, paint, prose, type Style } from './style.ts';

/** Runs of words shown; the JSON answer has all that were kept. */
const SHOWN_RUNS = 24;

/** `diff` as text. Lines fit `style.columns`; ends with a newline. */
export function renderLicenseDiff(diff: LicenseDiff, style: Style): string {
  const { a, b } = diff;
  const lines = [...prose({ text: `${a} → ${b}`, tone: 'strong' }, style, 0), ''];
  if (diff.withoutTerms.length > 0)
    lines.push(...prose(`What ${diff.withoutTerms.join(' and ')} says is not recorded, so only the words are compared.`, style, 0), '');
  const group = (heading: string, terms: readonly TermDiff[], show: (term: TermDiff) => string[]): void => {
    if (terms.length > 0) lines.push(paint(heading, 'strong', style), ...terms.flatMap(show), '');
  };
  const of = (state: TermDiff['state']): TermDiff[] => diff.terms.filter((term) => term.state === state);
  group(`Only ${a}`, of('only-a'), (term) => sideLines('', term.a, style));
  group(`Only ${b}`, of('only-b'), (term) => sideLines('', term.b, style));
  group('In both, but not the same', of('differs'), (term) => [
    ...prose(`${term.term}: ${term.differs.join(', ')}`, style, 2),
    ...sideLines('−', term.a, style, term.differs),
    ...sideLines('+', term.b, style, term.differs),
  ]);
  const rows = diff.derivation.filter((row) => row.state === 'differs');
  if (rows.length > 0) {
    lines.push(paint('What makes a derivative', 'strong', style));
    for (const { what } of rows) lines.push(...prose(what, style, 2, '· '));
    lines.push('');
  }
  const same = of('same');
  if (same.length > 0)
    lines.push(...prose(`The same in both (${same.length}): ${[...new Set(same.map((term) => term.term))].join(', ')}`, style, 0), '');
  lines.push(...wordLines(diff, style));
  return `${lines.join('\n')}\n`;
}

function sideLines(mark: string, side: DiffSide | undefined, style: Style, differs: readonly string[] = []): string[] {
  if (!side) return [];
  const acts = differs.includes('acts') && side.on ? { text: ` [${side.on.join(', ')}]`, tone: 'quiet' as const } : '';
  const head = `${mark}${mark && ' '}${side.section}`;
  const what = [side.what, acts];
  const first =
    head.length < 12 ? labelled(head, what, style, { tone: 'plain' }) : [...prose(head, style, 2), ...labelled('', what, style)];
  return [...first, ...labelled('', { text: `“${side.quote}”`, tone: 'quiet' }, style)];
}

function wordLines({ a, b, words }: LicenseDiff, style: Style): string[] {
  switch (words.state) {
    case 'same':
      return prose('The texts are the same, word for word.', style, 0);
    case 'different-texts':
      return prose('The texts share too little to be compared word by word.', style, 0);
    case 'unknown':
      return prose('The words cannot be compared: one of the texts is not held.', style, 0);
    case 'differs': {
      const rest = Math.max(0, words.runs.length - SHOWN_RUNS) + words.more;
      return [
        paint(`Words that differ (− ${a}, + ${b})`, 'strong', style),
        ...words.runs.slice(0, SHOWN_RUNS).flatMap((run) => runLines(run, style)),
        ...(rest > 0 ? prose(`… ${rest} more; --json has up to 200`, style, 2) : []),
      ];
    }
  }
}

function runLines({ before, a, b }: LicenseDiff['words']['runs'][number], style: Style): string[] {
  const place = { text: before === '' ? 'at the beginning: ' : `… ${before} `, tone: 'quiet' as const };
  return prose(
    [
      place,
      ...(a ? [{ text: `[−${a}−]`, tone: 'bad' as const }] : []),
      ...(b ? [{ text: `${a ? ' ' : ''}[+${b}+]`, tone: 'good' as const }] : []),
    ],
    style,
    2,
    '· ',
  );
}
