import { loadCatalog } from './catalog.ts';
import { loadNames } from './names.ts';
import type { LicenseGraph } from './reason/types.ts';
import { resolveWith } from './tags.ts';
import { loadRecords } from './terms/load.ts';

/** Any model under the license that `id` names (id, tag or full name), as a graph of one; null when it names none. */
export async function licenseGraphOf(id: string): Promise<LicenseGraph | null> {
  const [catalog, names, records] = await Promise.all([loadCatalog(), loadNames(), loadRecords()]);
  const name = records.has(id) ? id : (catalog.find(id)?.id ?? resolveWith(catalog, names, id)?.id);
  if (name === undefined) return null;
  const twin = catalog.find(id)?.twins?.includes(id) ? id : name;
  return { nodes: { [twin]: { name: '', licenses: [twin] } }, edges: [], subject: twin };
}
