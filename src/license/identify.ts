/**
 * Which licenses a text holds, names or points to.
 * @module
 */
import { loadCatalog } from './catalog.ts';
import { readColumns } from './columns.ts';
import { loadNames } from './names.ts';
import { composedMatch, customRail } from './rail/matches.ts';
import { loadRail } from './rail/data.ts';
import { parseRail } from './rail/parse.ts';
import { recognizeComposed } from './rail/recognize.ts';
import { findReferences } from './references.ts';
import { shinglesOf } from './shingles.ts';
import { findTexts } from './texts.ts';
import type { Difference, LicenseMatch } from './types.ts';
import { MAX_TEXT, splitWords } from './words.ts';

const RAIL_NAME = /\brail\b|responsible ai/i;

/**
 * Licenses in `text`, in order of place. Only the first 1 MiB is read; a text found in a longer one is
 * `modified`, for what stands after it may change it.
 * A text nobody registered gives `[]`, never a nearest neighbor. `modified` is true as soon as one word that counts
 * differs from the catalogue's text, and `differs` shows which. A policy that stands in the same file as a license is
 * listed under that license.
 */
export async function identifyLicense(text: string): Promise<LicenseMatch[]> {
  const matches = await identifyRead(text);
  const changes = changesIn(matches);
  if (changes === 0) return matches;
  // Words of two columns stand between each other; read down the columns a license may show.
  const columns = readColumns(text.slice(0, MAX_TEXT));
  if (!columns) return matches;
  const found = await identifyRead(columns.text + text.slice(MAX_TEXT));
  if (changesIn(found) >= changes) return matches;
  const place = (m: LicenseMatch): LicenseMatch => ({
    ...m,
    range: columns.back(...m.range),
    differs: m.differs.map((d) => ({ ...d, at: columns.back(d.at, d.at)[0] })),
    ...(m.policies && { policies: m.policies.map(place) }),
  });
  return found.map(place);
}

/** Places where the license texts found differ from the catalogue's; no end of them where none was found. */
function changesIn(matches: readonly LicenseMatch[]): number {
  const texts = matches.filter((m) => m.by === 'text');
  return texts.length === 0 ? Infinity : texts.reduce((sum, m) => sum + m.differs.length, 0);
}

async function identifyRead(text: string): Promise<LicenseMatch[]> {
  const catalog = await loadCatalog();
  const names = await loadNames();
  const read = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  const words = splitWords(read);
  const shingles = shinglesOf(words);
  const rail = await loadRail();
  const composed = recognizeComposed(rail, read, words, shingles);
  const texts = (await findTexts(read, words, shingles, catalog)).filter((m) => !composed || m.b1 <= composed.b0 || m.b0 >= composed.b1);
  const matches = texts.map((m): LicenseMatch => {
    const range = [words.start[m.b0] ?? 0, words.end[m.b1 - 1] ?? 0] as const;
    const reading = RAIL_NAME.test(m.entry.name) ? parseRail(rail, read.slice(...range)) : null;
    return {
      id: m.entry.id,
      name: m.entry.name,
      modified: m.differs.length > 0,
      by: 'text',
      coverage: m.coverage,
      differs: m.differs,
      range,
      ...(m.alike && { candidates: m.alike }),
      ...(reading && { rail: reading }),
    };
  });
  if (text.length > MAX_TEXT)
    for (const [k, m] of matches.entries()) matches[k] = { ...m, modified: true, differs: [...m.differs, unread(text)] };
  const taken = texts.map((m) => ({ from: m.b0, to: m.b1 }));
  const ownRail = composed ? composedMatch(composed, read, words) : matches.length === 0 ? customRail(rail, read) : null;
  if (composed) taken.push({ from: composed.b0, to: composed.b1 });
  const held = new Set(matches.map((m) => m.id));
  const isHeld = (id: string): boolean => held.has(id) || held.has(catalog.find(id)?.id ?? id);
  const named = findReferences(read, words, taken, catalog, names).filter((m) => !isHeld(m.id) && !m.candidates?.some(isHeld));
  const policies = texts.flatMap((m, k) => (m.entry.form === 'policy' ? [matches[k]!] : []));
  const licenses = texts.flatMap((m, k) => (m.entry.form === 'policy' ? [] : [matches[k]!]));
  if (licenses[0] && policies.length > 0) licenses[0] = { ...licenses[0], policies };
  const own = licenses.length > 0 ? licenses : policies;
  return [...(ownRail ? [ownRail] : []), ...own, ...named].sort((x, y) => x.range[0] - y.range[0] || y.range[1] - x.range[1]);
}

/** A term past the limit would go unread; so it is said that something is unread. */
function unread(text: string): Difference {
  return { kind: 'added', catalog: '', found: `(${text.length - MAX_TEXT} characters that were not read)`, at: MAX_TEXT };
}
