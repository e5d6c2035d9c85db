/**
 * Results as a SARIF 2.1.0 log, for code hosts that show them beside files.
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 * @module
 */
import { type Severity, sha256, toHex } from '../base/index.ts';

export interface SarifResult {
  readonly ruleId: string;
  readonly level: Severity;
  readonly text: string;
  readonly file?: string;
  /** Parts that make the result the same from run to run. */
  readonly key: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface PlacedResult extends SarifResult {
  /** Relative URI reference of the file it speaks of. */
  readonly uri?: string;
  /** Offset in the file, in bytes (section 3.30.9). */
  readonly byte?: number;
  /** Name of the model, or of a member of an archive. */
  readonly module?: string;
  /** Why a policy accepts it: the result is then suppressed, not left out (section 3.27.23). */
  readonly accepted?: string;
}

/** What is said of a rule, whatever it found. */
export interface RuleAbout {
  readonly short: string;
  /** The short one when there is no more to say: code hosts ask for both. */
  readonly full?: string;
  readonly help: string;
  /** Shown in place of `help` by code hosts. */
  readonly markdown?: string;
  readonly level?: Severity;
  /** How grave a security rule is, over 0.0 to 10.0: code hosts then say critical, high, medium or low. */
  readonly securitySeverity?: string;
}

/** What could not be looked at: the run then did not succeed (section 3.20.14). */
export interface SarifProblem {
  readonly uri?: string;
  readonly text: string;
}

export function sarifLog(
  version: string,
  results: readonly PlacedResult[],
  about: (ruleId: string) => RuleAbout,
  problems?: readonly SarifProblem[],
): object {
  const ids = [...new Set(results.map((result) => result.ruleId))].sort();
  const fingerprint = fingerprints();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'heirloom',
            version,
            rules: ids.map((id) => {
              const { short, full = short, help, markdown, level, securitySeverity } = about(id);
              return {
                id,
                name: nameOf(id),
                shortDescription: { text: short },
                fullDescription: { text: full },
                help: { text: help, ...(markdown !== undefined && { markdown }) },
                ...(level && { defaultConfiguration: { level } }),
                ...(securitySeverity && { properties: { tags: ['security'], 'security-severity': securitySeverity } }),
              };
            }),
          },
        },
        ...(problems && {
          invocations: [
            {
              executionSuccessful: problems.length === 0,
              toolExecutionNotifications: problems.map(({ uri, text }) => ({
                level: 'error',
                message: { text },
                ...(uri !== undefined && { locations: [{ physicalLocation: { artifactLocation: { uri } } }] }),
              })),
            },
          ],
        }),
        results: results.map(({ ruleId, level, text, key, properties, uri, byte, module, accepted }) => ({
          ruleId,
          ruleIndex: ids.indexOf(ruleId),
          level,
          message: { text },
          locations: [
            {
              ...(uri !== undefined && {
                physicalLocation: { artifactLocation: { uri }, ...(byte !== undefined && { region: { byteOffset: byte } }) },
              }),
              ...(module !== undefined && { logicalLocations: [{ name: module, kind: 'module' }] }),
            },
          ],
          partialFingerprints: { primaryLocationLineHash: fingerprint(key) },
          ...(accepted !== undefined && { suppressions: [{ kind: 'external', justification: accepted }] }),
          ...(properties && { properties }),
        })),
      },
    ],
  };
}

/**
 * GitHub tells results of one run from those of the next by `primaryLocationLineHash` alone, written as a hash and the count of
 * its like so far (docs.github.com, "SARIF support for code scanning").
 */
function fingerprints(): (key: string) => string {
  const seen = new Map<string, number>();
  return (key) => {
    const hash = toHex(sha256(new TextEncoder().encode(key))).slice(0, 16);
    const n = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, n);
    return `${hash}:${n}`;
  };
}

/** Words of an id run together, as SARIF wants names. */
function nameOf(id: string): string {
  return id
    .split(/[/-]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

/** A URI reference: relative for a relative path, `file:` for any other; spaces and the like are encoded, a folder's file is appended. */
export function sarifUri(locator: string, file?: string): string {
  const encoded = (path: string): string => path.split(/[\\/]/).map(encodeURIComponent).join('/');
  const drive = /^[a-z]:(?=[\\/])/i.exec(locator)?.[0];
  const base = drive
    ? `file:///${drive}${encoded(locator.slice(2))}`
    : /^[a-z]+:/i.test(locator)
      ? encodeURI(locator)
      : locator.startsWith('/')
        ? `file://${encoded(locator)}`
        : encoded(locator.replace(/^(\.[\\/])+/, ''));
  return file === undefined ? base : `${base.replace(/\/$/, '')}/${encoded(file)}`;
}
