/**
 * A license answer as SARIF 2.1.0, for code hosts that show results beside files.
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { Drift, Duty, Reasoning } from '../license/index.ts';
import { NOT_ADVICE } from './license-answer.ts';
import { type SarifResult, sarifLog, sarifUri } from './sarif-log.ts';

export interface SarifInput {
  readonly name: string;
  /** What the user typed: a path or URL; '' for a license. */
  readonly locator: string;
  readonly version: string;
  readonly reasoning: Reasoning;
  readonly drift: readonly Drift[];
  readonly findings: readonly Finding[];
}

/** Only what is open: rules that hold, duties unmet, changed labels, findings. Rule ids are those of docs/license-rules.md. */
export function toSarif(input: SarifInput): object {
  const unique = [...new Map(resultsOf(input).map((result) => [`${result.ruleId} ${result.key}`, result])).values()];
  return sarifLog(
    input.version,
    unique.map((result) => ({
      ...result,
      ...(input.locator !== '' && { uri: sarifUri(input.locator, result.file) }),
      module: input.name,
    })),
    (id) => ({ short: unique.find((result) => result.ruleId === id)!.text.split('. ')[0]!, help: NOT_ADVICE }),
  );
}

function resultsOf({ reasoning, drift, findings }: SarifInput): SarifResult[] {
  const out: SarifResult[] = [];
  for (const hit of reasoning.rules)
    if (hit.holds === 'yes' && hit.severity !== 'info')
      out.push({
        ruleId: `license/${hit.slug}`,
        level: hit.severity === 'warn' ? 'note' : 'warning',
        text: `${hit.what}. ${quotes(hit.cites)}`.trim(),
        key: [hit.rule, hit.license, hit.other ?? '', hit.model].join('|'),
        properties: { rule: hit.rule, certainty: hit.certainty, clauses: hit.cites, path: hit.path },
      });
  for (const duty of reasoning.duties) if (duty.status === 'unmet') out.push(ofDuty(duty));
  for (const one of drift)
    if (one.kind === 'loosened' || one.kind === 'relabelled' || one.kind === 'dropped')
      out.push({
        ruleId: `license/label-${one.kind}`,
        level: 'warning',
        text: one.what,
        file: 'README.md',
        key: [one.kind, one.ancestor, ...one.from].join('|'),
      });
  for (const finding of findings)
    out.push({
      ruleId: finding.rule,
      level: finding.severity,
      text: [finding.what, finding.why, finding.fix].filter(Boolean).join('. '),
      ...(finding.where.file !== undefined && { file: finding.where.file }),
      key: [finding.rule, finding.where.file ?? '', finding.where.field ?? '', finding.what].join('|'),
    });
  return out;
}

function ofDuty(duty: Duty): SarifResult {
  return {
    ruleId: `license/${duty.id.slice(duty.id.lastIndexOf('/') + 1).replace('.', '-')}`,
    level: 'warning',
    text: `this clause appears unmet: ${duty.what}. ${quotes([duty.from])}`,
    key: [duty.id, duty.from.section].join('|'),
    properties: { clauses: [duty.from], because: duty.because },
  };
}

const quotes = (cites: readonly { license: string; section: string; quote: string }[]): string =>
  cites.map((cite) => `${cite.license} ${cite.section}: "${cite.quote}"`).join('; ');
