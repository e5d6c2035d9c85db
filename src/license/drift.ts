/**
 * What became of an ancestor's license in a descendant's label. Facts only: what each side says, and where.
 * @module
 */
import { type Catalog, kindRank } from './catalog.ts';
import type { Statements } from './statements.ts';
import { kindOfId, resolveWith } from './tags.ts';
import type { AncestorLicense, Drift, LicenseKind } from './types.ts';

/** Kinds whose label may be exchanged with little loss, as long as notices stay. */
const PERMISSIVE_RANK = kindRank('attribution');

/** Ids under which two statements are compared: an id, its candidates, and the catalogue's own id for a twin. */
function sameLicense(catalog: Catalog, a: string, b: string): boolean {
  const own = (id: string): string => (catalog.find(id)?.id ?? id).toLowerCase();
  return own(a) === own(b);
}

/** Kind of the strictest of `ids`. */
export function kindsOf({ catalog, names }: Pick<Statements, 'catalog' | 'names'>, ids: readonly string[]): LicenseKind {
  let strictest: LicenseKind | undefined;
  for (const id of ids) {
    const kind = kindOfId(catalog, names, id);
    if (strictest === undefined || kindRank(kind) > kindRank(strictest)) strictest = kind;
  }
  return strictest ?? 'unknown';
}

/** One answer per ancestor whose license is known. */
export function judgeDrift(statements: Statements, ancestors: readonly AncestorLicense[]): Drift[] {
  const { declared, found, catalog, names } = statements;
  const stated = [
    ...declared.flatMap((d) => (d.id === null ? [] : [d.id, ...d.id.split(/ (?:AND|OR) /), ...(d.candidates ?? [])])),
    ...found.flatMap((f) => [f.id, ...(f.candidates ?? [])]),
  ];
  const to = [
    ...new Set([
      ...declared.flatMap((d) => (d.id === null ? [] : [d.id])),
      ...found.filter((f) => f.by === 'text' && catalog.find(f.id)?.form !== 'policy').map((f) => f.id),
    ]),
  ];
  const here = describeStated(statements);
  return ancestors
    .filter((ancestor) => ancestor.licenses.length > 0)
    .map((ancestor): Drift => {
      const isStated = (id: string): boolean => stated.some((own) => sameLicense(catalog, id, own));
      const missing = ancestor.licenses.filter((id) => {
        const parts = resolveWith(catalog, names, id)?.expression;
        return (
          !isStated(id) &&
          !(parts?.operator === 'or' && parts.ids.some(isStated)) &&
          !(parts?.operator === 'and' && parts.ids.every(isStated))
        );
      });
      const tie = tieTo(ancestor);
      const there = `${ancestor.name}, ${tie}, is bound by ${ancestor.licenses.join(' and ')}${ancestor.from ? ` (${ancestor.from})` : ''}`;
      const common = { ancestor: ancestor.name, because: ancestor.because, from: ancestor.licenses, to };
      if (missing.length === 0) return { ...common, kind: 'kept', what: `${here}; ${there}; the two agree` };
      if (stated.length === 0) return { ...common, kind: 'dropped', what: `${here}; ${there}; nothing in the folder mentions it` };
      const kind = compare(kindsOf(statements, missing), kindsOf(statements, to));
      const unsure =
        kindsOf(statements, missing) === 'unknown' || kindsOf(statements, to) === 'unknown'
          ? '; which of the two asks for more is not known here'
          : '';
      return { ...common, kind, what: `${here}; ${there}; nothing in the folder grants the change${unsure}` };
    });
}

function tieTo(ancestor: AncestorLicense): string {
  if (ancestor.because === 'claimed') return 'which this model names as its base';
  if (ancestor.cameFirst === 'weights') return 'which the weights show as an ancestor';
  if (ancestor.cameFirst === 'card') return 'which this model names as its base and shares training with';
  return 'which shares training with this model (which came first is not in the weights)';
}

function compare(from: LicenseKind, to: LicenseKind): Drift['kind'] {
  if (from === 'unknown' || to === 'unknown') return 'relabelled';
  const [before, after] = [kindRank(from), kindRank(to)];
  if (after < before && before > PERMISSIVE_RANK) return 'loosened';
  return after > before && after > PERMISSIVE_RANK ? 'tightened' : 'relabelled';
}

function describeStated({ declared, found }: Statements): string {
  if (declared.length > 0) return `this card says ${declared.map((d) => d.value).join(', ')} (${declared[0]!.from})`;
  const files = [...new Set(found.map((f) => `${f.file} holds ${f.id}`))];
  return files.length > 0 ? `this folder's ${files.slice(0, 3).join(', ')}` : 'this model states no license';
}
