/**
 * Reasoning about licenses along a graph of models: what goes in, what comes out. Pure data.
 * @module
 */
import type { Act, EdgeAct } from '../terms/types.ts';
import type { LicenseKind } from '../types.ts';

/** One model, or one license standing for a model under it. */
export interface LicenseNode {
  /** Name as people see it (`owner/name`); absent: the node's key. `''`: no name is known. */
  readonly name?: string;
  /** Ids or SPDX expressions stated for it (card, files, register); empty: none is known. All bind. */
  readonly licenses: readonly string[];
  /** Further ids that count as stated when an ancestor's license is looked for (versions a tag leaves open, policies). */
  readonly mentions?: readonly string[];
  /** Commit or digest its license was read at. */
  readonly revision?: string;
  /** Ids whose text was found with words changed. */
  readonly modified?: readonly string[];
  /** License ids by part: `weights`, `code`, `data`, `docs`. */
  readonly components?: Readonly<Record<string, readonly string[]>>;
  /** The asker's own: that it states no license yet means nothing. */
  readonly yours?: true;
  /** What its files were seen to hold, by license id, slash and term, or by the term alone for every license. */
  readonly ships?: Readonly<Record<string, Seen>>;
  /** For duties that `ships` does not list: `unmet` when all files were looked at, else `unknown`. */
  readonly otherwise?: 'unmet' | 'unknown';
}
export interface Seen {
  readonly status: 'met' | 'unmet' | 'unknown';
  /** The file or line that meets it; '' when none was found. */
  readonly satisfiedBy: string;
}

export type Because = 'weights' | 'claimed' | 'asked';

export interface LicenseEdge {
  readonly parent: string;
  readonly child: string;
  readonly act: EdgeAct;
  readonly because: Because;
  /** What shows it, e.g. a verdict of the weights or a field of the card. */
  readonly evidence?: string;
}

export interface LicenseGraph {
  readonly nodes: Readonly<Record<string, LicenseNode>>;
  readonly edges: readonly LicenseEdge[];
  /** The node asked about. */
  readonly subject: string;
}

export type Role = 'individual' | 'company' | 'end-user' | 'non-profit';

/** Who asks and what is done. Every field may be absent: unknown is not no. */
export interface Context {
  /** What is done with the model; absent: it is published, and nothing is known of the rest. */
  readonly acts?: readonly Act[];
  readonly role?: Role;
  /** For money or other advantage. */
  readonly commercial?: boolean;
  /** Given to anybody outside; absent: as the acts say. */
  readonly conveyed?: boolean;
  readonly multimodal?: boolean;
  readonly users?: {
    /** Monthly active users of all products, now. */
    readonly monthly?: number;
    /** The same in the calendar month before a license's release: one number, or by license id. */
    readonly atRelease?: number | Readonly<Record<string, number>>;
    /** By month, `YYYY-MM`. */
    readonly byMonth?: Readonly<Record<string, number>>;
  };
  /** In `currency` (ISO 4217, default USD). */
  readonly revenue?: {
    readonly annual?: number;
    readonly monthly?: number;
    readonly last12Months?: number;
    readonly recurring?: number;
    readonly currency?: string;
  };
  /** ISO 3166-1 alpha-2 codes, or `EU`. */
  readonly territory?: { readonly domicile?: string; readonly principalPlace?: string; readonly served?: readonly string[] };
  /** The model came as part of somebody else's end-user product. */
  readonly fromProduct?: boolean;
  /** Used through the licensor's own products or certified partners. */
  readonly officialPartner?: boolean;
  /** The result competes with the licensor's model or products. */
  readonly competes?: boolean;
  /** Words shown to users, e.g. `Built with Llama`; absent: not known. */
  readonly shows?: readonly string[];
}

/**
 * How sure it is that a clause reaches the model. `stated`: the text says so. `general-words`: words like "derivative works" cover it.
 * `silent`: the text does not say, and the strictest reading is taken. `unknown-act`: nobody knows what was done to the parent; strictest reading.
 * `unsettled`: readers of the text disagree.
 */
export type Certainty = 'stated' | 'general-words' | 'silent' | 'unknown-act' | 'unsettled';

/** How the licensed material stands in the subject. `own`: the subject's own license. `same`: copied or converted. `delta`: an adapter alone. */
export type Relation = 'own' | 'same' | 'derivative' | 'delta' | 'outputs-derivative' | 'outputs';

export interface PathStep {
  readonly model: string;
  /** What was done to it to make the next. */
  readonly act: EdgeAct;
  readonly because: Because;
}

/** Words of a license that carry a line of the answer. */
export interface Cite {
  readonly license: string;
  readonly section: string;
  readonly quote: string;
}

export type Holds = 'yes' | 'if' | 'no';

/** A term that reaches the subject. */
export interface BoundTerm {
  readonly term: string;
  readonly what: string;
  readonly from: Cite;
  /** The model whose license says so. */
  readonly model: string;
  readonly path: readonly PathStep[];
  readonly relation: Relation;
  readonly certainty: Certainty;
  readonly applies: 'yes' | 'if';
  /** What must be so for it to apply, when `applies` is `if`. */
  readonly condition?: string;
  /** Acts the license binds it to. */
  readonly when: readonly Act[];
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface Forbidden extends BoundTerm {
  /** The act of yours, or of the graph, that it meets. */
  readonly act: string;
}

export interface ThresholdAnswer extends BoundTerm {
  /** `bites`: passed now. `clear`: not passed. `exempt`: an exemption applies. `unknown`: a figure is missing. */
  readonly state: 'bites' | 'clear' | 'exempt' | 'unknown';
  readonly because: string;
  /** E.g. "more than 700,000,000 monthly active users in 2024-06". */
  readonly bitesWhen: string;
  readonly effect: string;
  readonly evaluated: 'release-date' | 'continuous';
  /** Day or month looked at, for `release-date`. */
  readonly at?: string;
}

export interface RequiredName {
  readonly text: string;
  readonly from: Cite;
  readonly model: string;
  readonly status: 'met' | 'unmet' | 'unknown';
  readonly certainty: Certainty;
}

/** A rule of catalog/rules.json that speaks to this graph. */
export interface RuleHit {
  /** `R01`... */
  readonly rule: string;
  /** Stable name, as in findings: `license/<slug>`. */
  readonly slug: string;
  readonly group: string;
  readonly severity: 'block' | 'conflict' | 'drift' | 'warn' | 'info';
  /** `if`: depends on what is not known, see `needs`. `no`: looked at, and does not apply here. */
  readonly holds: Holds;
  readonly license: string;
  /** The other license, where the rule is about two. */
  readonly other?: string;
  readonly model: string;
  readonly path: readonly PathStep[];
  readonly certainty: Certainty;
  /** One sentence of facts. */
  readonly what: string;
  /** What follows, in the rule's own words. */
  readonly means: string;
  /** What it makes of the whole answer, where that is not what its severity gives. */
  readonly verdict?: ReasonVerdict;
  readonly because: readonly string[];
  /** Facts that would decide it. */
  readonly needs: readonly string[];
  readonly cites: readonly Cite[];
  readonly note?: string;
}

export interface Silent {
  readonly act: string;
  readonly license: string;
  readonly model: string;
  readonly what: string;
}

export type ReasonVerdict = 'ok' | 'ok-with-duties' | 'unmet' | 'conflict' | 'needs-evidence';

export interface BoundLicense {
  readonly license: string;
  readonly spdx: string;
  readonly kind: LicenseKind;
  readonly model: string;
  readonly relation: Relation;
  readonly path: readonly PathStep[];
  readonly certainty: Certainty;
  /** Why the material counts as derived, in the license's words where it has any. */
  readonly basis?: Cite;
  readonly note?: string;
}

export interface GraphNote {
  readonly what: string;
  readonly why: string;
  readonly kind: 'loop' | 'missing-node' | 'too-large' | 'choice' | 'unlisted';
  /** The license meant, for `unlisted`. */
  readonly id?: string;
}
