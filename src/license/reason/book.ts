/**
 * What is known of a license by any id it goes under: its record, kind and SPDX id. Ids without a record still have a kind.
 * @module
 */
import type { Catalog } from '../catalog.ts';
import { type Expression, parseExpression } from '../expression.ts';
import type { Names } from '../names.ts';
import { kindOfId, resolveWith } from '../tags.ts';
import type { LicenseRecord, Term } from '../terms/types.ts';
import type { LicenseKind } from '../types.ts';
import { kindRank } from '../catalog.ts';
import { paramText } from './words.ts';

export interface License {
  readonly id: string;
  readonly spdx: string;
  readonly name: string;
  readonly kind: LicenseKind;
  /** False: what it asks for is not in the data. */
  readonly listed: boolean;
  /** Its terms and those of the policies it incorporates. */
  readonly terms: readonly Term[];
  readonly record?: LicenseRecord;
}

export interface Book {
  /** Never fails: an unknown id is a license without terms of unknown kind. */
  license(id: string): License;
  /**
   * Ids of which all bind. Of a choice ("MIT OR GPL-2.0-only") one that `preferred` holds, else the one that asks for least; an expression of both
   * kinds binds whole, which is the strictest reading.
   */
  split(expression: string, preferred?: readonly string[]): { readonly ids: readonly string[]; readonly chosen?: string };
  /** Every id an expression holds. */
  alternatives(expression: string): readonly string[];
  same(a: string, b: string): boolean;
}

export function makeBook(records: ReadonlyMap<string, LicenseRecord>, catalog: Catalog, names: Names): Book {
  const known = new Map<string, License>();
  const make = (id: string): License => {
    const own = records.get(id);
    const entry = own ? undefined : (catalog.find(id) ?? catalog.find(resolveWith(catalog, names, id)?.id ?? ''));
    const record = own ?? (entry && records.get(entry.id));
    const terms = record ? withPolicies(record, records) : [];
    const kind = record?.kind ?? entry?.kind ?? kindOfId(catalog, names, id);
    return {
      // A twin (`GPL-3.0-or-later`) keeps its own name; its text and terms are the entry's.
      id:
        record && entry && entry.id.toLowerCase() !== id.toLowerCase() && entry.twins?.includes(id) ? id : (record?.id ?? entry?.id ?? id),
      spdx: entry?.twins?.includes(id)
        ? id
        : (record?.spdx ?? entry?.spdx ?? (/^LicenseRef-/.test(id) ? id : `LicenseRef-${id.replace(/[^\w.-]+/g, '-')}`)),
      name: record?.name ?? entry?.name ?? id,
      kind: record?.form === 'policy' ? (record.kind ?? 'use-restricted') : kind,
      listed: terms.length > 0 || kind === 'public-domain',
      terms,
      ...(record && { record }),
    };
  };
  const license = (id: string): License => {
    let one = known.get(id);
    if (!one) known.set(id, (one = make(id)));
    return one;
  };
  const textOf = (id: string): string => (license(id).record?.id ?? catalog.find(id)?.id ?? license(id).id).toLowerCase();
  return {
    license,
    same: (a, b) => a === b || textOf(a) === textOf(b),
    alternatives: (expression) => idsOf(expression)?.ids ?? [expression],
    split(expression, preferred = []) {
      const parsed = idsOf(expression);
      if (!parsed) return { ids: [expression] };
      if (parsed.operator !== 'or') return { ids: parsed.ids };
      const kept = parsed.ids.find((id) => preferred.some((own) => own === id || textOf(own) === textOf(id)));
      const [least] = [...parsed.ids].sort((x, y) => kindRank(license(x).kind) - kindRank(license(y).kind));
      return { ids: [kept ?? least!], chosen: expression };
    },
  };
}

/** Null for what is no expression: a plain id, or text nobody can read. */
function idsOf(expression: string): Expression | null {
  if (!/\s(and|or|with)\s/i.test(expression)) return null;
  try {
    return parseExpression(expression);
  } catch {
    return null;
  }
}

/** A policy that a license takes in by reference binds with it; its terms keep the policy's own id. */
function withPolicies(record: LicenseRecord, records: ReadonlyMap<string, LicenseRecord>): Term[] {
  const terms = [...record.terms];
  for (const term of record.terms) {
    const policy = term.term === 'duty.acceptable-use' ? records.get(paramText(term, 'policy')) : undefined;
    if (policy?.form !== 'policy') continue;
    for (const extra of policy.terms)
      if (!terms.some((own) => own.term === extra.term && own.quote === extra.quote)) terms.push({ ...extra, textId: policy.id } as Term);
  }
  return terms;
}
