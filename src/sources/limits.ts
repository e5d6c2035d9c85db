/**
 * Limits every source keeps, and the checks that go with them. No `node:` import: browser sources use them too.
 * @module
 */
import { checkRange, SourceError } from '../base/index.ts';

/** Largest single `read`; callers read in blocks. Keeps a hostile size from becoming one allocation. (CWE-789) */
export const MAX_READ_BYTES: number = 1 << 30;

/** Files and folders one tree may list; the largest hub repositories hold a few tens of thousands. (CWE-770) */
export const MAX_ENTRIES = 100_000;

/** Folders inside folders; nothing published nests deeper than about ten. (CWE-674) */
export const MAX_DEPTH = 32;

/** Bytes of one path; PATH_MAX of Linux. */
const MAX_PATH_LENGTH = 4096;

/** @throws SourceError `SOURCE_OUT_OF_RANGE` outside the file, `SOURCE_TOO_LARGE` over 1 GiB at once. */
export function checkRead(name: string, size: number, offset: number, length: number): void {
  checkRange(name, size, offset, length);
  if (length > MAX_READ_BYTES)
    throw new SourceError('SOURCE_TOO_LARGE', `${name}: ${length} bytes at once are over 1 GiB`, {
      where: { file: name, byte: offset },
      hint: 'read it in blocks',
    });
}

/**
 * What is wrong with a path that someone else chose, or null. Sound paths are relative, `/`-separated,
 * without empty, `.` or `..` parts, backslashes, control characters or drive letters. (CWE-22)
 */
export function pathProblem(path: string): string | null {
  if (path.length === 0) return 'is empty';
  if (path.length > MAX_PATH_LENGTH) return `is longer than ${MAX_PATH_LENGTH} characters`;
  if (path.startsWith('/')) return 'is absolute';
  if (/^[A-Za-z]:/.test(path)) return 'begins with a drive letter';
  if (path.includes('\\')) return 'holds a backslash';
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'holds a control character';
  if (/\p{Surrogate}/u.test(path)) return 'is not valid Unicode';
  const parts = path.split('/');
  if (parts.includes('..')) return 'climbs out with ".."';
  if (parts.includes('') || parts.includes('.')) return 'holds an empty or "." part';
  if (parts.length > MAX_DEPTH) return `nests deeper than ${MAX_DEPTH} folders`;
  return null;
}

/** Code-unit order, the order of every listing. */
export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
