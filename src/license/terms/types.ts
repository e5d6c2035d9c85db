/**
 * What a license asks for, in data: one record per license or policy, read from `catalog/licenses/`.
 * Every term carries the words it rests on; what has no term is not said, never allowed.
 * @module
 */
import type { LicenseKind } from '../types.ts';

/** What is done to a parent to make a child. `unknown` takes the strictest reading. */
export type EdgeAct =
  | 'finetune'
  | 'adapter'
  | 'merge'
  | 'quantize'
  | 'convert'
  | 'prune'
  | 'distill'
  | 'train-on-outputs'
  | 'copy'
  | 'unknown';

/** What somebody does with a model, or what happens to them (catalog/vocabulary.json `acts`). */
export type Act =
  | Exclude<EdgeAct, 'copy' | 'unknown'>
  | 'use'
  | 'internal-use'
  | 'commercial-use'
  | 'modify'
  | 'publish-outputs'
  | 'distribute-weights'
  | 'distribute-derivative'
  | 'host'
  | 'product'
  | 'name-model'
  | 'publish-statement'
  | 'threshold'
  | 'breach'
  | 'litigation';

export type TermKind = 'permission' | 'duty' | 'prohibition' | 'threshold' | 'trigger' | 'flow' | 'termination' | 'territory';

/** `params` of `threshold.mau` and `threshold.revenue`: a number from which something else holds. */
export interface Threshold {
  /** One is enough. */
  readonly any: readonly {
    readonly metric:
      | 'monthly-active-users'
      | 'monthly-unique-users'
      | 'annual-revenue'
      | 'monthly-revenue'
      | 'revenue-12-months'
      | 'annual-recurring-revenue';
    readonly value: number;
    /** ISO 4217, when the metric is money. */
    readonly currency?: string;
  }[];
  readonly op: '>' | '>=';
  /** Who and what is counted. */
  readonly scope: string;
  /** `release-date`: looked at once, for the month before the version's release. */
  readonly evaluateAt: 'release-date' | 'continuous';
  readonly effect: 'license-required' | 'no-rights' | 'terminates' | 'display-required' | 'separate-agreement';
  readonly effectText: string;
}

/** One thing a license says. */
export interface Term {
  /** Of the vocabulary, e.g. `duty.notice-file`. */
  readonly term: string;
  readonly section: string;
  /** Words of the license, verbatim but for white space. */
  readonly quote: string;
  /** Acts it bears on; absent: none in particular. */
  readonly on?: readonly Act[];
  readonly params?: Readonly<Record<string, unknown>>;
}

export type DerivationStatus = 'explicit' | 'general-words' | 'silent' | 'explicitly-not' | 'prohibited' | 'duty-without-derivative';

/** Whether an act makes a derivative by the license's own words. */
export interface Derivation {
  readonly status: DerivationStatus;
  readonly section?: string;
  readonly quote?: string;
  readonly note?: string;
}

export interface LicenseRecord {
  readonly id: string;
  /** Id for SPDX expressions. */
  readonly spdx: string;
  readonly name: string;
  readonly licensor?: string;
  /** `YYYY-MM-DD` or `YYYY-MM`: when this version was published. */
  readonly date?: string;
  readonly form: 'license' | 'policy';
  readonly kind?: LicenseKind;
  /** Where the text was collected. */
  readonly source: { readonly repo: string; readonly commit?: string; readonly path: string };
  /** SHA-256 of the text as collected, hex. */
  readonly sha256: string;
  readonly territory?: string;
  readonly revocability?: string;
  readonly sublicensable?: boolean;
  readonly supersededBy?: string;
  readonly terms: readonly Term[];
  readonly derivation?: Readonly<Partial<Record<Act, Derivation>>>;
}
