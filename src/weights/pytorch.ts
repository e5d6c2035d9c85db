/**
 * Entry points for what begins like a zip, a tar or a pickle.
 * @module
 */
import type { FileTree } from '../base/index.ts';
import { openNpy as openNpySource, openNpz } from './npy.ts';
import { openPytorchLegacy, openPytorchTar } from './pytorch-legacy.ts';
import { openPytorchZip, pytorchPrefix } from './pytorch-zip.ts';
import { type Checkpoint, WeightsError } from './types.ts';
import { readZip } from './zip.ts';

/** PyTorch archives and .npz; other archives are named for what they look like. @throws WeightsError */
export async function openZipped(tree: FileTree, path: string): Promise<Checkpoint> {
  const archive = await readZip(await tree.open(path));
  const prefix = pytorchPrefix(archive);
  if (prefix !== null) return openPytorchZip(archive, prefix);
  if (archive.entries.some((entry) => entry.name.endsWith('.npy'))) return openNpz(archive);
  const names = new Set(archive.entries.map((entry) => entry.name));
  if (names.has('model.weights.h5') || (names.has('config.json') && path.toLowerCase().endsWith('.keras')))
    return (await import('./keras.ts')).openKerasArchive(archive, path);
  throw new WeightsError('WEIGHTS_NOT_A_MODEL', `${path} is a zip archive without weights Heirloom knows`, {
    where: { file: path, byte: 0 },
  });
}

/** PyTorch's oldest container. @throws WeightsError */
export async function openTar(tree: FileTree, path: string): Promise<Checkpoint> {
  return openPytorchTar(await tree.open(path));
}

/** PyTorch's legacy stream, or a pickle of arrays. @throws WeightsError */
export async function openPickle(tree: FileTree, path: string): Promise<Checkpoint> {
  return openPytorchLegacy(await tree.open(path));
}

/** @throws WeightsError */
export async function openNpy(tree: FileTree, path: string): Promise<Checkpoint> {
  return openNpySource(await tree.open(path));
}
