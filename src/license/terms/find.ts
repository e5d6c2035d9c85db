/**
 * Which record a name means: its id, an SPDX id, a hub tag, a GGUF value, a key of another catalogue, or a common spelling.
 * @module
 */
import { loadCatalog } from '../catalog.ts';
import { resolveTag } from '../tags.ts';
import type { CatalogEntry } from '../types.ts';
import { loadRecords } from './load.ts';
import type { CatalogRecord } from './types.ts';

export type FoundLicense =
  /** `sameText`: asked for by another id with the same text. */
  | { readonly found: 'record'; readonly record: CatalogRecord; readonly sameText?: string }
  /** Its text is known, its terms are not recorded. */
  | { readonly found: 'text'; readonly entry: CatalogEntry }
  | { readonly found: 'several'; readonly candidates: readonly Candidate[] }
  /** Nothing is known; ids that look alike, at most ten. */
  | { readonly found: 'none'; readonly near: readonly string[] };

export interface Candidate {
  readonly id: string;
  readonly name: string;
  readonly date?: string;
}

/** Longest name looked up. (CWE-400) */
const MAX_NAME = 200;
const MAX_NEAR = 10;

/** What `name` means. */
export async function findLicense(name: string): Promise<FoundLicense> {
  const [records, catalog] = await Promise.all([loadRecords(), loadCatalog()]);
  const asked = name.slice(0, MAX_NAME).trim().toLowerCase();
  const all = [...records.values()];
  const exact = all.find((r) => r.id.toLowerCase() === asked) ?? all.find((r) => r.spdx.toLowerCase() === asked);
  if (exact) return { found: 'record', record: exact };
  const named = all.filter((r) => r.aliases.some((alias) => !alias.ambiguous && alias.name.toLowerCase() === asked));
  const entry = named.length === 0 ? catalog.find(asked) : undefined;
  if (entry) {
    const record = records.get(entry.id);
    if (!record) return { found: 'text', entry };
    const twin = entry.twins?.find((id) => id.toLowerCase() === asked);
    return { found: 'record', record, ...(twin !== undefined && twin !== record.spdx && { sameText: twin }) };
  }
  const ids = named.length > 0 ? named.map((r) => r.id) : await idsOfTag(asked);
  const candidates = ids.map((id) => candidateOf(id, records.get(id), catalog.find(id)));
  if (candidates.length > 1) return { found: 'several', candidates: candidates.sort(newestFirst) };
  const only = candidates[0];
  const record = only && records.get(only.id);
  if (record) return { found: 'record', record };
  const known = only && catalog.find(only.id);
  if (known) return { found: 'text', entry: known };
  return { found: 'none', near: near(asked, all) };
}

async function idsOfTag(asked: string): Promise<readonly string[]> {
  const tag = await resolveTag(asked);
  if (!tag || tag.expression) return [];
  return tag.candidates ?? [tag.id];
}

function candidateOf(id: string, record: CatalogRecord | undefined, entry: CatalogEntry | undefined): Candidate {
  return { id, name: record?.name ?? entry?.name ?? id, ...(record?.date !== undefined && { date: record.date }) };
}

const newestFirst = (a: Candidate, b: Candidate): number => {
  const [x, y] = [a.date ?? '', b.date ?? ''];
  return x === y ? (a.id < b.id ? -1 : 1) : x < y ? 1 : -1;
};

function near(asked: string, records: readonly CatalogRecord[]): string[] {
  const parts = asked.split(/[^a-z0-9.]+/).filter((part) => part.length > 1);
  const hits = records.map((record) => {
    const names = [record.id, record.name, ...record.aliases.map((alias) => alias.name)].join(' ').toLowerCase();
    return { id: record.id, hits: parts.filter((part) => names.includes(part)).length };
  });
  const best = Math.max(1, ...hits.map((hit) => hit.hits));
  return hits
    .filter((hit) => hit.hits === best)
    .slice(0, MAX_NEAR)
    .map((hit) => hit.id);
}
