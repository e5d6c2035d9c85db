import { loadCatalog } from './catalog.ts';
import { loadNames } from './names.ts';
import type { LicenseGraph } from './reason/types.ts';
import { resolveWith } from './tags.ts';
import { loadRecords } from './terms/load.ts';

/** Any model under the license that `id` names (id, tag or full name), as a graph of one; null when it names none. `candidates`: all that a name of several versions may mean. */
export async function licenseGraphOf(id: string): Promise<{ readonly graph: LicenseGraph; readonly candidates: readonly string[] } | null> {
  const [catalog, names, records] = await Promise.all([loadCatalog(), loadNames(), loadRecords()]);
  const resolved = records.has(id) || catalog.find(id) ? null : resolveWith(catalog, names, id);
  const name = records.has(id) ? id : (catalog.find(id)?.id ?? resolved?.id);
  if (name === undefined) return null;
  const twin = catalog.find(id)?.twins?.includes(id) ? id : name;
  const graph = { nodes: { [twin]: { name: '', licenses: [twin] } }, edges: [], subject: twin };
  return { graph, candidates: resolved?.candidates ?? [] };
}
