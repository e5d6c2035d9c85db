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

export type ThresholdMetric =
  | 'monthly-active-users'
  | 'monthly-unique-users'
  | 'annual-revenue'
  | 'monthly-revenue'
  | 'revenue-12-months'
  | 'annual-recurring-revenue';

/** `params` of `threshold.mau` and `threshold.revenue`: a number from which something else holds. */
export interface Threshold {
  /** One is enough. */
  readonly any: readonly {
    readonly metric: ThresholdMetric;
    readonly value: number;
    /** ISO 4217, when the metric is money. */
    readonly currency?: string;
  }[];
  readonly op: '>' | '>=';
  /** Who and what is counted, in words. */
  readonly scope: string;
  /** Whose figures count. */
  readonly who: 'licensee' | 'licensee-and-affiliates' | 'licensee-or-employer';
  /** Which products count. */
  readonly what: 'all-products' | 'the-product' | 'image-products';
  /** Over which time the figure is taken. */
  readonly window: 'preceding-calendar-month' | 'preceding-month' | 'year' | 'any-12-months' | 'not-stated';
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
  /** Where the words stand, when it is not the license's own text: the id of a policy. */
  readonly textId?: string;
  /** Acts it bears on; absent: none in particular. */
  readonly on?: readonly Act[];
  /** By term: schemas/license-record.schema.json. */
  readonly params?: Readonly<Record<string, unknown>>;
}

/**
 * `params` of every term but the thresholds, as schemas/license-record.schema.json has them by term. Strings are one of a closed
 * list there, but for `text`, `scope`, `exception`, `onlyFor` and `note`, which are words for people.
 */
export interface TermParams {
  /** Exact words; of several, one is enough. */
  readonly text?: string | readonly string[];
  /** Parts of `text` that whoever ships it fills in. */
  readonly blanks?: readonly string[];
  readonly where?: readonly string[];
  /** One of the places is enough. */
  readonly anyOf?: true;
  readonly position?: 'start';
  readonly when?: string;
  readonly condition?: string;
  readonly unless?: string;
  readonly exempt?: string;
  readonly onlyFor?: string;
  readonly mustKeep?: string;
  /** A link is enough. */
  readonly urlOk?: true;
  readonly withDate?: true;
  readonly url?: string;
  /** Record of the policy. */
  readonly policy?: string;
  readonly attachment?: string;
  readonly items?: readonly UseItem[];
  readonly license?: string;
  readonly licenses?: readonly string[];
  readonly appliesTo?: readonly string[];
  /** Terms that do not hold then. */
  readonly exempts?: readonly string[];
  readonly scope?: string;
  readonly exception?: string;
  readonly models?: string;
  readonly territories?: readonly string[];
  readonly basis?: string;
  /** ISO 3166. */
  readonly law?: string;
  readonly territory?: string;
  readonly cureDays?: number;
  readonly firstTime?: true;
  readonly reachesDerivatives?: true | 'not stated';
  readonly note?: string;
}

/** One forbidden use of a list (`params.items` of `duty.acceptable-use`). */
export interface UseItem {
  /** Of catalog/vocabulary.json `useRestrictions` or `otherUses`. */
  readonly codes: readonly string[];
  readonly section: string;
  readonly quote: string;
}

export type DerivationStatus = 'explicit' | 'general-words' | 'silent' | 'explicitly-not' | 'prohibited' | 'duty-without-derivative';

/** Whether an act makes a derivative by the license's own words. */
export interface Derivation {
  readonly status: DerivationStatus;
  readonly section?: string;
  readonly quote?: string;
  readonly note?: string;
}

/** What has to go with the work, or with what is made from it, when it is passed on (catalog/vocabulary.json `flow`). */
export type FlowStrength =
  | 'none'
  | 'same-license-on-original'
  | 'restrictions-in-every-agreement'
  | 'similar-restrictions'
  | 'derivative-stays'
  | 'share-alike';

export interface Flow {
  readonly strength: FlowStrength;
  readonly section?: string;
  readonly quote?: string;
  readonly note?: string;
}

/** A policy that binds with a license. */
export interface PolicyLink {
  /** Its record, when its text is held. */
  readonly id?: string;
  readonly name?: string;
  readonly url?: string;
  readonly binds: 'by-reference';
  /** Its text stands in the same file. */
  readonly attached?: true;
  readonly section: string;
  readonly quote: string;
}

export interface LicenseName {
  readonly name: string;
  readonly places: readonly ('spdx' | 'hugging-face' | 'gguf' | 'license-name' | 'scancode' | 'spelling')[];
  /** Other licenses go by it too. */
  readonly ambiguous?: true;
  /** Only beside the word "license", or as a whole value. */
  readonly weak?: true;
  readonly note?: string;
}

export interface LicenseRecord {
  readonly id: string;
  /** Id for SPDX expressions. */
  readonly spdx: string;
  readonly name: string;
  readonly licensor?: string;
  /** Versions and siblings share it. */
  readonly family?: string;
  readonly version?: string;
  /** `YYYY`, `YYYY-MM` or `YYYY-MM-DD`: when this version was published. */
  readonly date?: string;
  readonly form: 'license' | 'policy';
  readonly kind?: LicenseKind;
  /** In words; programs read the terms `territory.*`. */
  readonly territory?: string;
  /** In words; programs read the terms `revocable`, `irrevocable` and `terminate.*`. */
  readonly revocability?: string;
  readonly sublicensable?: boolean;
  readonly supersededBy?: string;
  /** Of every license; policies have none of their own. */
  readonly flow?: Flow;
  readonly policies?: readonly PolicyLink[];
  readonly terms: readonly Term[];
  readonly derivation?: Readonly<Partial<Record<Act, Derivation>>>;
}

/** A record of the catalogue: a license somebody published, with where its text is from and who read it. */
export interface CatalogRecord extends LicenseRecord {
  /** Where the text was collected. */
  readonly source: { readonly repo: string; readonly commit?: string; readonly path: string };
  /** SHA-256 of the text as collected, hex. */
  readonly sha256: string;
  readonly aliases: readonly LicenseName[];
  /** Records whose texts are nearly the same. */
  readonly confusableWith: readonly string[];
  /** Who read it, and how far. */
  readonly review: {
    readonly status: string;
    readonly date: string;
    readonly extent: 'whole text' | 'the quoted places';
    readonly note?: string;
  };
}
