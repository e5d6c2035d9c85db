/**
 * One assessment on the terminal. The first lines answer the four questions; the rest says on what grounds.
 * @module
 */
import type { Assessment } from '../assess/index.ts';
import { countFindings, findingLines } from './findings.ts';
import { humanBytes, humanCount, percent } from './numbers.ts';
import { allFindings, CLAIM_WORDS, DRIFT_WORDS, outcomeOf, SAFETY_WORDS, summaryOf } from './outline.ts';
import { labelled, paint, prose, type Style } from './style.ts';
import { limitLines, limitsOf, relationLines } from './terminal-relation.ts';
import { clean } from './text.ts';
import { counted, sentence, tieWords } from './words.ts';

/** Relations, files and duties listed on the terminal; the page and the JSON answer carry all. */
const MAX_LISTED = 12;
/** A longer name in the first line would push the answers out of sight. */
const MAX_NAME = 120;

/**
 * The terminal report. No line is wider than `style.columns` (at least 40); foreign text is cleaned; color only when asked for.
 * Ends with a newline.
 */
export function renderAssessment(a: Assessment, style: Style): string {
  const findings = allFindings(a);
  const sections: string[][] = [
    identity(a, style),
    summaryOf(a).flatMap((line) =>
      labelled(line.label, { text: line.text, tone: line.tone }, style, { indent: 0, column: 10, tone: 'strong' }),
    ),
    lineage(a, style),
    license(a, style),
    credit(a, style),
    safety(a, style),
    findings.length === 0 ? [] : [heading(`Findings: ${countFindings(findings)}`, style), ...findingLines(findings, style, 2)],
    closing(a, style),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function heading(text: string, style: Style): string {
  return paint(text, 'strong', style);
}

function identity(a: Assessment, style: Style): string[] {
  const { subject } = a;
  const size = subject.files.reduce((sum, file) => sum + file.size, 0);
  const facts = [
    ...(subject.tensors === 0 ? ['no weights read'] : [subject.format]),
    ...(subject.architecture === '' ? [] : [subject.architecture]),
    ...(subject.tensors === 0 ? [] : [`${humanCount(subject.parameters)} parameters`]),
    `${counted(subject.files.length, 'file')} (${humanBytes(size)})`,
  ];
  return [
    ...prose([{ text: clean(subject.name, MAX_NAME), tone: 'strong' }, `: ${facts.join(', ')}`], style, 0),
    ...prose({ text: subject.digest, tone: 'quiet' }, style, 0),
  ];
}

function lineage(a: Assessment, style: Style): string[] {
  const { relations, claims, register, limits } = a.lineage;
  const lines: string[] = [];
  for (const relation of relations.slice(0, MAX_LISTED)) {
    if (lines.length > 0) lines.push('');
    const { ancestor } = relation;
    lines.push(...labelled('Compared', `${ancestor.name} (${ancestor.locator}), license: ${licenseOf(ancestor)}`, style));
    if (relations.length > 1) lines.push(...labelled('', tieWords(relation), style));
    lines.push(...relationLines(relation, style));
  }
  if (relations.length > MAX_LISTED) lines.push(`  … and ${relations.length - MAX_LISTED} more relations`);
  for (const claim of claims.slice(0, MAX_LISTED)) lines.push(...labelled('Claimed', claimLine(claim, relations), style));
  if (claims.length > MAX_LISTED) lines.push(`  … and ${claims.length - MAX_LISTED} more claims`);
  if (relations.length === 0 && register.compared < register.models)
    lines.push(...labelled('Register', `${counted(register.models, 'known model')}, ${register.compared} compared`, style));
  lines.push(...limitLines([...relations.slice(0, MAX_LISTED).flatMap(limitsOf), ...limits].slice(0, 4 * MAX_LISTED), style));
  return lines.length === 0 ? [] : [heading('Lineage', style), ...lines];
}

/** Why it is so has been said where a relation above says the same. */
function claimLine(claim: Assessment['lineage']['claims'][number], relations: Assessment['lineage']['relations']): string {
  const told = relations.slice(0, MAX_LISTED).some((relation) => relation.because === claim.because);
  return `${claim.name} (${claim.from}): ${CLAIM_WORDS[claim.verdict]}.${told ? '' : ` ${sentence(claim.because)}`}`;
}

function licenseOf(ancestor: Assessment['lineage']['relations'][number]['ancestor']): string {
  return ancestor.licenseLabel === '' && ancestor.licenses.length === 0
    ? 'not known'
    : ancestor.licenseLabel || ancestor.licenses.join(', ');
}

function license(a: Assessment, style: Style): string[] {
  const { declared, found, effective, duties, drift } = a.license;
  const lines: string[] = [];
  const list = (label: string, items: readonly string[], none: string): void => {
    if (items.length === 0) lines.push(...labelled(label, { text: none, tone: 'quiet' }, style));
    items.slice(0, MAX_LISTED).forEach((item, i) => lines.push(...labelled(i === 0 ? label : '', item, style)));
    if (items.length > MAX_LISTED) lines.push(...labelled('', `… and ${items.length - MAX_LISTED} more`, style));
  };
  list(
    'Declared',
    declared.map((item) => `${item.value}${item.id !== null && item.id !== item.value ? ` (${item.id})` : ''}, ${item.from}`),
    'nothing',
  );
  list('In files', found.map(foundWords), 'no license text known here');
  list(
    'Binding',
    effective.ids.length === 0 ? [] : [`${effective.ids.join(', ')}. ${sentence(effective.why)}`],
    `nothing known. ${sentence(effective.why)}`,
  );
  if (drift.length > 0)
    list(
      'Drift',
      drift.map((item) => `${item.ancestor}: ${DRIFT_WORDS[item.kind]}. ${sentence(item.what)}`),
      '',
    );
  const open = duties.filter((duty) => duty.status !== 'met');
  if (open.length > 0)
    list(
      'Duties',
      open.map(
        (duty) => `${duty.status === 'unmet' ? 'appears unmet' : 'to check'}: ${duty.what} (${duty.from.license}, ${duty.from.section})`,
      ),
      '',
    );
  return [heading('License', style), ...lines];
}

function foundWords(found: Assessment['license']['found'][number]): string {
  const how = { text: 'full text', header: 'header', reference: 'named', tag: 'tag' }[found.by];
  const changed = found.modified ? `, changed in ${counted(found.differs.length, 'place')}` : '';
  const share = found.by === 'text' && found.coverage < 1 ? `, ${percent(found.coverage)} of its words` : '';
  return `${found.id}, ${found.file} (${how}${share}${changed})`;
}

function credit(a: Assessment, style: Style): string[] {
  const { ancestors, met } = a.credit;
  if (ancestors.length === 0 && met.length === 0) return [];
  const lines = ancestors
    .slice(0, MAX_LISTED)
    .flatMap((item) =>
      labelled(item.named ? 'Named' : 'Not named', `${item.name}${item.where.length > 0 ? `, ${item.where.join(', ')}` : ''}`, style),
    );
  for (const item of met.slice(0, MAX_LISTED)) lines.push(...labelled('Met', `${item.what}, ${item.where}`, style));
  return [heading('Credit', style), ...lines];
}

function safety(a: Assessment, style: Style): string[] {
  const notClean = a.safety.files.filter((file) => file.verdict !== 'clean');
  if (notClean.length === 0) return [];
  const lines = notClean.slice(0, MAX_LISTED).flatMap((file) =>
    labelled(file.verdict, [`${file.path} (${file.format}): `, countFindings(file.findings)], style, {
      tone: SAFETY_WORDS[file.verdict].tone,
    }),
  );
  if (notClean.length > MAX_LISTED) lines.push(`  … and ${notClean.length - MAX_LISTED} more files`);
  return [heading('Safety', style), ...lines];
}

function closing(a: Assessment, style: Style): string[] {
  const { exitCode, toActOn, next } = outcomeOf(a);
  const exit = exitCode === 0 ? 'exit 0' : `exit 1: ${toActOn} to act on`;
  const read = `Read ${humanBytes(a.read.bytes)} in ${counted(a.read.requests, 'request')}; digest over ${a.subject.digestCovers}; ${a.tool.name} ${a.tool.version}.`;
  return [
    ...prose({ text: read, tone: 'quiet' }, style, 0),
    ...labelled('Next', [next, { text: ` (${exit})`, tone: 'quiet' }], style, { indent: 0, column: 6, tone: 'strong' }),
  ];
}
