/**
 * A record laid out for reading: what one may, must and must not do, what changes with size and place, how it ends, and
 * what the text does not say. Nothing is added to the record and nothing left out.
 * @module
 */
import { loadRecords } from './load.ts';
import { paramsOf, sayAct, sayStatus, sayTerm } from './say.ts';
import type { DerivationStatus, Flow, LicenseName, CatalogRecord, Term, TermKind, UseItem } from './types.ts';
import { loadVocabulary, type Vocabulary } from './vocabulary.ts';

/** One term of the license, with the words it rests on. */
export interface SheetLine {
  readonly term: string;
  /** For people. */
  readonly what: string;
  readonly section: string;
  readonly quote: string;
  /** The text that holds the quote, when it is not the license's own. */
  readonly textId?: string;
  readonly on?: readonly string[];
  readonly params?: Readonly<Record<string, unknown>>;
  readonly note?: string;
}

export type SheetPart = 'may' | 'must' | 'mustNot' | 'names' | 'thresholds' | 'outputs' | 'passingOn' | 'territory' | 'end' | 'counts';

/** One row of the derivation table. */
export interface SheetRow {
  readonly act: string;
  readonly status: DerivationStatus;
  readonly what: string;
  readonly section?: string;
  readonly quote?: string;
  readonly note?: string;
}

export interface SheetPolicy {
  readonly id?: string;
  readonly name: string;
  readonly url?: string;
  /** Its text is not among the catalogue's: what it asks for is not known here. */
  readonly held: boolean;
  readonly section: string;
  readonly quote: string;
}

/** Uses a text forbids, one by one. */
export interface SheetUses {
  /** The license itself, or a policy that binds with it. */
  readonly from: string;
  readonly items: readonly (UseItem & { readonly what: string })[];
}

export interface LicenseSheet {
  readonly id: string;
  readonly spdx: string;
  readonly name: string;
  readonly form: 'license' | 'policy';
  readonly kind?: string;
  readonly licensor?: string;
  readonly family?: string;
  readonly version?: string;
  readonly date?: string;
  readonly supersededBy?: string;
  readonly source: string;
  readonly sha256: string;
  readonly names: readonly LicenseName[];
  readonly confusableWith: readonly string[];
  readonly flow?: Flow & { readonly what: string };
  readonly parts: Readonly<Record<SheetPart, readonly SheetLine[]>>;
  readonly uses: readonly SheetUses[];
  readonly policies: readonly SheetPolicy[];
  readonly derivation: readonly SheetRow[];
  /** Acts that no row of the table speaks of. */
  readonly notRead: readonly string[];
  readonly review: CatalogRecord['review'];
}

/** Terms that stand under another heading than their kind. */
const PART_OF_TERM: Readonly<Record<string, SheetPart>> = {
  'duty.name-prefix': 'names',
  'duty.attribution-display': 'names',
  'duty.display-above-threshold': 'names',
  'grant.mark-for-name': 'names',
  'no.trademark': 'names',
  'no.endorsement': 'names',
  'no.misrepresent-official': 'names',
  'restrict.outputs': 'outputs',
  'define.output-not-derivative': 'outputs',
  'define.further-restrictions': 'counts',
  'grant.back-to-licensor': 'passingOn',

  'encouraged.attribution': 'names',
  'duty.restrictions-similar-ok': 'passingOn',
};

/** Names are asked for, allowed and forbidden under one heading. */
const MODAL: Readonly<Partial<Record<TermKind, string>>> = { permission: 'may ', duty: 'must ', prohibition: 'must not ' };

function partOf({ term }: Term, vocabulary: Vocabulary): SheetPart {
  const own = PART_OF_TERM[term];
  if (own) return own;
  switch (vocabulary.terms[term]?.kind) {
    case 'permission':
      return 'may';
    case 'duty':
      return 'must';
    case 'prohibition':
      return 'mustNot';
    case 'threshold':
      return 'thresholds';
    case 'flow':
      return term.startsWith('output.') || term === 'own.licensor-outputs' ? 'outputs' : 'passingOn';
    case 'territory':
      return 'territory';
    case 'termination':
      return 'end';
    default:
      return 'counts';
  }
}

/** Rows every license is asked about. */
const ROWS = ['finetune', 'adapter', 'merge', 'quantize', 'train-on-outputs', 'publish-outputs', 'host'] as const;

/** `record` laid out for reading. */
export async function sheetOf(record: CatalogRecord): Promise<LicenseSheet> {
  const [records, vocabulary] = await Promise.all([loadRecords(), loadVocabulary()]);
  const parts: Record<SheetPart, SheetLine[]> = {
    may: [],
    must: [],
    mustNot: [],
    names: [],
    thresholds: [],
    outputs: [],
    passingOn: [],
    territory: [],
    end: [],
    counts: [],
  };
  const order = Object.keys(vocabulary.terms);
  // What is asked most stands first in the vocabulary; terms of one kind keep the order of the text.
  for (const term of record.terms.toSorted((x, y) => order.indexOf(x.term) - order.indexOf(y.term))) {
    const part = partOf(term, vocabulary);
    const line = lineOf(term, vocabulary);
    parts[part].push(
      part === 'names' && !term.term.startsWith('encouraged.')
        ? { ...line, what: `${MODAL[vocabulary.terms[term.term]!.kind] ?? ''}${line.what}` }
        : line,
    );
  }
  const { source, flow, policies = [], derivation = {} } = record;
  const bound = policies.flatMap(({ id }) => (id === undefined ? [] : [records.get(id)])).filter((policy) => policy !== undefined);
  return {
    id: record.id,
    spdx: record.spdx,
    name: record.name,
    form: record.form,
    ...(record.kind && { kind: record.kind }),
    ...(record.licensor && { licensor: record.licensor }),
    ...(record.family && { family: record.family }),
    ...(record.version && { version: record.version }),
    ...(record.date && { date: record.date }),
    ...(record.supersededBy && { supersededBy: record.supersededBy }),
    source: source.commit
      ? `https://github.com/${source.repo}/blob/${source.commit}/${source.path}`
      : `https://spdx.org/licenses/${record.spdx}.html`,
    sha256: record.sha256,
    names: record.aliases,
    confusableWith: record.confusableWith,
    ...(flow && { flow: { ...flow, what: vocabulary.flow[flow.strength] ?? flow.strength } }),
    parts,
    uses: [record, ...bound].map((text) => usesOf(text, vocabulary)).filter((uses) => uses.items.length > 0),
    policies: policies.map(({ id, name, url, section, quote }) => ({
      ...(id !== undefined && { id }),
      name: name ?? (id === undefined ? '' : (records.get(id)?.name ?? id)),
      ...(url !== undefined && { url }),
      held: id !== undefined && records.has(id),
      section,
      quote,
    })),
    derivation: ROWS.flatMap((act) => {
      const row = derivation[act];
      return row ? [{ act, what: `${sayAct(act)}: ${sayStatus(row.status)}`, ...row }] : [];
    }),
    notRead: record.form === 'policy' ? [] : ROWS.filter((act) => !derivation[act]),
    review: record.review,
  };
}

function lineOf(term: Term, vocabulary: Vocabulary): SheetLine {
  const { note } = paramsOf(term);
  return {
    term: term.term,
    what: sayTerm(term, vocabulary),
    section: term.section,
    quote: term.quote,
    ...(term.textId && { textId: term.textId }),
    ...(term.on && { on: term.on }),
    ...(term.params && { params: term.params }),
    ...(note !== undefined && { note }),
  };
}

function usesOf({ id, terms }: CatalogRecord, vocabulary: Vocabulary): SheetUses {
  const items = terms.flatMap((term) => paramsOf(term).items ?? []);
  return {
    from: id,
    items: items.map((item) => ({
      ...item,
      what: item.codes.map((code) => vocabulary.useRestrictions[code] ?? vocabulary.otherUses[code] ?? code).join('; '),
    })),
  };
}
