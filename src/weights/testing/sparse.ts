/**
 * Files too large to hold: some ranges have bytes, everything else is zero. Counts what is read.
 * @module
 */
import { type ByteSource, checkRange, type FileTree, type ReadStats, SourceError } from '../../base/index.ts';

export interface SparseFile {
  readonly size: number;
  readonly pieces: readonly (readonly [offset: number, bytes: Uint8Array])[];
}

/** Bytes `[offset, offset + length)`. */
export function sparseRange(file: SparseFile, offset: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (const [start, bytes] of file.pieces) {
    const from = Math.max(start, offset);
    const to = Math.min(start + bytes.length, offset + length);
    if (from < to) out.set(bytes.subarray(from - start, to - start), from - offset);
  }
  return out;
}

export function sparseTree(files: Readonly<Record<string, SparseFile>>): FileTree {
  const stats: ReadStats = { bytes: 0, requests: 0 };
  const paths = Object.keys(files).sort();
  const source = (name: string, file: SparseFile): ByteSource => ({
    name,
    size: file.size,
    stats,
    async read(offset, length) {
      checkRange(name, file.size, offset, length);
      stats.bytes += length;
      stats.requests += 1;
      return sparseRange(file, offset, length);
    },
  });
  return {
    locator: 'sparse',
    name: 'sparse',
    kind: 'memory',
    files: paths.map((path) => ({ path, size: files[path]!.size })),
    findings: [],
    stats,
    async open(path) {
      if (!Object.hasOwn(files, path)) throw new SourceError('SOURCE_NOT_FOUND', `no file "${path}"`, { where: { file: path } });
      return source(path, files[path]!);
    },
    async close() {},
  };
}
