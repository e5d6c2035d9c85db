/**
 * Findings on the terminal: the gravest first, each with where, what, why and what to do.
 * @module
 */
import { describeWhere, type Finding, type Severity } from '../base/index.ts';
import { prose, type Style, type Tone } from './style.ts';
import { sentence } from './words.ts';

const ORDER: { readonly [severity in Severity]: number } = { error: 0, warning: 1, note: 2 };
const TONES: { readonly [severity in Severity]: Tone } = { error: 'bad', warning: 'careful', note: 'quiet' };

/** More findings than this are counted by severity, not printed; the JSON answer has them all. (CWE-770) */
export const MAX_SHOWN = 200;

/** Stable: the order given, within one severity. Findings that say the same about the same place are told once. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  const unique = findings.filter((finding) => {
    const key = JSON.stringify([finding.rule, finding.where.file, finding.where.byte, finding.where.field, finding.what]);
    return !seen.has(key) && seen.add(key);
  });
  return unique.sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
}

/** `2 errors, 1 warning`; `none` for no findings. */
export function countFindings(findings: readonly Finding[]): string {
  const parts = (['error', 'warning', 'note'] as const).flatMap((severity) => {
    const n = findings.filter((finding) => finding.severity === severity).length;
    return n === 0 ? [] : [`${n} ${severity}${n === 1 ? '' : 's'}`];
  });
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** All findings, gravest first, ending with a newline; the empty string for none. */
export function renderFindings(findings: readonly Finding[], style: Style): string {
  const lines = findingLines(findings, style, 0);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

export function findingLines(findings: readonly Finding[], style: Style, indent: number): string[] {
  const sorted = sortFindings(findings);
  const lines: string[] = [];
  for (const finding of sorted.slice(0, MAX_SHOWN)) {
    if (lines.length > 0) lines.push('');
    lines.push(...oneFinding(finding, style, indent));
  }
  if (sorted.length > MAX_SHOWN) lines.push('', `${' '.repeat(indent)}… and ${countFindings(sorted.slice(MAX_SHOWN))} more`);
  return lines;
}

function oneFinding(finding: Finding, style: Style, indent: number): string[] {
  const where = describeWhere(finding.where);
  const deep = indent + 2;
  return [
    ...prose([{ text: finding.severity, tone: TONES[finding.severity] }, '  ', { text: finding.rule, tone: 'quiet' }], style, indent),
    ...(where === '' ? [] : prose(where, style, deep)),
    ...prose({ text: sentence(finding.what), tone: 'strong' }, style, deep),
    ...(finding.why === '' ? [] : prose(sentence(finding.why), style, deep)),
    ...(finding.fix === '' ? [] : prose(finding.fix, style, deep, 'fix: ')),
    ...(finding.source === undefined ? [] : prose({ text: finding.source, tone: 'quiet' }, style, deep, 'source: ')),
  ];
}
