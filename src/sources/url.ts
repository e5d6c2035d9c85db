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
  const stats: ReadStats = { bytes: 0, requests: 0 };
  const transport = createTransport(options, credential, stats);
  const keeper = createKeeper();
  const onHub = url.origin === new URL(endpoint).origin;
  const file = remoteFile({
    name,
    url,
    transport,
    keeper,
    size: null,
    allowWhole: options.allowWholeDownload ?? false,
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

/** The last part of the address, decoded when that gives a sound file name. */
function fileName(url: URL): string {
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  try {
    const decoded = decodeURIComponent(last);
    if (!decoded.includes('/') && pathProblem(decoded) === null) return decoded;
  } catch {
    // Not percent-encoded UTF-8: the raw part is plain ASCII and serves.
  }
  return last === '' || last === '.' || last === '..' ? url.hostname : last;
}
