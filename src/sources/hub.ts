/**
 * A repository on a hub as a tree: pinned to one commit, listed by the hub, read from the local cache where it holds the
 * same commit and by ranges from the hub where not.
 * @module
 */
import { type ByteSource, type FileEntry, type FileTree, type Finding, type ReadStats, SourceError } from '../base/index.ts';
import { hubCommit, hubFiles } from './hub-api.ts';
import { cachedCommit, cachedSnapshot } from './hub-cache.ts';
import { type HubLocator, parseHubLocator } from './hub-locator.ts';
import { type HubSettings, hubSettings } from './hub-settings.ts';
import { createKeeper } from './keep.ts';
import type { OpenOptions } from './options.ts';
import { remoteFile } from './ranges.ts';
import { remoteSource } from './remote.ts';
import { createTransport } from './transport.ts';

/**
 * @param locator `hf:owner/name[@revision][:path/inside]`, the `hf:` optional.
 * Settings: `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`.
 * @throws SourceError `SOURCE_LOCATOR`, `SOURCE_NOT_FOUND`, `SOURCE_DENIED` (missing, private or gated), `SOURCE_HTTP`.
 */
export async function openHub(locator: string, options: OpenOptions = {}): Promise<FileTree> {
  const wanted = parseHubLocator(locator);
  const settings = await hubSettings(options.env ?? process.env);
  return settings.offline ? openCached(locator, wanted, settings, options) : openOnline(locator, wanted, settings, options);
}

async function openCached(locator: string, wanted: HubLocator, { cache }: HubSettings, options: OpenOptions): Promise<FileTree> {
  const commit = await cachedCommit(cache, wanted);
  const snapshot = commit === null ? null : await cachedSnapshot(cache, wanted.id, commit, options);
  if (commit === null || !snapshot)
    throw new SourceError('SOURCE_NOT_FOUND', `${wanted.id} at revision "${wanted.revision}" is not in the cache ${cache}`, {
      hint: 'HF_HUB_OFFLINE is set; unset it to ask the hub',
    });
  const { stats } = snapshot;
  const open = async (path: string, name: string): Promise<ByteSource> => ({ ...(await snapshot.open(path)), name });
  return narrowed(locator, wanted, commit, stats, snapshot, open, () => snapshot.close());
}

async function openOnline(locator: string, wanted: HubLocator, settings: HubSettings, options: OpenOptions): Promise<FileTree> {
  const { id } = wanted;
  const stats: ReadStats = { bytes: 0, requests: 0 };
  const transport = createTransport(options, settings.credential, stats);
  const keeper = createKeeper();
  const sources = new Map<string, ByteSource>();
  let snapshot: FileTree | null = null;
  const close = async (): Promise<void> => {
    transport.close();
    await Promise.all([keeper.close(), snapshot?.close()]);
  };
  try {
    const commit = await hubCommit(transport, settings.endpoint, id, wanted.revision);
    const listed = await hubFiles(transport, settings.endpoint, id, commit);
    const cached = await cachedSnapshot(settings.cache, id, commit, options);
    snapshot = cached;
    const cachedSizes = new Map(cached?.files.map((file) => [file.path, file.size]));
    const sizes = new Map(listed.files.map((file) => [file.path, file.size]));
    const open = async (path: string, name: string): Promise<ByteSource> => {
      const size = sizes.get(path)!;
      const known = sources.get(path);
      if (known) return known;
      const local = cached && cachedSizes.get(path) === size ? await cached.open(path).catch(() => null) : null;
      const source = local
        ? counted(local, name, stats)
        : remoteSource(
            remoteFile({
              name,
              size,
              transport,
              keeper,
              url: new URL(`${settings.endpoint}/${id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`),
              allowWhole: options.allowWholeDownload ?? false,
              onProgress: options.onProgress,
              deniedHint: `accept its terms at ${settings.endpoint}/${id} if it has any, and set HF_TOKEN to a token that may read it`,
            }),
            size,
            null,
          );
      sources.set(path, source);
      return source;
    };
    return narrowed(locator, wanted, commit, stats, listed, open, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** A cached file whose reads count for the hub tree. */
function counted(source: ByteSource, name: string, stats: ReadStats): ByteSource {
  return {
    name,
    size: source.size,
    stats,
    async read(offset, length) {
      const bytes = await source.read(offset, length);
      stats.bytes += bytes.length;
      stats.requests += 1;
      return bytes;
    },
  };
}

/** The tree of `wanted.inside`: all of the repository, one folder of it, or one file, with paths as if that had been opened. */
function narrowed(
  locator: string,
  { id, inside }: HubLocator,
  revision: string,
  stats: ReadStats,
  listed: { readonly files: readonly FileEntry[]; readonly findings: readonly Finding[] },
  /** By path in the repository; `name` is the path in the tree. */
  open: (path: string, name: string) => Promise<ByteSource>,
  close: () => Promise<void>,
): FileTree {
  const one = listed.files.some((file) => file.path === inside);
  const prefix = one ? inside.slice(0, inside.lastIndexOf('/') + 1) : inside === '' ? '' : `${inside}/`;
  const files = listed.files
    .filter((file) => (one ? file.path === inside : file.path.startsWith(prefix)))
    .map((file) => ({ ...file, path: file.path.slice(prefix.length) }));
  if (inside !== '' && files.length === 0)
    throw new SourceError('SOURCE_NOT_FOUND', `${id} has no file or folder "${inside}" at ${revision.slice(0, 12)}`, {
      where: { file: inside },
    });
  const paths = new Set(files.map((file) => file.path));
  return {
    locator,
    name: id,
    kind: 'hub',
    revision,
    files,
    findings: listed.findings,
    stats,
    close,
    async open(path) {
      if (!paths.has(path)) throw new SourceError('SOURCE_NOT_FOUND', `${id} holds no file "${path}"`, { where: { file: path } });
      return open(prefix + path, path);
    },
  };
}
