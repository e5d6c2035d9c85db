/**
 * Results as a SARIF 2.1.0 log, for code hosts that show them beside files.
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 * @module
 */
import type { Severity } from '../base/index.ts';

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
  readonly full?: string;
  readonly help: string;
  readonly helpUri?: string;
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
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'heirloom',
            version,
            informationUri: 'https://www.npmjs.com/package/heirloom',
            rules: ids.map((id) => {
              const { short, full, help, helpUri } = about(id);
              return {
                id,
                name: nameOf(id),
                shortDescription: { text: short },
                ...(full !== undefined && { fullDescription: { text: full } }),
                help: { text: help },
                ...(helpUri !== undefined && { helpUri }),
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
          partialFingerprints: { 'heirloom/v1': key },
          ...(accepted !== undefined && { suppressions: [{ kind: 'external', justification: accepted }] }),
          ...(properties && { properties }),
        })),
      },
    ],
  };
}

/** Words of an id run together, as SARIF wants names. */
function nameOf(id: string): string {
  return id
    .split(/[/-]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

/** A relative URI reference: spaces and the like are encoded, a folder's file is appended. */
export function sarifUri(locator: string, file?: string): string {
  const base =
    /^[a-z]+:/i.test(locator) && !/^[a-z]:[\\/]/i.test(locator) ? locator : locator.split(/[\\/]/).map(encodeURIComponent).join('/');
  return file === undefined ? base : `${base.replace(/\/$/, '')}/${file.split('/').map(encodeURIComponent).join('/')}`;
}
