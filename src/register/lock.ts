/**
 * One writer at a time. The lock is a file made with O_EXCL that names its owner; a lock whose owner is dead, or that has
 * stood unchanged for longer than any write takes, is taken over.
 *
 * Taking over is the delicate part: two waiters that both saw a dead owner must not both remove "its" lock, or the second
 * would remove the first one's new lock. So only the maker of `lock.takeover` (again O_EXCL) may remove it, after looking again.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { RegisterError } from './types.ts';

/** A lock is held for a few file writes; one that stands this long has lost its owner. */
const STALE_MS = 10_000;
/** Waiting longer means many writers or one that hangs; say so instead of hanging too. */
const GIVE_UP_MS = 30_000;
const POLL_MS = 20;

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Tests shorten these. */
  readonly staleMs?: number;
  readonly giveUpMs?: number;
}

/** Runs `work` while holding the lock file `path`. @throws RegisterError `REGISTER_LOCKED` when it cannot be had in 30 s. */
export async function withLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const token = await acquire(path, options);
  try {
    return await work();
  } finally {
    // Somebody who took us for dead may hold it by now; theirs is not ours to remove.
    if ((await readLock(path)) === token) await rm(path, { force: true });
  }
}

async function acquire(path: string, options: LockOptions): Promise<string> {
  const token = JSON.stringify({ pid: process.pid, host: hostname(), nonce: randomBytes(8).toString('hex') });
  const { staleMs = STALE_MS, giveUpMs = GIVE_UP_MS } = options;
  const started = performance.now();
  let seen: string | null = null;
  let seenSince = started;
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    options.signal?.throwIfAborted();
    if (await tryCreate(path, token)) return token;
    const now = performance.now();
    const holder = await readLock(path);
    if (holder !== seen) {
      seen = holder;
      seenSince = now;
    }
    if (holder !== null && (isDead(holder) || now - seenSince > staleMs)) {
      await takeOver(path, holder);
      // Whoever failed to take over in all this time died doing it; a person has to look.
      if (now - started < giveUpMs) continue;
    }
    if (now - started > giveUpMs)
      throw new RegisterError('REGISTER_LOCKED', `the register is locked by another process: ${describe(holder)}`, {
        where: { file: path },
        hint: `if no other heirloom is running, delete ${path}`,
      });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function tryCreate(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The lock's text; null when there is none. Empty while its owner is writing it. */
async function readLock(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function takeOver(path: string, holder: string): Promise<void> {
  const claim = `${path}.takeover`;
  if (!(await tryCreate(claim, ''))) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    return;
  }
  try {
    if ((await readLock(path)) === holder) await rm(path, { force: true });
  } finally {
    await rm(claim, { force: true });
  }
}

/** Whether the owner ran on this machine and is gone. Of another machine's processes nothing can be known. */
function isDead(holder: string): boolean {
  try {
    const { pid, host } = JSON.parse(holder) as { pid?: unknown; host?: unknown };
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0 || host !== hostname()) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function describe(holder: string | null): string {
  try {
    const { pid, host } = JSON.parse(holder ?? '') as { pid?: unknown; host?: unknown };
    if (typeof pid === 'number' && typeof host === 'string') return `process ${pid} on ${host.slice(0, 100)}`;
  } catch {
    // Not written by us, or not yet whole.
  }
  return 'unknown owner';
}
