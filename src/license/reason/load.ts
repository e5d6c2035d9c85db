/**
 * Records, rules and names, loaded on first use.
 * @module
 */
import { loadCatalog } from '../catalog.ts';
import { loadNames } from '../names.ts';
import { loadRecords } from '../terms/load.ts';
import { type Book, makeBook } from './book.ts';
import type { Rules } from './rules.ts';

let loading: Promise<{ readonly book: Book; readonly rules: Rules }> | undefined;

export function loadReasoning(): Promise<{ readonly book: Book; readonly rules: Rules }> {
  loading ??= read();
  return loading;
}

async function read(): Promise<{ readonly book: Book; readonly rules: Rules }> {
  const [records, catalog, names, rules] = await Promise.all([
    loadRecords(),
    loadCatalog(),
    loadNames(),
    import('../data/rules.json', { with: { type: 'json' } }),
  ]);
  return { book: makeBook(records, catalog, names), rules: rules.default as unknown as Rules };
}
