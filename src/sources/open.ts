/**
 * Opens whatever the user typed.
 * @module
 */
import { stat } from 'node:fs/promises';
import { type FileTree, SourceError } from '../base/index.ts';
import { openFile } from './file.ts';
import { openFolder } from './folder.ts';
import { openHub } from './hub.ts';
import { fsError } from './handles.ts';
import type { OpenOptions } from './options.ts';
import { openUrl } from './url.ts';

/**
 * @param locator a path (whatever exists on disk is a path), `https://…`, or `hf:owner/name[@revision][:path/inside]`.
 * @returns a tree; call `close()` when done with it.
 * @throws SourceError `SOURCE_LOCATOR` when it is none of these, `SOURCE_NOT_FOUND` when nothing is there; others as the kind of source has them.
 */
export async function openTree(locator: string, options: OpenOptions = {}): Promise<FileTree> {
  if (locator === '' || locator.includes('\0')) throw new SourceError('SOURCE_LOCATOR', 'the locator is empty or holds a NUL character');
  const found = await stat(locator).catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EACCES' || code === 'EPERM') throw fsError(error, locator);
    return null;
  });
  if (found?.isDirectory()) return openFolder(locator, options);
  if (found) return openFile(locator, options);
  if (/^https?:\/\//i.test(locator)) return openUrl(locator, options);
  if (locator.startsWith('hf:')) return openHub(locator, options);
  throw notThere(locator);
}

function notThere(locator: string): SourceError {
  if (/^[a-z][a-z0-9+.-]*:/i.test(locator))
    return new SourceError('SOURCE_LOCATOR', `"${locator}" is neither a path that exists nor a locator Heirloom knows`, {
      hint: 'give a path, https://…, or hf:owner/name',
    });
  if (/^[\w.-]+\/[\w.-]+(@[^:]+)?$/.test(locator) && !locator.startsWith('.'))
    return new SourceError('SOURCE_NOT_FOUND', `"${locator}" does not exist here`, { hint: `did you mean hf:${locator}?` });
  return new SourceError('SOURCE_NOT_FOUND', `"${locator}" does not exist`, { hint: 'give a path, https://…, or hf:owner/name' });
}
