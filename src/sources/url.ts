/**
 * One file at an address as a tree.
 * @module
 */
import { type FileTree, type ReadStats, SourceError } from '../base/index.ts';
import { hubSettings } from './hub-settings.ts';
import { createKeeper } from './keep.ts';
import { pathProblem } from './limits.ts';
import type { OpenOptions } from './options.ts';
import { fetchRange, remoteFile } from './ranges.ts';
import { HEAD_BYTES, remoteSource } from './remote.ts';
import { createTransport } from './transport.ts';

/**
 * @param locator `https://…` or `http://…`, of one file. Asks for its first 64 KiB to learn its size.
 * @throws SourceError as the server answers: `SOURCE_NOT_FOUND`, `SOURCE_DENIED`, `SOURCE_NO_RANGES`, `SOURCE_HTTP`...
 */
export async function openUrl(locator: string, options: OpenOptions = {}): Promise<FileTree> {
  const url = parseUrl(locator);
  const name = fileName(url);
  const { credential, endpoint } = await hubSettings(options.env ?? process.env);
  const onHub = url.origin === new URL(endpoint).origin;
  if (onHub) refusePage(locator, url.pathname);
  const stats: ReadStats = { bytes: 0, requests: 0 };
  const transport = createTransport(options, credential, stats);
  const keeper = createKeeper();
  const file = remoteFile({
    name,
    url,
    transport,
    keeper,
    size: null,
    allowWhole: options.allowWholeDownload ?? false,
    onProgress: options.onProgress,
    deniedHint: onHub ? 'set HF_TOKEN to a token that may read it' : 'download it by other means and give its path',
  });
  const close = async (): Promise<void> => {
    transport.close();
    await keeper.close();
  };
  try {
    const head = await fetchRange(file, 0, HEAD_BYTES);
    const size = file.size ?? head.length;
    const source = remoteSource(file, size, head);
    return {
      locator,
      name,
      kind: 'url',
      files: [{ path: name, size }],
      findings: [],
      stats,
      close,
      async open(path) {
        if (path !== name)
          throw new SourceError('SOURCE_NOT_FOUND', `"${path}" was not opened with ${url.origin}${url.pathname}`, {
            where: { file: path },
          });
        return source;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function parseUrl(locator: string): URL {
  let url: URL;
  try {
    url = new URL(locator);
  } catch (cause) {
    throw new SourceError('SOURCE_LOCATOR', `"${locator}" is not a valid address`, { cause });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new SourceError('SOURCE_LOCATOR', `addresses begin with https:// or http://, not ${url.protocol}`);
  if (url.username !== '' || url.password !== '')
    throw new SourceError('SOURCE_LOCATOR', 'the address holds a user name or password', { hint: 'leave it out; download the file first' });
  return url;
}

/** A hub's pages about a repository or a file are the address people have at hand; the answer would be HTML. */
function refusePage(locator: string, pathname: string): void {
  const match = /^\/([\w.-]+(?:\/[\w.-]+)?)(?:\/(?:tree|blob)\/([^/]+)(?:\/(.+))?)?\/?$/.exec(pathname);
  if (!match || match[1]!.startsWith('api/')) return;
  const [, id, revision, inside] = match;
  throw new SourceError('SOURCE_LOCATOR', `"${locator}" is a page about a model, not a file`, {
    hint: `did you mean hf:${id}${revision === undefined ? '' : `@${decoded(revision)}`}${inside === undefined ? '' : `:${decoded(inside)}`}?`,
  });
}

/** The last part of the address, decoded when that gives a sound file name. */
function fileName(url: URL): string {
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  const name = decoded(last);
  if (!name.includes('/') && pathProblem(name) === null) return name;
  return last === '' ? url.hostname : last;
}

/** Without percent-encoding; as it is where that is not UTF-8. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
