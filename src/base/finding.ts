import type { Where } from './errors.ts';

/**
 * `error`: act before use; `warning`: look at it; `note`: worth knowing.
 * Severity says how much it matters to the user, never whose fault it is.
 */
export type Severity = 'error' | 'warning' | 'note';

/** What a finding about code in a file stands on; everything is shown short and inert. */
export interface FindingEvidence {
  /** The instruction at `where.byte`, e.g. `STACK_GLOBAL`. */
  readonly opcode?: string;
  /** Path inside the archive or container. */
  readonly member?: string;
  /** What is imported or called, as resolved, e.g. `posix.system`. */
  readonly callable?: string;
  /** What it is given. */
  readonly argument?: string;
}

/** How bad it is to load the file; see docs/rules-safety.md. */
export type FindingTier = 'malicious' | 'suspicious' | 'malformed' | 'informational';

/** One thing wrong, in safety, license or credit alike. `rule` ids are stable and documented in docs/rules.md. */
export interface Finding {
  /** `room/kebab-case`, e.g. `safety/pickle-unknown-global`. */
  readonly rule: string;
  readonly severity: Severity;
  readonly where: Where;
  /** What was found, one sentence with the value in it. */
  readonly what: string;
  /** Why it matters. */
  readonly why: string;
  /** What to do. */
  readonly fix: string;
  /** The rule's source outside this project (a specification section, CWE id, license clause), if any. */
  readonly source?: string;
  /** Findings about safety only. */
  readonly tier?: FindingTier;
  readonly evidence?: FindingEvidence;
}
