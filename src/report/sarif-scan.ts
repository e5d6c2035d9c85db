/**
 * What a scan found, as SARIF 2.1.0.
 * @module
 */
import type { Finding, FindingTier, Severity } from '../base/index.ts';
import type { FileSafety } from '../safety/index.ts';
import { type PlacedResult, sarifLog, type SarifProblem, sarifUri } from './sarif-log.ts';
import { clean } from './text.ts';
import { sentence } from './words.ts';

/** A scanned file; one that could not be read has an error. */
export interface ScannedFile extends FileSafety {
  readonly error?: { readonly code: string; readonly message: string };
}

/** Code hosts refuse a run of more results (GitHub: 25,000). */
const MAX_RESULTS = 25_000;
const SECURITY: { readonly [tier in FindingTier]?: string } = { malicious: '9.5', suspicious: '6.5', malformed: '4.5' };
const LEVELS: readonly Severity[] = ['error', 'warning', 'note'];

export interface ScanSarif {
  readonly version: string;
  /** With the paths as they are shown. */
  readonly files: readonly ScannedFile[];
  /** What is wrong with folders and policies themselves. */
  readonly listing: readonly Finding[];
  /** The page on a rule, in Markdown; it travels with the log, so that nobody has to fetch it. */
  readonly page: (rule: string) => string | undefined;
}

/** Findings of all tiers are results; what was not read to the end is told as a run that did not succeed. */
export function toScanSarif({ version, files, listing, page }: ScanSarif): object {
  const results = [
    ...files.flatMap(({ path, findings, accepted = [] }) => [
      ...findings.map((finding) => placed(finding, path)),
      ...accepted.map(({ finding, reason, expires }) => ({ ...placed(finding, path), accepted: `${reason} (until ${expires})` })),
    ]),
    // Code hosts refuse a log with a result that has no place.
    ...listing.map((one) => placed(one, one.where.file ?? '.')),
  ];
  const all = [...files.flatMap((file) => [...file.findings, ...(file.accepted ?? []).map((one) => one.finding)]), ...listing];
  const rules = new Map(all.map((finding) => [finding.rule, finding]));
  const problems = files.flatMap((file): SarifProblem[] => {
    if (file.error) return [{ uri: sarifUri(file.path), text: file.error.message }];
    return file.verdict === 'unreadable' ? [{ uri: sarifUri(file.path), text: `${clean(file.path)} was not judged to its end` }] : [];
  });
  const sorted = LEVELS.flatMap((level) => results.filter((result) => result.level === level));
  const kept = sorted.length > MAX_RESULTS ? sorted.slice(0, MAX_RESULTS) : results;
  if (kept !== results)
    problems.push({ text: `${results.length - MAX_RESULTS} results more than a code host takes were left out, the least grave` });
  return sarifLog(
    version,
    kept,
    (id) => {
      const { why, fix, source, severity, tier } = rules.get(id)!;
      const markdown = page(id);
      const securitySeverity = tier && SECURITY[tier];
      return {
        short: sentence(why),
        help: `${sentence(fix)}${source ? ` (${source})` : ''}`,
        level: severity,
        ...(markdown !== undefined && { markdown }),
        ...(securitySeverity !== undefined && { securitySeverity }),
      };
    },
    problems,
  );
}

function placed({ rule, severity, where, what, why, tier, evidence }: Finding, path: string): PlacedResult {
  const member = evidence?.member ?? (where.file?.includes('!') ? where.file.slice(where.file.indexOf('!') + 1) : undefined);
  return {
    ruleId: rule,
    level: severity,
    text: `${sentence(what)} ${sentence(why)}`,
    uri: sarifUri(path),
    // An offset inside a packed member is none of the file.
    ...(where.byte !== undefined && where.byte >= 0 && member === undefined && { byte: where.byte }),
    ...(member !== undefined && { module: member }),
    // Without the byte: a file saved again has the same finding a little further on.
    key: [rule, path, where.file ?? '', where.field ?? '', what].join('|'),
    properties: { ...(tier && { tier }), ...(where.byte !== undefined && { byte: where.byte }), ...evidence },
  };
}
