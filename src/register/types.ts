/**
 * The models we know: one entry and one sketch each, in plain files.
 * @module
 */
import { type Finding, HeirloomError } from '../base/index.ts';

/** One model, as `models/<id>.json` holds it. */
export interface RegisterEntry {
  readonly schema: 'heirloom-register-entry/1';
  /** File-name safe, from `name` alone: a name is registered once. */
  readonly id: string;
  readonly name: string;
  /** What the user typed to reach it. */
  readonly locator: string;
  /** The commit a hub answer was pinned to. */
  readonly revision?: string;
  /** `sha256:<hex>`; two entries of one digest are one model. */
  readonly digest: string;
  /** What `digest` was computed over. */
  readonly digestCovers: string;
  readonly parameters: number;
  readonly architecture: string;
  readonly format: string;
  /** Ids that bind it, as judged when it was registered; empty: none is known. */
  readonly licenses: readonly string[];
  /** Its license as its own card or file names it. */
  readonly licenseLabel: string;
  /** Bases its own card names. */
  readonly baseModels?: readonly string[];
  /** SHA-256 of the license file's text, hex, when the model ships one: a later reader can tell a changed license. */
  readonly licenseText?: string;
  /** RFC 3339, UTC. */
  readonly addedAt: string;
  readonly sketch: StoredSketch;
  /** Sketches at other positions, one for each salt. */
  readonly salted?: readonly SaltedSketch[];
}

export interface StoredSketch {
  /** Hex; names the file. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface SaltedSketch extends StoredSketch {
  /** What stands for the salt, which is not kept: see `saltCommitment`. */
  readonly salt: string;
}

/** What the caller knows; the register adds the rest. */
export type NewEntry = Omit<RegisterEntry, 'schema' | 'id' | 'addedAt' | 'sketch' | 'salted'>;

export interface AddResult {
  readonly entry: RegisterEntry;
  /**
   * `added`: it is new. `unchanged`: the same model with the same facts was there. `updated`: the same model, with facts that changed (its license,
   * its locator, a newer sketch). `replaced`: another model had this name and was asked to go. `known-as`: the same model is
   * there under another name, which is `entry.name`; nothing was written.
   */
  readonly status: 'added' | 'unchanged' | 'updated' | 'replaced' | 'known-as';
}

export interface RegisterListing {
  /** Sorted by name (code-unit order). */
  readonly entries: readonly RegisterEntry[];
  /** One for each entry that cannot be read; the others are usable. */
  readonly findings: readonly Finding[];
}

export type RegisterErrorCode =
  | 'REGISTER_UNREADABLE'
  | 'REGISTER_VERSION'
  | 'REGISTER_CORRUPT'
  | 'REGISTER_ENTRY'
  | 'REGISTER_NAME_TAKEN'
  | 'REGISTER_NOT_FOUND'
  | 'REGISTER_AMBIGUOUS'
  | 'REGISTER_LOCKED'
  | 'REGISTER_NO_WEIGHTS'
  | 'REGISTER_OTHER_MODEL'
  | 'REGISTER_SALT';

export class RegisterError extends HeirloomError<RegisterErrorCode> {
  override readonly name = 'RegisterError';
}
