/**
 * Which licenses a text holds, names or points to.
 * @module
 */
import { type Catalog, loadCatalog } from './catalog.ts';
import { findTexts } from './texts.ts';
import type { LicenseMatch } from './types.ts';
import { splitWords } from './words.ts';

/**
 * Licenses in `text`, in order of place. Only the first 1 MiB is read. A text nobody registered gives `[]`: never a nearest neighbour.
 * `modified` is true as soon as one word that counts differs from the catalogue's text, and `differs` shows it.
 */
export async function identifyLicense(text: string): Promise<LicenseMatch[]> {
  const catalog: Catalog = await loadCatalog();
  const words = splitWords(text);
  const texts = (await findTexts(text, words, catalog)).map((m): LicenseMatch & { policy: boolean } => ({
    id: m.entry.id,
    name: m.entry.name,
    modified: m.differs.length > 0,
    by: 'text',
    coverage: m.coverage,
    differs: m.differs,
    range: [words.start[m.b0] ?? 0, words.end[m.b1 - 1] ?? 0],
    policy: m.entry.form === 'policy',
  }));
  return texts;
}
