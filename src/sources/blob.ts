/**
 * Files a user picked in a browser (File API). Imports no `node:` module, so it can be bundled by itself.
 * @module
 */
import { type ByteSource, type FileTree, type ReadStats, SourceError } from '../base/index.ts';
import { byPath, checkRead, MAX_ENTRIES, pathProblem } from './limits.ts';

/** A tree of one file. */
export function openBlob(name: string, blob: Blob): FileTree {
  return blobTree(name, 'file', [{ path: name, blob }]);
}

/**
 * A tree of several files.
 * @param files paths relative to the model's folder (`webkitRelativePath` without its first part).
 * @throws SourceError `SOURCE_LOCATOR` for an unsound path or one given twice, `SOURCE_TOO_LARGE` over 100,000 files.
 */
export function openBlobs(files: readonly { readonly path: string; readonly blob: Blob }[], name = 'files'): FileTree {
  return blobTree(name, 'folder', files);
}

function blobTree(name: string, kind: FileTree['kind'], files: readonly { readonly path: string; readonly blob: Blob }[]): FileTree {
  if (files.length > MAX_ENTRIES)
    throw new SourceError('SOURCE_TOO_LARGE', `${files.length} files are more than the ${MAX_ENTRIES} one model may have`);
  const blobs = new Map<string, Blob>();
  for (const { path, blob } of files) {
    const problem = pathProblem(path) ?? (blobs.has(path) ? 'is given twice' : null);
    if (problem !== null) throw new SourceError('SOURCE_LOCATOR', `the path ${JSON.stringify(path.slice(0, 200))} ${problem}`);
    blobs.set(path, blob);
  }
  const stats: ReadStats = { bytes: 0, requests: 0 };
  return {
    locator: name,
    name,
    kind,
    files: [...blobs].map(([path, blob]) => ({ path, size: blob.size })).sort(byPath),
    findings: [],
    stats,
    async open(path) {
      const blob = blobs.get(path);
      if (!blob) throw new SourceError('SOURCE_NOT_FOUND', `${name} holds no file "${path}"`, { where: { file: path } });
      return blobSource(path, blob, stats);
    },
    async close() {},
  };
}

function blobSource(name: string, blob: Blob, stats: ReadStats): ByteSource {
  const { size } = blob;
  return {
    name,
    size,
    stats,
    async read(offset, length) {
      checkRead(name, size, offset, length);
      let bytes: Uint8Array;
      try {
        bytes = new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        // A picked file is a reference: browsers refuse it once the file on disk has changed. (File API, "NotReadableError")
        throw new SourceError('SOURCE_CHANGED', `${name} was changed or removed since it was picked`, {
          where: { file: name },
          hint: 'pick it again',
          cause,
        });
      }
      stats.bytes += bytes.length;
      stats.requests += 1;
      if (bytes.length < length)
        throw new SourceError('SOURCE_TRUNCATED', `${name} ended at byte ${offset + bytes.length}`, {
          where: { file: name, byte: offset + bytes.length },
        });
      return bytes;
    },
  };
}
