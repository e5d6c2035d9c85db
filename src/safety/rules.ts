/**
 * The rules as data, and findings made from them. Rule ids are listed in docs/rules-safety.md.
 * @module
 */
import type { Finding, FindingEvidence, FindingTier, Severity, Where } from '../base/index.ts';
import type { Turn } from './turns.ts';
import type { SafetyVerdict } from './types.ts';

interface Rule {
  readonly id: string;
  readonly verdict: SafetyVerdict;
  readonly severity: Severity;
  readonly why: string;
  readonly fix: string;
  readonly source: string;
}
export interface Library {
  readonly module: string;
  readonly name: string;
  readonly what: string;
  readonly only?: string;
  /** Modules of it that are left out: they hold, or import, what reads files or runs code. */
  readonly not?: string;
  /** Whether its classes are made with texts (names of settings); else a text is a finding. */
  readonly texts?: boolean;
  /** Functions that honest files name and never call. */
  readonly named?: boolean;
}
interface Allowed {
  readonly data: Readonly<Record<string, readonly string[]>>;
  readonly libraries: readonly Library[];
}
interface Denied {
  readonly modules: Readonly<Record<string, string>>;
  readonly names: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly code: Readonly<Record<string, readonly string[]>>;
  readonly renamed: Readonly<Record<string, string>>;
}
export interface ArgumentRules {
  readonly never: readonly string[];
  /** Callable → alternatives, each a list of types. */
  readonly signatures: Readonly<Record<string, readonly string[]>>;
}
export interface Rulebook {
  readonly rules: ReadonlyMap<string, Rule>;
  readonly allowed: Allowed;
  readonly denied: Denied;
  readonly argumentRules: ArgumentRules;
}

let book: Promise<Rulebook> | undefined;
/** Read once, when first needed. */
export function rulebook(): Promise<Rulebook> {
  book ??= (async (): Promise<Rulebook> => {
    const [rules, allowed, denied, argumentRules] = await Promise.all([
      import('./rules.json', { with: { type: 'json' } }),
      import('./allowed-globals.json', { with: { type: 'json' } }),
      import('./denied-globals.json', { with: { type: 'json' } }),
      import('./argument-rules.json', { with: { type: 'json' } }),
    ]);
    return {
      rules: new Map((rules.default as readonly Rule[]).map((rule) => [rule.id, rule])),
      allowed: allowed.default as unknown as Allowed,
      denied: denied.default as unknown as Denied,
      argumentRules: argumentRules.default as ArgumentRules,
    };
  })();
  return book;
}

/** Findings of one rule kept per file; a file of a million bad members is as bad as one of twenty. (CWE-770) */
export const MAX_PER_RULE = 20;

/** Collects what is found in one file. */
export interface Collector {
  readonly findings: Finding[];
  readonly book: Rulebook;
  /** Bytes unpacked so far, over all members. */
  unpacked: number;
  readonly work: PickleWork;
  readonly turn?: Turn;
  readonly signal?: AbortSignal | undefined;
  /** `module.name` of all that its pickles import, as they spell it. */
  readonly imports: Set<string>;
}

/**
 * Pickle instructions run for one file. Streams inside streams, and tries behind broken ones, are run again and again:
 * together they may cost a few times what the file's own bytes do, no more. (CWE-407)
 */
export interface PickleWork {
  /** Size of the file. */
  readonly bytes: number;
  steps: number;
  /** Bytes of stored members looked at: they may overlap. */
  looked: number;
  /** Values looked at that calls and objects are given: they may be shared. */
  values: number;
}

/** @param turn and `signal` of a scan; without, nobody waits and nothing is aborted. */
export function newCollector(book: Rulebook, bytes: number, turn?: Turn, signal?: AbortSignal): Collector {
  return {
    findings: [],
    book,
    unpacked: 0,
    work: { bytes, steps: 0, looked: 0, values: 0 },
    imports: new Set(),
    ...(turn && { turn }),
    signal,
  };
}

/** @param rule without its `safety/`. */
export function report(into: Collector, rule: string, where: Where, what: string, evidence: FindingEvidence = {}): void {
  const known = into.book.rules.get(`safety/${rule}`);
  if (!known) throw new Error(`rule safety/${rule} is not in rules.json`);
  if (into.findings.filter((one) => one.rule === known.id).length >= MAX_PER_RULE) return;
  const { id, severity, why, fix, source } = known;
  const member = where.file?.includes('!') ? { member: where.file.slice(where.file.indexOf('!') + 1) } : {};
  const all = { ...member, ...evidence };
  into.findings.push({
    rule: id,
    severity,
    where,
    what,
    why,
    fix,
    ...(source && { source }),
    tier: TIERS[known.verdict],
    ...(Object.keys(all).length > 0 && { evidence: all }),
  });
}

const TIERS: Readonly<Record<SafetyVerdict, FindingTier>> = {
  malicious: 'malicious',
  suspicious: 'suspicious',
  unreadable: 'malformed',
  clean: 'informational',
};

const ORDER: readonly SafetyVerdict[] = ['clean', 'unreadable', 'suspicious', 'malicious'];
export function worst(verdicts: readonly SafetyVerdict[]): SafetyVerdict {
  return verdicts.reduce((bad, one) => (ORDER.indexOf(one) > ORDER.indexOf(bad) ? one : bad), 'clean');
}
export function verdictOf(into: Collector): SafetyVerdict {
  return worst(into.findings.map((one) => into.book.rules.get(one.rule)?.verdict ?? 'clean'));
}
