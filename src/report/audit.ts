/**
 * An audit of labels as text and as CSV (RFC 4180), row by row.
 * @module
 */
import type { AuditRow, AuditSummary } from '../credit/index.ts';
import { humanCount } from './numbers.ts';
import { type Style } from './style.ts';
import { renderTable } from './table.ts';
import { clean } from './text.ts';

export const AUDIT_CSV_HEAD = 'name,from,declared,effective,drift,through,bases,bases_not_found,findings,error\r\n';

export function auditCsv(row: AuditRow): string {
  const cells = [
    row.name,
    row.from,
    row.declared.join(' AND '),
    row.effective.join(' AND '),
    row.drift,
    row.through ?? '',
    row.bases.map((base) => base.name).join(' '),
    row.bases
      .filter((base) => base.found === 'not-found')
      .map((base) => base.name)
      .join(' '),
    row.findings.map((finding) => finding.rule).join(' '),
    row.error ? `${row.error.code}: ${row.error.message}` : '',
  ];
  return `${cells.map(cell).join(',')}\r\n`;
}

function cell(text: string): string {
  // A name that begins like a formula is run by spreadsheets. (CWE-1236)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Lines for a row that says something to act on; '' for the others. */
export function auditRowText(row: AuditRow): string {
  if (row.error) return `unreadable ${clean(row.name)}: ${clean(row.error.message)}\n`;
  const isOpen = row.drift === 'dropped' || row.drift === 'loosened' || row.drift === 'relabelled';
  const head = isOpen
    ? `${row.drift.padEnd(10)} ${clean(row.name)}: declares ${ids(row.declared)}; bound by ${ids(row.effective)}${row.through === undefined ? '' : ` (through ${clean(row.through)})`}\n`
    : row.findings.length > 0
      ? `look at    ${clean(row.name)}\n`
      : '';
  return head + row.findings.map((finding) => `             ${clean(finding.rule)}: ${clean(finding.what)}\n`).join('');
}

const ids = (list: readonly string[]): string => (list.length === 0 ? 'nothing' : list.map((id) => clean(id)).join(' and '));

/** What each kind of drift means, in the order told. */
export const DRIFT_WORDS: Readonly<Record<AuditRow['drift'], string>> = {
  dropped: 'a base has a license and nothing here mentions one',
  loosened: 'declares less than a base hands down',
  relabelled: 'declares another license than a base’s',
  tightened: 'declares more than its bases ask',
  kept: 'declares what its bases hand down',
  unknown: 'names a base whose license is not known here',
  none: 'names no base',
};

const MAX_FLOWS = 25;

export function renderAuditSummary(summary: AuditSummary, style: Style): string {
  const share = (n: number): string => (summary.models === 0 ? '' : `${((100 * n) / summary.models).toFixed(1)} %`);
  const kinds = (Object.keys(DRIFT_WORDS) as AuditRow['drift'][]).map((drift) => ({ drift: drift as string, models: summary.drift[drift], share: share(summary.drift[drift]), meaning: DRIFT_WORDS[drift] })); // prettier-ignore
  if (summary.unreadable > 0)
    kinds.push({ drift: 'unreadable', models: summary.unreadable, share: share(summary.unreadable), meaning: 'could not be read' });
  const flows = summary.flows.filter((flow) => flow.declared !== flow.effective);
  const rows = flows.slice(0, MAX_FLOWS).map((flow) => ({ declared: flow.declared, 'bound by': flow.effective, models: flow.models }));
  const found = Object.entries(summary.findings).map(([finding, models]) => ({ finding, models }));
  const more = flows.length - rows.length;
  return [
    `${humanCount(summary.models)} models\n\n${renderTable(kinds, style)}`,
    rows.length > 0
      ? `\nlabels that say less or other than what binds:\n${renderTable(rows, style)}${more > 0 ? `… and ${more} more pairs\n` : ''}`
      : '',
    found.length > 0 ? `\nfindings:\n${renderTable(found, style)}` : '',
  ].join('');
}
