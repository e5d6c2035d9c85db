/** The corpora beside the repository. A missing corpus fails the test that needs it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openTree } from '../../sources/index.ts';
import { readModel } from '../read.ts';
import type { Model } from '../types.ts';

export function corpusPath(path: string): string {
  return fileURLToPath(new URL(`../../../../shared/${path}`, import.meta.url));
}
export function corpusJson(path: string): unknown {
  return JSON.parse(readFileSync(corpusPath(path), 'utf8'));
}
export function corpusFolders(path: string): string[] {
  return readdirSync(corpusPath(path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Opens, reads, hands over and closes. */
export async function withModel<T>(path: string, use: (model: Model) => Promise<T> | T): Promise<T> {
  const tree = await openTree(corpusPath(path));
  try {
    return await use(await readModel(tree));
  } finally {
    await tree.close();
  }
}
