/**
 * Model files made by others or by us, read from beside the repository. Missing files make the test fail.
 * @module
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type FileTree, memoryTree } from '../../base/index.ts';
import { rowCount } from '../checkpoint.ts';
import type { Checkpoint, TensorInfo } from '../types.ts';

const SHARED = new URL('../../../../shared/', import.meta.url);

/** @param path below the shared folder. */
export function sharedBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, SHARED)));
}

/** Every file directly inside a shared folder. */
export function sharedTree(folder: string): FileTree {
  const files: Record<string, Uint8Array> = {};
  for (const name of readdirSync(new URL(folder, SHARED)))
    if (statSync(new URL(`${folder}/${name}`, SHARED)).isFile()) files[name] = sharedBytes(`${folder}/${name}`);
  return memoryTree(folder, files);
}

/** Paths below `folder` that end in `suffix`, sorted. */
export function sharedPaths(folder: string, suffix: string): string[] {
  const root = fileURLToPath(SHARED);
  return readdirSync(new URL(folder, SHARED), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.length))
    .sort();
}

/** All values of a tensor. */
export function allRows(checkpoint: Checkpoint, tensor: TensorInfo): Promise<Float32Array> {
  return checkpoint.readRows(tensor, 0, rowCount(tensor));
}

/** First 16 hex digits of the SHA-256 of `bytes`. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** Digest of values as little-endian f32. */
export function digestValues(values: Float32Array): string {
  return digest(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}
