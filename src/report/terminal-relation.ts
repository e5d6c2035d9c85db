/**
 * One relation between two models on the terminal.
 * @module
 */
import type { Evidence, Relation } from '../lineage/index.ts';
import { kindFacts } from './kind-words.ts';
import { decimal, grouped, humanCount, pValue } from './numbers.ts';
import { labelled, paint, prose, proseColumns, type Style } from './style.ts';
import { tableLines } from './table.ts';
import { clean } from './text.ts';
import {
  detectableWords,
  directionWords,
  evidenceWords,
  isTie,
  kindName,
  sentence,
  shareLabel,
  sharesTraining,
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
    ...limitLines(limitsOf(relation), style),
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

/** The labelled lines below the headline, but for the limits. */
export function relationLines(relation: Relation, style: Style): string[] {
  const { verdict, kind } = relation;
  const because = relation.because === '' ? '' : `. ${sentence(relation.because)}`;
  const lines = labelled('Verdict', [{ text: VERDICT_NAMES[verdict], tone: verdictTone(verdict) }, because], style);
  if (verdict === 'unresolved') return lines;
  lines.push(...labelled('Evidence', evidenceWords(relation), style), ...testLines(relation.tests, isTie(verdict), style));
  if (verdict === 'no-evidence') return lines;
  const share = shareWords(relation);
  if (share !== '') lines.push(...labelled(shareLabel(verdict), share, style));
  if (!sharesTraining(verdict)) return lines;
  lines.push(...labelled('Kind', `${kindName(kind.name)}${kind.note === '' ? '' : `. ${sentence(kind.note)}`}`, style));
  for (const [label, text] of kindFacts(kind)) lines.push(...labelled(label, text, style));
  lines.push(...labelled('Direction', directionWords(relation), style));
  return lines;
}

/** Tests with a p-value first, smallest first; then calibrated ones, then numbers that only describe. */
export function sortTests(tests: readonly Evidence[]): Evidence[] {
  const rank = (test: Evidence): number => test.log10P ?? (test.class === 'descriptive' ? 2 : 1);
  return [...tests].sort((a, b) => rank(a) - rank(b));
}

/** An exact test above this p says nothing against chance. */
const SILENT_LOG10 = -2;

/** @param isTie whether something was found; the tests that see nothing are then told together, for each one alone would read as a contradiction. */
function testLines(tests: readonly Evidence[], isTie: boolean, style: Style): string[] {
  const silent = isTie ? tests.filter(({ log10P }) => log10P !== null && log10P > SILENT_LOG10) : [];
  const told = sortTests(tests.filter((test) => !silent.includes(test)));
  const shown = told.slice(0, MAX_TESTS);
  if (shown.length + silent.length === 0) return [];
  const rows = shown.map((test) => [
    // A calibrated bound is no p-value.
    test.log10P === null || test.class !== 'exact' ? clean(test.class) : pValue(test.log10P),
    clean(`${test.test}: ${statisticWords(test)}`),
  ]);
  if (silent.length > 0)
    rows.push([`p > ${10 ** SILENT_LOG10}`, clean(`${silent.map(({ test }) => test).join(', ')}: nothing to see where they look`)]);
  const indent = ' '.repeat(14);
  const lines = tableLines(['', ''], rows, [false, false], proseColumns(style) - indent.length, style);
  if (told.length > shown.length) lines.push(paint(`… and ${told.length - shown.length} more tests`, 'quiet', style));
  return lines.map((line) => indent + line);
}

/** `agreeing flips 95 of 96`, `median correlation 0.98, n = 39`. */
function statisticWords(test: Evidence): string {
  const { name, value } = test.statistic;
  if (test.n <= 0) return `${name} ${decimal(value)}`;
  // A share of 1 or 0 among the describing numbers is no count.
  const counts = test.class !== 'descriptive' && Number.isInteger(value) && value >= 0 && value <= test.n;
  return counts ? `${name} ${grouped(value)} of ${grouped(test.n)}` : `${name} ${decimal(value)}, n = ${grouped(test.n)}`;
}

/** What the comparison does not show, each once. */
export function limitsOf(relation: Relation): string[] {
  // Nothing was said, so nothing has to be limited.
  if (relation.verdict === 'unresolved') return [];
  const detectable = relation.verdict === 'no-evidence' ? detectableWords(relation) : '';
  return detectable === '' || relation.because.includes('would have been seen') ? [...relation.limits] : [detectable, ...relation.limits];
}

export function limitLines(limits: readonly string[], style: Style): string[] {
  return [...new Set(limits)].flatMap((limit, i) => labelled(i === 0 ? 'Limits' : '', sentence(limit), style));
}
