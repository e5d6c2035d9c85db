/**
 * A scan on the terminal: how many files of each verdict, then the gravest files first. What a rule means is told where it
 * first comes up.
 * @module
 */
import type { Finding, Severity } from '../base/index.ts';
import type { FileSafety, SafetyVerdict } from '../safety/index.ts';
import { findingLines, MAX_SHOWN, sortFindings } from './findings.ts';
import { labelled, paint, prose, type Style, type Tone } from './style.ts';
import { counted, sentence } from './words.ts';

const ORDER: readonly SafetyVerdict[] = ['malicious', 'suspicious', 'unreadable', 'clean'];
const TONES: { readonly [verdict in SafetyVerdict]: Tone } = {
  malicious: 'bad',
  suspicious: 'careful',
  unreadable: 'careful',
  clean: 'good',
};
const SEVERITY_TONES: { readonly [severity in Severity]: Tone } = { error: 'bad', warning: 'careful', note: 'quiet' };
/** Files with nothing to tell are listed one by one up to this many, else counted. */
const MAX_QUIET = 10;

/** @param listing what is wrong with folders and policies themselves. Ends with a newline. */
export function renderScan(files: readonly FileSafety[], listing: readonly Finding[], style: Style): string {
  const told = new Set<string>();
  const lines = prose(summary(files), style, 0);
  const quiet = files.filter(isQuiet);
  const loud = ORDER.flatMap((verdict) => files.filter((file) => file.verdict === verdict && !isQuiet(file)));
  let shown = 0;
  for (const [index, file] of loud.entries()) {
    if (shown >= MAX_SHOWN) {
      lines.push('', ...prose(`… and ${counted(loud.length - index, 'more file')}; --json lists every one`, style, 0));
      break;
    }
    const groups = byRule(file.findings);
    lines.push('', ...head(file, style), ...groups.flatMap((group) => ruleLines(group, file.path, told, style)));
    if (file.error && groups.length === 0) lines.push(...prose(sentence(file.error.message), style, 4));
    if (file.error?.hint !== undefined) lines.push(...prose(file.error.hint, style, 4, 'hint: '));
    for (const { finding, reason, expires } of file.accepted ?? [])
      lines.push(
        ...prose([`accepted until ${expires} `, { text: finding.rule, tone: 'quiet' }], style, 2),
        ...prose(placed(finding, file.path), style, 4),
        ...prose(reason, style, 4, 'reason: '),
      );
    shown += groups.length;
  }
  if (quiet.length > 0 && quiet.length <= MAX_QUIET) lines.push('', ...quiet.flatMap((file) => head(file, style)));
  // The first line has said so when there is nothing else.
  if (quiet.length > MAX_QUIET && loud.length > 0)
    lines.push('', `${paint('clean     ', TONES.clean, style)} ${counted(quiet.length, 'file')} with nothing to tell`);
  const rest = findingLines(listing, style, 0);
  if (rest.length > 0) lines.push('', ...rest);
  return `${lines.join('\n')}\n`;
}

function isQuiet({ verdict, findings, accepted = [], error }: FileSafety): boolean {
  return verdict === 'clean' && findings.length === 0 && accepted.length === 0 && !error;
}

/** `12 files: 1 malicious, 11 clean`. */
function summary(files: readonly FileSafety[]): string {
  const parts = ORDER.flatMap((verdict) => {
    const n = files.filter((file) => file.verdict === verdict).length;
    return n === 0 ? [] : [`${n} ${verdict}`];
  });
  return `${counted(files.length, 'file')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}

function head({ verdict, path, format }: FileSafety, style: Style): string[] {
  return labelled(verdict, [path, { text: ` (${format})`, tone: 'quiet' }], style, { indent: 0, column: 11, tone: TONES[verdict] });
}

/** Findings of one rule together, the gravest rule first. */
function byRule(findings: readonly Finding[]): Finding[][] {
  const groups = new Map<string, Finding[]>();
  for (const finding of sortFindings(findings)) groups.set(finding.rule, [...(groups.get(finding.rule) ?? []), finding]);
  return [...groups.values()];
}

function ruleLines(group: readonly Finding[], path: string, told: Set<string>, style: Style): string[] {
  const { rule, severity, why, fix, source } = group[0]!;
  const isNew = !told.has(rule);
  told.add(rule);
  return [
    ...prose([{ text: severity, tone: SEVERITY_TONES[severity] }, ' ', { text: rule, tone: 'quiet' }], style, 2),
    ...group.flatMap((finding) => prose(placed(finding, path), style, 4)),
    ...(isNew && why !== '' ? prose(sentence(why), style, 4, 'why: ') : []),
    ...(isNew && fix !== '' ? prose(fix, style, 4, 'fix: ') : []),
    ...(isNew && source !== undefined ? prose({ text: source, tone: 'quiet' }, style, 4, 'source: ') : []),
  ];
}

/** `data.pkl, byte 28, REDUCE: The pickle calls posix.system, which runs programs. Given: ("id")`. */
function placed({ where, what, evidence }: Finding, path: string): (string | { text: string; tone: Tone })[] {
  const file = where.file ?? '';
  const member = file.includes('!') ? file.slice(file.indexOf('!') + 1) : path.endsWith(file) ? '' : file;
  const place = [
    member,
    where.byte === undefined ? '' : `byte ${where.byte}`,
    where.field === undefined ? '' : /^line \d+$/.test(where.field) ? where.field : `field "${where.field}"`,
    evidence?.opcode ?? '',
  ].filter((part) => part !== '');
  const text = sentence(what.startsWith(`${file}: `) ? what.slice(file.length + 2) : what);
  return [
    place.length > 0 ? `${place.join(', ')}: ` : '',
    { text, tone: 'strong' },
    evidence?.argument === undefined || evidence.argument === '()' || what.includes(evidence.argument)
      ? ''
      : ` Given: ${evidence.argument}`,
  ];
}
