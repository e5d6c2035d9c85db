/**
 * What a license tag of a card, a GGUF key or a field of prose means.
 * @module
 */
import { type Catalog, kindRank, loadCatalog } from './catalog.ts';
import { parseExpression } from './expression.ts';
import { canonicalName, currentId, loadNames, type NameTarget, type Names } from './names.ts';
import type { LicenseKind, ResolvedTag } from './types.ts';

/** Tags that say nothing. "unlicensed" is not the Unlicense: cards use it for "none stated". */
const EMPTY_TAGS: ReadonlySet<string> = new Set([
  '',
  'other',
  'unknown',
  'unlicensed',
  'none',
  'proprietary',
  'undisclosed',
  'other license',
  'license',
  'custom',
]);

/** Longest tag read. */
const MAX_TAG = 400;

/**
 * The license `tag` names: an SPDX id or expression, a hub tag, a full name or a known spelling.
 * Null when it names none (`other`, `unknown`) or none that is known.
 * A name of several versions gives the newest as `id` and all in `candidates`; a name shared by different licenses
 * (`openrail`, `bsd`) gives `LicenseRef-<tag>` with the strictest kind.
 */
export async function resolveTag(tag: string): Promise<ResolvedTag | null> {
  return resolveWith(await loadCatalog(), await loadNames(), tag);
}

/** `resolveTag` over loaded data. */
export function resolveWith(catalog: Catalog, names: Names, tag: string): ResolvedTag | null {
  const value = tag.slice(0, MAX_TAG).trim();
  if (EMPTY_TAGS.has(value.toLowerCase())) return null;
  const single = resolveId(catalog, value) ?? resolveName(catalog, names, value);
  // "AGPL-3.0 License (https://…)", as exporters of detectors write it.
  const bare = value.replace(/\(?\bhttps?:\/\/[^\s)]*\)?/g, ' ').trim();
  if (!single && bare !== value && bare !== '') return resolveWith(catalog, names, bare);
  return single ?? resolveExpression(catalog, names, value);
}

function resolveId(catalog: Catalog, value: string): ResolvedTag | null {
  const entry = catalog.find(value);
  if (!entry || entry.form !== 'license') return null;
  const twin = entry.twins?.find((id) => id.toLowerCase() === value.toLowerCase());
  return { id: twin && twin !== entry.spdx ? currentId(twin) : entry.id, kind: entry.kind };
}

function resolveName(catalog: Catalog, names: Names, value: string): ResolvedTag | null {
  const target = names.byWords.get(canonicalName(value).join(' '));
  return target ? resolveTarget(catalog, target) : null;
}

/** What a known name stands for. */
export function resolveTarget(catalog: Catalog, target: NameTarget): ResolvedTag {
  const kinds = target.ids.map((id): LicenseKind => catalog.find(id)?.kind ?? 'unknown');
  const kind = target.kind ?? kinds.reduce((worst, k) => (kindRank(k) > kindRank(worst) ? k : worst), kinds[0] ?? 'unknown');
  if (target.family || target.ids.length === 0)
    return { id: licenseRef(target.name), kind, ...(target.ids.length > 0 && { candidates: target.ids }) };
  return { id: target.ids[0]!, kind, ...(target.ids.length > 1 && { candidates: target.ids }) };
}

function resolveExpression(catalog: Catalog, names: Names, value: string): ResolvedTag | null {
  if (!/\s(and|or|with)\s/i.test(value)) return null;
  let parsed;
  try {
    parsed = parseExpression(value);
  } catch {
    return null;
  }
  const parts = parsed.ids.map((id) => resolveId(catalog, id) ?? resolveName(catalog, names, id) ?? ownRef(id));
  if (parts.some((part) => part === null)) return null;
  const known = parts as ResolvedTag[];
  const ids = [...new Set(known.map((part) => part.id))];
  // One of several may be chosen; all of several bind.
  const ranked = [...known].sort((x, y) => kindRank(x.kind) - kindRank(y.kind));
  const kind = parsed.operator === 'or' ? ranked[0]!.kind : ranked.at(-1)!.kind;
  const joined = parsed.operator === 'mixed' ? value : ids.join(parsed.operator === 'or' ? ' OR ' : ' AND ');
  return { id: ids.length === 1 ? ids[0]! : joined, kind, expression: { ids, operator: parsed.operator } };
}

/** A `LicenseRef-` that nobody here knows is still the license its author names. */
export function ownRef(id: string): ResolvedTag | null {
  return /^LicenseRef-[A-Za-z0-9.-]{1,100}$/.test(id) ? { id, kind: 'unknown' } : null;
}

/** Kind of any id this room hands out: catalogue ids, `LicenseRef-<tag>` of shared names, expressions. */
export function kindOfId(catalog: Catalog, names: Names, id: string): LicenseKind {
  const tag = id.startsWith('LicenseRef-') ? id.slice('LicenseRef-'.length) : id;
  return catalog.find(id)?.kind ?? resolveWith(catalog, names, tag)?.kind ?? 'unknown';
}

/** An SPDX `LicenseRef-` made of a name: letters, digits, dots and hyphens only. */
export function licenseRef(name: string): string {
  const safe = name
    .toLowerCase()
    .replace(/[^a-z0-9.+]+/g, '-')
    .replaceAll('+', 'p')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100);
  return `LicenseRef-${safe || 'unnamed'}`;
}
