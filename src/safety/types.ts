import type { Finding, HeirloomError } from '../base/index.ts';

/**
 * `malicious`: loading it runs or destroys something no model needs. `suspicious`: loading it depends on code or tricks nobody
 * here can vouch for. `unreadable`: it could not be judged to the end. `clean`: nothing of the kind was found, which proves nothing.
 */
export type SafetyVerdict = 'malicious' | 'suspicious' | 'clean' | 'unreadable';

/** What was found in one file. */
export interface FileSafety {
  readonly path: string;
  /** What the bytes are: `pytorch`, `pickle`, `zip`, `gguf`, `text`, `unknown`... */
  readonly format: string;
  readonly verdict: SafetyVerdict;
  readonly findings: readonly Finding[];
  /** `module.name` of all that pickles in it import, as they spell it, in order of first appearance; absent when there is none. */
  readonly imports?: readonly string[];
  /** Found, and accepted by a policy. */
  readonly accepted?: readonly AcceptedFinding[];
  /** Why its bytes could not be had. */
  readonly error?: ReturnType<HeirloomError['toJSON']>;
}

/** A finding that a policy accepts, with the reason given and the last day on which it holds. */
export interface AcceptedFinding {
  readonly finding: Finding;
  readonly reason: string;
  readonly expires: string;
}

export interface SafetyReport {
  /** The worst of all files. */
  readonly verdict: SafetyVerdict;
  /** In the tree's order. */
  readonly files: readonly FileSafety[];
}
