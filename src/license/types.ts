/**
 * What the license room says, in data: what a text is, what a model declares, what binds it.
 * @module
 */
import { type Finding, HeirloomError } from '../base/index.ts';
import type { Certainty, PathStep } from './reason/types.ts';
import type { EdgeAct } from './terms/types.ts';

/**
 * How much a license asks for, least first. The order is used to tell a tightened label from a loosened one;
 * it says nothing about quality. `use-restricted`: some uses are forbidden or need consent (RAIL, Llama, Gemma).
 */
export type LicenseKind =
  | 'public-domain'
  | 'permissive'
  | 'attribution'
  | 'weak-copyleft'
  | 'copyleft'
  | 'network-copyleft'
  | 'use-restricted'
  | 'non-commercial'
  | 'research-only'
  | 'no-derivatives'
  | 'proprietary'
  | 'unknown';

export interface CatalogEntry {
  /** SPDX id, or this catalogue's id where SPDX has none (`llama-3.1`). */
  readonly id: string;
  readonly name: string;
  readonly kind: LicenseKind;
  /** A policy (acceptable use and the like) binds through a license; it is none by itself. */
  readonly form: 'license' | 'policy';
  /** Id for SPDX expressions: the SPDX id, or a `LicenseRef-`. */
  readonly spdx: string;
  /** Other ids whose text is the same, e.g. `GPL-3.0-or-later` for `GPL-3.0-only`. */
  readonly twins?: readonly string[];
  readonly source: string;
  /** SHA-256 of the text the words were taken from, hex. */
  readonly sha256: string;
}

/** One place where a text departs from the catalogue's. */
export interface Difference {
  readonly kind: 'removed' | 'added' | 'replaced';
  /** The catalogue's words, lower case, without punctuation; '' when something was added. */
  readonly catalog: string;
  /** The text's own words, as written; '' when something was removed. */
  readonly found: string;
  /** Where in the text, in UTF-16 code units. */
  readonly at: number;
}

/** What a license of the RAIL family says, read from its text. */
export interface RailReading {
  /** D: data, A: application, M: model, S: source code. Empty: the text does not say. */
  readonly artifacts: readonly ('D' | 'A' | 'M' | 'S')[];
  readonly type: 'open' | 'research-only' | 'non-commercial' | 'unknown';
  readonly version: string | null;
  /** Codes of the vocabulary's use restrictions, in its order. */
  readonly restrictions: readonly string[];
}

/** One license recognized in a text. */
export interface LicenseMatch {
  readonly id: string;
  readonly name: string;
  /** True when a word that counts differs from the catalogue's text; always false where no full text was found. */
  readonly modified: boolean;
  /** `text`: its full text; `header`: its standard notice; `reference`: named or linked; `tag`: an SPDX or card tag. */
  readonly by: 'text' | 'header' | 'reference' | 'tag';
  /** Share of the license's words that stand in the text, 0 to 1; 0 when only named. */
  readonly coverage: number;
  readonly differs: readonly Difference[];
  /** `[start, end)` in the text, UTF-16 code units. */
  readonly range: readonly [start: number, end: number];
  /** The version cannot be known from a name alone; all the name may mean, `id` first. */
  readonly candidates?: readonly string[];
  /** For licenses of the RAIL family whose text stands here. */
  readonly rail?: RailReading;
  /** Policies that stand in the same file and belong to this license. */
  readonly policies?: readonly LicenseMatch[];
}

export interface ResolvedTag {
  readonly id: string;
  readonly kind: LicenseKind;
  /** All ids the tag may mean, `id` first; absent when it names one license. */
  readonly candidates?: readonly string[];
  /** Set for SPDX expressions: every id in it. */
  readonly expression?: { readonly ids: readonly string[]; readonly operator: 'and' | 'or' | 'mixed' };
}

export interface Declared {
  /** As the publisher wrote it. */
  readonly value: string;
  readonly id: string | null;
  readonly kind: LicenseKind;
  /** Where it stands, e.g. `README.md: license`. */
  readonly from: string;
  readonly candidates?: readonly string[];
}

export interface Found extends LicenseMatch {
  readonly file: string;
  /** Key of the weights' own metadata in which it stands; absent: the file is the text. */
  readonly field?: string;
  readonly kind: LicenseKind;
}

export type { EdgeAct } from './terms/types.ts';

/** What is known of an ancestor's license when a descendant is judged. */
export interface AncestorLicense {
  /** `owner/name`. */
  readonly name: string;
  /** Ids that bind the ancestor: its own effective ones, SPDX ids, catalogue ids or `LicenseRef-`s. Empty: none is known. */
  readonly licenses: readonly string[];
  /** `weights`: the weights show the tie; `claimed`: only the card says so. */
  readonly because: 'weights' | 'claimed';
  /**
   * What says that it came first: the weights (information this model lost), or only this model's own card.
   * Absent: nothing does, and a tie by weights is shared training, no descent.
   */
  readonly cameFirst?: 'weights' | 'card';
  /** Files of the ancestor that state its license, for the wording. */
  readonly from?: string;
  /** What was done to it to make `child`; absent: not known, and the strictest reading is taken. */
  readonly act?: EdgeAct;
  /** Name of the ancestor made from it, for those further up; absent: the model judged. */
  readonly child?: string;
  /** Commit or digest its license was read at. */
  readonly revision?: string;
  /** What shows the tie, in a few words. */
  readonly evidence?: string;
}

export interface Drift {
  readonly kind: 'kept' | 'loosened' | 'relabelled' | 'tightened' | 'dropped';
  readonly ancestor: string;
  readonly because: 'weights' | 'claimed';
  /** Ids that bind the ancestor. */
  readonly from: readonly string[];
  /** Ids this model states; empty when it states none. */
  readonly to: readonly string[];
  /** One sentence of facts. */
  readonly what: string;
  /** Rules of docs/license-rules.md that speak of it, and the clauses they rest on. */
  readonly rules?: readonly string[];
  readonly clauses?: readonly { readonly license: string; readonly section: string; readonly quote: string }[];
  /** The models it comes through, the ancestor first, with what was done to each. */
  readonly path?: readonly PathStep[];
}

export interface Duty {
  /** Term of the vocabulary, e.g. `duty.licence-copy`, with the license: `llama-3.1/duty.licence-copy`. */
  readonly id: string;
  /** What to do, one clause. */
  readonly what: string;
  readonly from: { readonly license: string; readonly section: string; readonly quote: string };
  /** Why it reaches this model: `own`, or the ancestor it comes through. */
  readonly because: string;
  /** Acts it applies to: `distribute-weights`, `host`... */
  readonly when: readonly string[];
  /** Exact words to ship or show, where the license fixes them. */
  readonly text?: string;
  /** The file or line that meets it; '' when none was found. */
  readonly satisfiedBy: string;
  readonly status: 'met' | 'unmet' | 'unknown';
  /** `if`: only when `condition` holds. */
  readonly applies?: 'yes' | 'if';
  readonly condition?: string;
  /** How sure it is that the clause reaches this model. */
  readonly certainty?: Certainty;
  /** `deliver`: something to hand over, show or do once; `conduct`: a way to act, which no file shows. */
  readonly kind?: 'deliver' | 'conduct';
  /** The models it comes through, the licensed one first, with what was done to each; empty for an own license. */
  readonly path?: readonly PathStep[];
}

export interface EffectiveLicense {
  readonly ids: readonly string[];
  /** Kind of the strictest of `ids`. */
  readonly kind: LicenseKind;
  /** `own`: the model's own statement; `inherited`: only ancestors'; `both`; `none`: nothing was found. */
  readonly from: 'own' | 'inherited' | 'both' | 'none';
  readonly why: string;
  /** All of `ids` as one SPDX expression, inherited ones first; '' for none. */
  readonly expression?: string;
}

export interface LicenseJudgement {
  readonly declared: readonly Declared[];
  readonly found: readonly Found[];
  readonly effective: EffectiveLicense;
  readonly duties: readonly Duty[];
  readonly conflicts: readonly Finding[];
  readonly drift: readonly Drift[];
  readonly findings: readonly Finding[];
}

export type LicenseErrorCode = 'LICENSE_EXPRESSION' | 'LICENSE_ACT' | 'LICENSE_CONTEXT' | 'LICENSE_UNKNOWN_ID' | 'RAIL_OPTIONS';
export class LicenseError extends HeirloomError<LicenseErrorCode> {
  override readonly name = 'LicenseError';
}
