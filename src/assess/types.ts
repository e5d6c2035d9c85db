/**
 * The answer to "what is it, what does it descend from, what binds it, is it safe".
 * @module
 */
import type { Finding } from '../base/index.ts';
import type { CreditJudgement } from '../credit/index.ts';
import type { LicenseJudgement } from '../license/index.ts';
import type { Relation, Sketch, Verdict } from '../lineage/index.ts';
import type { FileSafety } from '../safety/index.ts';

/** One base model that the publisher names, against what the weights say. */
export interface ClaimCheck {
  /** As written by the publisher. */
  readonly name: string;
  readonly from: string;
  /**
   * `supported`: the weights bear it out. `not-shown`: the named model is in the register and the weights show no tie
   * to it. `refuted`: besides, they are shown to share training with a stranger of it, by tests that would have seen as strong a tie to
   * the named model. `not-registered`: the register does not hold it, so nothing could be compared. `unresolved`: held, but not comparable.
   */
  readonly verdict: 'supported' | 'not-shown' | 'refuted' | 'not-registered' | 'unresolved';
  readonly because: string;
}

/** What is known of the model in the register that a relation speaks of. */
export interface AncestorRecord {
  readonly name: string;
  readonly locator: string;
  readonly digest: string;
  /** SPDX ids or `LicenseRef-`s that bind it, as registered. */
  readonly licenses: readonly string[];
  /** Its license as its own card or file names it, for the report. */
  readonly licenseLabel: string;
  /** Bases its own card names: when one of them is the model under judgement, that model came first. */
  readonly baseModels?: readonly string[];
  /** The commit it was registered at. */
  readonly revision?: string;
  /** When it was registered, RFC 3339. */
  readonly addedAt?: string;
}

/** The known models of a register, read one after another. */
export interface KnownModels {
  readonly count: number;
  /** A register of very many models may leave out those that the query shows to be far; it says so itself. */
  entries(query?: KnownQuery): AsyncIterable<KnownModel>;
  /** Looks at a known model and the suspect with both at hand; null when that cannot be done, or costs more than was asked for. */
  readonly closer?: (known: KnownModel, suspect: Sketch) => Promise<Relation | null>;
}
/** Whose ancestors are sought. */
export interface KnownQuery {
  readonly sketch: Sketch;
  /** Bases named by the publisher: what is registered under these names is compared whatever its weights look like. */
  readonly bases: readonly string[];
}
export interface KnownModel {
  readonly record: AncestorRecord;
  readonly sketch: Sketch;
}

export interface Assessment {
  readonly schema: 'heirloom-assessment/1';
  readonly tool: { readonly name: 'heirloom'; readonly version: string };
  readonly subject: {
    readonly name: string;
    readonly locator: string;
    readonly revision?: string;
    /** `sha256:<hex>` over what `digestCovers` says. */
    readonly digest: string;
    readonly digestCovers: string;
    readonly format: string;
    readonly formatVersion: string;
    readonly architecture: string;
    readonly parameters: number;
    readonly tensors: number;
    readonly files: readonly { readonly path: string; readonly size: number; readonly kind: string }[];
  };
  readonly lineage: {
    /** The strongest verdict over the register; `no-evidence` when nothing was found, `unresolved` when nothing could be compared. */
    readonly verdict: Verdict;
    /** Relations worth telling, strongest first; `no-evidence` ones only for claimed bases. */
    readonly relations: readonly (Relation & { readonly ancestor: AncestorRecord })[];
    readonly claims: readonly ClaimCheck[];
    readonly register: { readonly models: number; readonly compared: number };
    readonly limits: readonly string[];
    readonly findings: readonly Finding[];
  };
  readonly license: LicenseJudgement;
  readonly credit: CreditJudgement;
  readonly safety: {
    readonly verdict: FileSafety['verdict'];
    readonly files: readonly FileSafety[];
    readonly findings: readonly Finding[];
  };
  /** Reading the files: broken cards, odd layouts, links. */
  readonly findings: readonly Finding[];
  readonly read: { readonly bytes: number; readonly requests: number };
}
