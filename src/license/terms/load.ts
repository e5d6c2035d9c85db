/**
 * The license records, compiled from `catalog/licenses/` by `npm run catalog` and loaded on first use.
 * @module
 */
import type { CatalogRecord } from './types.ts';

let loading: Promise<ReadonlyMap<string, CatalogRecord>> | undefined;

/** Records by their own id. */
export function loadRecords(): Promise<ReadonlyMap<string, CatalogRecord>> {
  loading ??= import('../data/records.json', { with: { type: 'json' } }).then(
    (file) => new Map((file.default as unknown as readonly CatalogRecord[]).map((record) => [record.id, record])),
  );
  return loading;
}
