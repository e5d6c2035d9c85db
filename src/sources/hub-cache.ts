/**
 * The hub tools' own download cache, read only:
 * `models--owner--name/{refs/<revision>, snapshots/<commit>/…, blobs/…}` (huggingface_hub, "Understand caching").
 * @module
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileTree, SourceError } from '../base/index.ts';
import { openFolder } from './folder.ts';
import type { HubLocator } from './hub-locator.ts';
import type { OpenOptions } from './options.ts';

/** The snapshot of `commit` as a folder, or null when the cache has none (or one that cannot be listed). */
export async function cachedSnapshot(cache: string, id: string, commit: string, options: OpenOptions): Promise<FileTree | null> {
  const folder = join(entryFolder(cache, id), 'snapshots', commit);
  try {
    return await openFolder(folder, options);
  } catch (error) {
    if (error instanceof SourceError) return null;
    throw error;
  }
}

/** The commit a revision stood for when it was last downloaded, or null. */
export async function cachedCommit(cache: string, { id, revision }: HubLocator): Promise<string | null> {
  if (/^[0-9a-f]{40}$/.test(revision)) return revision;
  const handle = await open(join(entryFolder(cache, id), 'refs', ...revision.split('/'))).catch(() => null);
  if (!handle) return null;
  try {
    const buffer = new Uint8Array(64);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    const text = new TextDecoder().decode(buffer.subarray(0, bytesRead)).trim();
    return /^[0-9a-f]{40}$/.test(text) ? text : null;
  } catch {
    return null;
  } finally {
    await handle.close();
  }
}

function entryFolder(cache: string, id: string): string {
  return join(cache, `models--${id.replaceAll('/', '--')}`);
}
