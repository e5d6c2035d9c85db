/**
 * The shared corpora, read once per test run. Missing corpora are an error: a skipped accuracy test proves nothing.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Sketch, sketchModel } from '../../src/lineage/index.ts';
import { type Model, readModel } from '../../src/model/index.ts';
import { nodeHasher, openTree } from '../../src/sources/index.ts';

export const SHARED: string = fileURLToPath(new URL('../../../shared/', import.meta.url));

export interface CorpusModel {
  readonly id: string;
  readonly folder: string;
  readonly recipe: string;
}

/** @throws Error saying what is missing. */
export function readManifest<T>(corpus: 'lineage-corpus' | 'real-models'): T {
  const file = `${SHARED}${corpus}/manifest.json`;
  if (!existsSync(file)) throw new Error(`the shared corpus is missing: ${file}; accuracy cannot be tested without it`);
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

export async function sketchFolder(folder: string): Promise<Sketch> {
  const tree = await openTree(folder);
  try {
    const model = await readModel(tree);
    return await sketchModel(model, { digest: { value: `sha256:${model.name}`, covers: 'its name, in this test' }, newHasher: nodeHasher });
  } finally {
    await tree.close();
  }
}

/** Opens models for `work`, and closes them. */
export async function withModels<T>(folders: readonly string[], work: (models: readonly Model[]) => Promise<T>): Promise<T> {
  const trees = await Promise.all(folders.map((folder) => openTree(folder)));
  try {
    return await work(await Promise.all(trees.map((tree) => readModel(tree))));
  } finally {
    for (const tree of trees) await tree.close();
  }
}
