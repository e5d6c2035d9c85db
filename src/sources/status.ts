/**
 * HTTP status codes as the house's errors.
 * @module
 */
import { SourceError } from '../base/index.ts';
import { parseRetryAfter, Transient } from './retry.ts';
import type { Answer } from './transport.ts';

/** What a refused answer means to the user; `hint` for 401 and 403. */
export function statusError(name: string, { response, url }: Answer, deniedHint: string): SourceError | Transient {
  const { status } = response;
  const where = { file: name };
  const error = new SourceError('SOURCE_HTTP', `${name}: ${url.host} answered with status ${status}`, { where, hint: 'try again later' });
  if (status === 408 || status === 429 || status >= 500) return new Transient(error, parseRetryAfter(response.headers));
  if (status === 404 || status === 410)
    return new SourceError('SOURCE_NOT_FOUND', `${name} is not at ${place(url)} (status ${status})`, { where });
  if (status === 401 || status === 403)
    return new SourceError('SOURCE_DENIED', `${name}: ${url.host} does not let us read it (status ${status})`, { where, hint: deniedHint });
  return new SourceError('SOURCE_HTTP', `${name}: ${url.host} answered with status ${status}`, { where });
}

/** An address without its query, which may hold a signature. (CWE-532) */
export function place(url: URL): string {
  return url.origin + url.pathname;
}
