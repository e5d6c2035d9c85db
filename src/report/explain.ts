/**
 * One relation explained on the terminal: every test in plain words, what chance would have given, how thresholds were set, and how
 * often such verdicts were wrong on models of known descent.
 * @module
 */
import type { Calibration, Evidence, Relation } from '../lineage/index.ts';
import { boundWords, powerWords } from './calibration-words.ts';
import { expectedWords } from './expected.ts';
import { decimal, grouped, pValue } from './numbers.ts';
import { labelled, prose, type Style } from './style.ts';
import { renderRelation, sortTests } from './terminal-relation.ts';
import { CLASS_WORDS, meaningOf } from './test-words.ts';
import { sentence } from './words.ts';

/** Tests explained; the JSON answer has all. (CWE-770) */
const MAX_TESTS = 60;

/** The relation as `renderRelation` tells it, then the explanation. No line is wider than `style.columns` (at least 40). */
export function renderExplanation(relation: Relation, calibration: Calibration, style: Style): string {
  const tests = sortTests(relation.tests).slice(0, MAX_TESTS);
  const heading = (text: string): string[] => ['', ...prose({ text, tone: 'strong' }, style, 0)];
  const lines = [
    ...heading('The tests'),
    ...tests.flatMap((test) => ['', ...testLines(test, calibration, style)]),
    ...(tests.length === 0 ? prose('None could run.', style) : []),
    ...heading('How thresholds were set'),
    ...calibration.thresholds.flatMap(({ id, value, reason }) => prose(`${id} ${decimal(value)}: ${reason}`, style, 2, '- ')),
    ...heading('How often such a verdict was wrong'),
    ...prose(boundWords(calibration), style),
    ...prose({ text: `Data: src/lineage/calibration.json, rebuilt by ${calibration.command}.`, tone: 'quiet' }, style),
  ];
  return `${renderRelation(relation, style)}${lines.join('\n')}\n`;
}

function testLines(test: Evidence, calibration: Calibration, style: Style): string[] {
  const meaning = meaningOf(test);
  const power = test.class === 'exact' ? powerWords(test, calibration) : '';
  const measured = `${test.statistic.name} ${decimal(test.statistic.value)}${test.n > 0 ? `, n = ${grouped(test.n)}` : ''}`;
  return [
    ...prose([{ text: test.test, tone: 'strong' }, `: ${test.question}`], style),
    ...(meaning === '' ? [] : labelled('Means', meaning, style)),
    ...labelled('Kind', sentence(CLASS_WORDS[test.class]), style),
    ...labelled('Measured', `${measured}${test.log10P === null ? '' : `, ${pValue(test.log10P)}`}`, style),
    ...labelled('By chance', expectedWords(test), style),
    ...(power === '' ? [] : labelled('Power', power, style)),
  ];
}
