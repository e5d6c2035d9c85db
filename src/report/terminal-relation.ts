/**
 * One relation between two models on the terminal.
 * @module
 */
import type { Evidence, Relation } from '../lineage/index.ts';
import { decimal, grouped, humanCount, pValue } from './numbers.ts';
import { labelled, paint, prose, proseColumns, type Style } from './style.ts';
import { tableLines } from './table.ts';
import { clean } from './text.ts';
import {
  detectableWords,
  directionWords,
  evidenceWords,
  kindName,
  shareWords,
  tieWords,
  VERDICT_MEANINGS,
  VERDICT_NAMES,
  verdictTone,
} from './words.ts';

/** Tests listed on the terminal; the page and the JSON answer carry all. */
const MAX_TESTS = 8;

/**
 * The terminal report of one comparison: the verdict in words, its evidence, kind and direction, and what it does not show.
 * No line is wider than `style.columns` (at least 40); foreign text is cleaned. Ends with a newline.
 */
export function renderRelation(relation: Relation, style: Style): string {
  const lines = [
    ...prose([{ text: relation.b.name, tone: 'strong' }, `: ${tieWords(relation)}`], style, 0),
    ...prose({ text: VERDICT_MEANINGS[relation.verdict], tone: 'quiet' }, style, 0),
    '',
    ...relationLines(relation, style),
    '',
    ...subjectLines('A', relation.a, style),
    ...subjectLines('B', relation.b, style),
  ];
  return `${lines.join('\n')}\n`;
}

function subjectLines(label: string, subject: Relation['a'], style: Style): string[] {
  const facts = `${subject.name}, ${subject.format}, ${humanCount(subject.parameters)} parameters`;
  return [
    // A narrow label column: a SHA-256 digest then fits one line of 80.
    ...labelled(label, facts, style, { column: 3 }),
    ...labelled('', { text: `${subject.digest} over ${subject.digestCovers}`, tone: 'quiet' }, style, { column: 3 }),
  ];
}

/** The labelled lines below the headline. */
export function relationLines(relation: Relation, style: Style): string[] {
  const { verdict } = relation;
  const lines = labelled(
    'Verdict',
    [{ text: VERDICT_NAMES[verdict], tone: verdictTone(verdict) }, ...after('. ', relation.because)],
    style,
  );
  if (verdict !== 'unresolved') lines.push(...labelled('Evidence', evidenceWords(relation), style));
  lines.push(...testLines(relation.tests, style));
  if (verdict === 'no-evidence') {
    const detectable = detectableWords(relation);
    if (detectable !== '') lines.push(...labelled('Limits', `${detectable}.`, style));
  } else if (verdict !== 'unresolved') {
    const share = shareWords(relation);
    if (share !== '') lines.push(...labelled('Shared', share, style));
    lines.push(...labelled('Kind', [kindName(relation.kind.name), ...after('. ', relation.kind.note)], style));
    lines.push(...labelled('Direction', directionWords(relation), style));
  }
  lines.push(...limitLines(relation.limits, style));
  return lines;
}

function after(mark: string, text: string): string[] {
  return text === '' ? [] : [mark, text];
}

/** Tests with a p-value first, smallest p first; ties and the rest as given. */
export function sortTests(tests: readonly Evidence[]): Evidence[] {
  return [...tests].sort((a, b) => (a.log10P ?? 1) - (b.log10P ?? 1));
}

function testLines(tests: readonly Evidence[], style: Style): string[] {
  const shown = sortTests(tests).slice(0, MAX_TESTS);
  if (shown.length === 0) return [];
  const rows = shown.map((test) => [
    clean(test.test),
    clean(`${test.statistic.name} ${decimal(test.statistic.value)}${test.n > 0 ? `, n = ${grouped(test.n)}` : ''}`),
    test.log10P === null ? clean(test.class) : pValue(test.log10P),
  ]);
  const indent = ' '.repeat(14);
  const lines = tableLines(['', '', ''], rows, [false, false, false], proseColumns(style) - indent.length, style);
  if (tests.length > shown.length) lines.push(paint(`… and ${tests.length - shown.length} more tests`, 'quiet', style));
  return lines.map((line) => indent + line);
}

export function limitLines(limits: readonly string[], style: Style): string[] {
  return limits.flatMap((limit, i) => labelled(i === 0 ? 'Limits' : '', limit, style));
}
