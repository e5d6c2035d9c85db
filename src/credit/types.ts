/**
 * Whether the people a model builds on are named where it is published.
 * @module
 */
import type { Finding } from '../base/index.ts';

/** One ancestor, and where the publisher names it. */
export interface AncestorCredit {
  readonly name: string;
  readonly because: 'weights' | 'claimed';
  readonly named: boolean;
  /** Files and fields that name it, e.g. `README.md: base_model`. */
  readonly where: readonly string[];
}

/** Something a license or good practice asks for and the files hold. */
export interface CreditMet {
  readonly what: string;
  readonly where: string;
}

export interface CreditJudgement {
  readonly ancestors: readonly AncestorCredit[];
  readonly missing: readonly Finding[];
  readonly met: readonly CreditMet[];
}
