/**
 * A license answer as SARIF 2.1.0, for code hosts that show results beside files.
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { Drift, Duty, Reasoning } from '../license/index.ts';
import { NOT_ADVICE } from './license-answer.ts';

export interface SarifInput {
  readonly name: string;
  /** What the user typed: a path or URL; '' for a license. */
  readonly locator: string;
  readonly version: string;
  readonly reasoning: Reasoning;
  readonly drift: readonly Drift[];
  readonly findings: readonly Finding[];
}

type Level = 'error' | 'warning' | 'note';
interface Result {
  readonly ruleId: string;
  readonly level: Level;
  readonly text: string;
  readonly file?: string;
  /** Parts that make the result the same from run to run. */
  readonly key: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Only what is open: rules that hold, duties unmet, changed labels, findings. Rule ids are those of docs/license-rules.md. */
export function toSarif(input: SarifInput): object {
  const results = [...new Map(resultsOf(input).map((result) => [`${result.ruleId} ${result.key}`, result])).values()];
  const ids = [...new Set(results.map((result) => result.ruleId))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'heirloom',
            version: input.version,
            informationUri: 'https://www.npmjs.com/package/heirloom',
            rules: ids.map((id) => ({
              id,
              name: nameOf(id),
              shortDescription: { text: shortOf(id, results) },
              help: { text: NOT_ADVICE },
            })),
          },
        },
        results: results.map((result) => ({
          ruleId: result.ruleId,
          ruleIndex: ids.indexOf(result.ruleId),
          level: result.level,
          message: { text: result.text },
          locations: [
            {
              ...(input.locator !== '' && {
                physicalLocation: { artifactLocation: { uri: uriOf(input.locator, result.file) } },
              }),
              logicalLocations: [{ name: input.name, kind: 'module' }],
            },
          ],
          partialFingerprints: { 'heirloom/v1': result.key },
          ...(result.properties && { properties: result.properties }),
        })),
      },
    ],
  };
}

function resultsOf({ reasoning, drift, findings }: SarifInput): Result[] {
  const out: Result[] = [];
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

function ofDuty(duty: Duty): Result {
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

/** Words of an id run together, as SARIF wants names. */
const nameOf = (id: string): string =>
  id
    .split(/[/-]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
const shortOf = (id: string, results: readonly Result[]): string => results.find((result) => result.ruleId === id)!.text.split('. ')[0]!;

/** A relative URI reference: spaces and the like are encoded, a folder's file is appended. */
function uriOf(locator: string, file: string | undefined): string {
  const base =
    /^[a-z]+:/i.test(locator) && !/^[a-z]:[\\/]/i.test(locator) ? locator : locator.split(/[\\/]/).map(encodeURIComponent).join('/');
  return file === undefined ? base : `${base.replace(/\/$/, '')}/${file.split('/').map(encodeURIComponent).join('/')}`;
}
