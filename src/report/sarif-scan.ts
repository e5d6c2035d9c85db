/**
 * What a scan found, as SARIF 2.1.0.
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { FileSafety } from '../safety/index.ts';
import { type PlacedResult, sarifLog, type SarifProblem, sarifUri } from './sarif-log.ts';
import { clean } from './text.ts';

/** Where the pages on rules stand, below the root of the project and of the package. */
const PAGES = 'docs/rules/safety';

/** A scanned file; one that could not be read has an error. */
export interface ScannedFile extends FileSafety {
  readonly error?: { readonly code: string; readonly message: string };
}

/**
 * @param files with the paths as they are shown. @param listing what is wrong with folders themselves.
 * Findings of all tiers are results; what was not read to the end is told as a run that did not succeed.
 */
export function toScanSarif(version: string, files: readonly ScannedFile[], listing: readonly Finding[]): object {
  const rules = new Map<string, Finding>();
  const results = [
    ...files.flatMap(({ path, findings, accepted = [] }) => [
      ...findings.map((finding) => placed(finding, path)),
      ...accepted.map(({ finding, reason, expires }) => ({ ...placed(finding, path), accepted: `${reason} (until ${expires})` })),
    ]),
    ...listing.map((one) => placed(one, undefined)),
  ];
  for (const finding of [...files.flatMap((file) => [...file.findings, ...(file.accepted ?? []).map((one) => one.finding)]), ...listing])
    if (!rules.has(finding.rule)) rules.set(finding.rule, finding);
  const problems = files.flatMap((file): SarifProblem[] => {
    if (file.error) return [{ uri: sarifUri(file.path), text: file.error.message }];
    return file.verdict === 'unreadable' ? [{ uri: sarifUri(file.path), text: `${clean(file.path)} was not judged to its end` }] : [];
  });
  return sarifLog(
    version,
    results,
    (id) => {
      const { why, fix, source } = rules.get(id)!;
      const page = `${PAGES}/${id.slice(id.indexOf('/') + 1)}.md`;
      return {
        short: why,
        help: `${fix}${source ? ` (${source})` : ''}.`,
        ...(id.startsWith('safety/') && { helpUri: `https://unpkg.com/heirloom@${version}/${page}` }),
      };
    },
    problems,
  );
}

function placed({ rule, severity, where, what, why, tier, evidence }: Finding, path: string | undefined): PlacedResult {
  const member = evidence?.member ?? (where.file?.includes('!') ? where.file.slice(where.file.indexOf('!') + 1) : undefined);
  return {
    ruleId: rule,
    level: severity,
    text: `${what}. ${why}`,
    ...(path !== undefined && { uri: sarifUri(path) }),
    // An offset inside a packed member is none of the file.
    ...(where.byte !== undefined && where.byte >= 0 && member === undefined && { byte: where.byte }),
    ...(member !== undefined && { module: member }),
    key: [rule, path ?? '', where.file ?? '', where.byte ?? '', where.field ?? '', what].join('|'),
    properties: { ...(tier && { tier }), ...(where.byte !== undefined && { byte: where.byte }), ...evidence },
  };
}
