/**
 * Which licenses a text holds, names or points to.
 * @module
 */
import { loadCatalog } from './catalog.ts';
import { loadNames } from './names.ts';
import { findReferences } from './references.ts';
import { findTexts } from './texts.ts';
import type { LicenseMatch } from './types.ts';
import { MAX_TEXT, splitWords } from './words.ts';

/**
 * Licenses in `text`, in order of place. Only the first 1 MiB is read.
 * A text nobody registered gives `[]`, never a nearest neighbor. `modified` is true as soon as one word that counts
 * differs from the catalogue's text, and `differs` shows which. A policy that stands in the same file as a license is
 * listed under that license.
 */
export async function identifyLicense(text: string): Promise<LicenseMatch[]> {
  const catalog = await loadCatalog();
  const names = await loadNames();
  const read = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  const words = splitWords(read);
  const texts = await findTexts(read, words, catalog);
  const matches = texts.map((m): LicenseMatch => ({
    id: m.entry.id,
    name: m.entry.name,
    modified: m.differs.length > 0,
    by: 'text',
    coverage: m.coverage,
    differs: m.differs,
    range: [words.start[m.b0] ?? 0, words.end[m.b1 - 1] ?? 0],
  }));
  const taken = texts.map((m) => ({ from: m.b0, to: m.b1 }));
  const held = new Set(matches.map((m) => m.id));
  const isHeld = (id: string): boolean => held.has(id) || held.has(catalog.find(id)?.id ?? id);
  const named = findReferences(read, words, taken, catalog, names).filter((m) => !isHeld(m.id) && !m.candidates?.some(isHeld));
  const policies = texts.flatMap((m, k) => (m.entry.form === 'policy' ? [matches[k]!] : []));
  const licenses = texts.flatMap((m, k) => (m.entry.form === 'policy' ? [] : [matches[k]!]));
  if (licenses[0] && policies.length > 0) licenses[0] = { ...licenses[0], policies };
  const own = licenses.length > 0 ? licenses : policies;
  return [...own, ...named].sort((x, y) => x.range[0] - y.range[0] || y.range[1] - x.range[1]);
}
