/**
 * A folder on this machine as a tree. Links are followed only while their real target stays inside the folder,
 * or inside the Hugging Face cache entry the folder belongs to
 * (huggingface_hub, "Understand caching": `models--owner--name/{blobs,refs,snapshots/<commit>}`).
 * @module
 */
import { type BigIntStats, closeSync, lstatSync, opendirSync, openSync, realpathSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { type FileTree, type Finding, type ReadStats, SourceError } from '../base/index.ts';
import { kindOf } from './file.ts';
import { createHandlePool, fsError, isInside, type LocalFile, localSource, READ_ONLY } from './handles.ts';
import { byPath, MAX_DEPTH, MAX_ENTRIES } from './limits.ts';
import type { OpenOptions } from './options.ts';

/** Tool folders that hold no part of a model: history, packages, download bookkeeping (`.cache/huggingface`). */
const SKIPPED: ReadonlySet<string> = new Set(['.git', 'node_modules', '.cache']);

/**
 * Entries looked at before others get a turn. Calls that wait for nothing but the system's cache take 3 µs, the same
 * through the thread pool 65 µs: 100,000 entries list in one second instead of ten.
 */
const ENTRIES_PER_TURN = 256;

/**
 * All regular files under `path`; opening holds no handle until a file is read.
 * @throws SourceError `SOURCE_NOT_FOUND`, `SOURCE_UNREADABLE`; `SOURCE_TOO_LARGE` over 100,000 entries or 32 levels.
 */
export async function openFolder(path: string, options: OpenOptions = {}): Promise<FileTree> {
  let root: string;
  try {
    root = await realpath(path);
    if (!(await stat(root)).isDirectory()) throw new SourceError('SOURCE_UNREADABLE', `${path} is not a folder`, { where: { file: path } });
  } catch (error) {
    throw error instanceof SourceError ? error : fsError(error, path);
  }
  const { files, findings } = await listFolder(root, path, options.signal);
  const stats: ReadStats = { bytes: 0, requests: 0 };
  const pool = createHandlePool();
  return {
    locator: path,
    name: basename(root) || root,
    kind: 'folder',
    files: [...files.values()]
      .map(({ name, listed }) => ({ path: name, size: Number(listed.size), ...(listed.nlink > 1n && { links: Number(listed.nlink) }) }))
      .sort(byPath),
    findings,
    stats,
    async open(asked) {
      const file = files.get(asked);
      if (!file) throw new SourceError('SOURCE_NOT_FOUND', `${path} holds no file "${asked}"`, { where: { file: asked } });
      await pool.use(file, async () => undefined);
      return localSource(file, pool, stats, options.signal);
    },
    close: () => pool.close(),
  };
}

interface Walk {
  readonly root: string;
  /** Where link targets may lie. */
  readonly home: string;
  readonly locator: string;
  readonly signal: AbortSignal | undefined;
  readonly files: Map<string, LocalFile>;
  readonly findings: Finding[];
  entries: number;
  looked: number;
}

async function listFolder(root: string, locator: string, signal: AbortSignal | undefined): Promise<Pick<Walk, 'files' | 'findings'>> {
  const walk: Walk = { root, home: cacheEntryOf(root) ?? root, locator, signal, files: new Map(), findings: [], entries: 0, looked: 0 };
  await listInto(walk, '', [root]);
  walk.findings.sort((a, b) => byPath({ path: a.where.file ?? '' }, { path: b.where.file ?? '' }));
  return walk;
}

/** The innermost `models--…` folder when `root` is one of its snapshots (or lies in one). */
function cacheEntryOf(root: string): string | null {
  const parts = root.split(sep);
  for (let i = parts.length - 3; i >= 0; i--)
    if (/^(models|datasets|spaces)--./.test(parts[i]!) && parts[i + 1] === 'snapshots') return parts.slice(0, i + 1).join(sep);
  return null;
}

/** @param folder path inside the tree, '' for the root. @param above real paths of the folders we are in, outermost first. */
async function listInto(walk: Walk, folder: string, above: readonly string[]): Promise<void> {
  if (above.length > MAX_DEPTH)
    throw new SourceError('SOURCE_TOO_LARGE', `${walk.locator} nests deeper than ${MAX_DEPTH} folders`, { where: { file: folder } });
  let names: string[];
  try {
    names = namesIn(walk, above.at(-1)!, folder);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    if (folder === '') throw fsError(error, walk.locator);
    walk.findings.push(unreadable(folder, error));
    return;
  }
  for (const name of names.sort()) {
    if (++walk.looked % ENTRIES_PER_TURN === 0) await new Promise((resume) => setImmediate(resume));
    walk.signal?.throwIfAborted();
    await listEntry(walk, folder === '' ? name : `${folder}/${name}`, name, above);
  }
}

/** Read entry by entry: a folder of millions must hit the limit, not fill memory. */
function namesIn(walk: Walk, real: string, folder: string): string[] {
  const names: string[] = [];
  const open = opendirSync(real, { bufferSize: 1024 });
  try {
    for (let entry = open.readSync(); entry; entry = open.readSync()) {
      if (++walk.entries > MAX_ENTRIES)
        throw new SourceError('SOURCE_TOO_LARGE', `${walk.locator} holds more than ${MAX_ENTRIES} files and folders`, {
          where: { file: folder },
          hint: 'name the folder of one model',
        });
      names.push(entry.name);
    }
  } finally {
    open.closeSync();
  }
  return names;
}

async function listEntry(walk: Walk, path: string, name: string, above: readonly string[]): Promise<void> {
  const full = join(above.at(-1)!, name);
  let real = full;
  let stats: BigIntStats;
  try {
    stats = lstatSync(full, { bigint: true });
    if (stats.isSymbolicLink()) {
      real = realpathSync.native(full);
      stats = lstatSync(real, { bigint: true });
      // A linked folder must lie in the listed one; only files may come from elsewhere in a cache entry.
      if (!isInside(real, stats.isDirectory() ? walk.root : walk.home)) {
        walk.findings.push(linkOutside(path));
        return;
      }
    }
  } catch (error) {
    walk.findings.push(unreadable(path, error));
    return;
  }
  if (stats.isDirectory()) {
    if (SKIPPED.has(name)) return;
    if (above.some((folder) => isInside(folder, real))) walk.findings.push(linkLoop(path));
    else await listInto(walk, path, [...above, real]);
  } else if (!stats.isFile() || stats.size > Number.MAX_SAFE_INTEGER) {
    walk.findings.push(specialFile(path, stats.isFile() ? `a file of ${stats.size} bytes` : kindOf(stats)));
  } else {
    walk.files.set(path, { name: path, path: full, inside: walk.home, listed: stats });
    try {
      closeSync(openSync(real, READ_ONLY));
    } catch (error) {
      walk.findings.push(unreadable(path, error));
    }
  }
}

function linkOutside(path: string): Finding {
  return {
    rule: 'sources/link-outside',
    severity: 'warning',
    where: { file: path },
    what: `${path} links to a place outside the folder`,
    why: 'a downloaded folder that links out of itself can make a reader open files it was never given',
    fix: 'replace the link by the file it stands for, or delete it',
    source: 'CWE-59',
  };
}

function linkLoop(path: string): Finding {
  return {
    rule: 'sources/link-loop',
    severity: 'warning',
    where: { file: path },
    what: `${path} links to a folder that contains it`,
    why: 'following it would never end',
    fix: 'delete the link',
    source: 'CWE-835',
  };
}

function specialFile(path: string, kind: string): Finding {
  return {
    rule: 'sources/special-file',
    severity: 'warning',
    where: { file: path },
    what: `${path} is ${kind}`,
    why: 'a model consists of regular files; opening anything else can block or act on the machine',
    fix: 'delete it',
    source: 'CWE-67',
  };
}

function unreadable(path: string, cause: unknown): Finding {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  const what =
    code === 'ENOENT'
      ? 'is missing (a link to nothing, or a name this system cannot spell)'
      : code === 'ELOOP'
        ? 'links to itself'
        : `cannot be read (${code ?? 'unknown error'})`;
  return {
    rule: 'sources/unreadable',
    severity: 'warning',
    where: { file: path },
    what: `${path} ${what}`,
    why: 'what cannot be read cannot be judged; the answer leaves it out',
    fix: 'restore the file or its permissions, or finish the download',
  };
}
