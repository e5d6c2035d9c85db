/**
 * HTTP as this house needs it: every request bounded in time and size, counted, retried when that can help,
 * redirected with care. Semantics: RFC 9110. Knows nothing of ranges or hubs.
 * @module
 */
import { type ReadStats, SourceError } from '../base/index.ts';
import { createGate } from './gate.ts';
import type { OpenOptions } from './options.ts';
import { fetchFailure, MAX_ATTEMPTS, retryDelay, sleepFor, Transient } from './retry.ts';

/** Redirects of one request; a hub needs two (renamed repository, then its CDN). (CWE-834) */
const MAX_REDIRECTS = 8;
const DEFAULT_PARALLEL = 8;
const DEFAULT_TIMEOUT_MS = 30_000;
/** A body slower than this on average is given up: bytes may not trickle forever. (CWE-400) */
const MIN_BYTES_PER_MS = 4;

/** The answer to a request after its redirects; its body has not been read. */
export interface Answer {
  readonly response: Response;
  readonly url: URL;
  readonly redirected: boolean;
}

/** One attempt: all its requests share one deadline. */
export interface Exchange {
  get(url: URL, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** The body in pieces, at most `limit` bytes in all. @throws `excess` (default `SOURCE_HTTP`) when more comes; Transient when the connection breaks. */
  chunks(answer: Answer, limit: number, excess?: SourceError): AsyncGenerator<Uint8Array, void, undefined>;
}

export interface Transport {
  readonly stats: ReadStats;
  /** Runs `task`, again after a wait each time it throws Transient; at most `maxParallel` at once. `name` is for messages. */
  attempt<T>(name: string, task: (exchange: Exchange) => Promise<T>): Promise<T>;
  /** @throws the reason when the tree was closed or the caller gave up. */
  check(): void;
  /** Ends what is under way; later attempts fail. */
  close(): void;
}

/** A credential and the only origin (scheme, host, port) that may see it. (CWE-522) */
export interface Credential {
  readonly origin: string;
  readonly authorization: string;
}

export function createTransport(options: OpenOptions, credential: Credential | null, stats: ReadStats): Transport {
  const gate = createGate(Math.max(1, Math.floor(options.maxParallel ?? DEFAULT_PARALLEL)));
  const { sleep = sleepFor, random = Math.random, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  // One controller a task, told in turn: many listeners on one signal are reported as a leak by Node.
  const running = new Set<AbortController>();
  let ended: { readonly reason: unknown } | null = signal?.aborted ? { reason: signal.reason } : null;
  const end = (reason: unknown): void => {
    ended ??= { reason };
    signal?.removeEventListener('abort', giveUp);
    for (const task of running) task.abort(reason);
  };
  const giveUp = (): void => end(signal?.reason);
  signal?.addEventListener('abort', giveUp, { once: true });
  const check = (): void => {
    if (ended) throw ended.reason;
  };

  return {
    stats,
    attempt: (name, task) =>
      gate.run(async () => {
        const stop = new AbortController();
        running.add(stop);
        try {
          for (let attempt = 0; ; attempt++) {
            check();
            const deadline = startDeadline(stop.signal, timeoutMs);
            let wait: number;
            try {
              return await task(exchangeOf(name, deadline, credential, stats));
            } catch (error) {
              check();
              const failure = deadline.signal.aborted ? timedOut(name, timeoutMs, error) : error;
              if (!(failure instanceof Transient)) throw failure;
              if (attempt + 1 >= MAX_ATTEMPTS) throw failure.error;
              wait = retryDelay(attempt, failure.retryAfterMs, random);
            } finally {
              deadline.end();
            }
            await sleep(wait, stop.signal);
          }
        } finally {
          running.delete(stop);
        }
      }),
    check,
    close() {
      end(new SourceError('SOURCE_UNREADABLE', 'the tree was closed while it was being read'));
    },
  };
}

function timedOut(name: string, timeoutMs: number, cause: unknown): Transient {
  return new Transient(
    new SourceError('SOURCE_HTTP', `${name}: the server sent nothing, or next to nothing, for ${timeoutMs / 1000} s`, {
      where: { file: name },
      hint: 'try again later',
      cause,
    }),
  );
}

interface Deadline {
  readonly signal: AbortSignal;
  /** Bytes came: the silence starts anew, but the average speed is kept up. */
  progress(bytes: number): void;
  end(): void;
}

function startDeadline(outer: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const stop = (): void => controller.abort(outer.reason);
  outer.addEventListener('abort', stop, { once: true });
  const expire = (): void => controller.abort(new DOMException('timed out', 'TimeoutError'));
  let timer = setTimeout(expire, timeoutMs);
  const started = performance.now();
  let received = 0;
  return {
    signal: controller.signal,
    progress(bytes) {
      received += bytes;
      const left = timeoutMs + received / MIN_BYTES_PER_MS - (performance.now() - started);
      clearTimeout(timer);
      if (left <= 0) expire();
      else timer = setTimeout(expire, Math.min(timeoutMs, left));
    },
    end() {
      clearTimeout(timer);
      outer.removeEventListener('abort', stop);
      // Lets go of an answer whose body nobody read to its end.
      controller.abort();
    },
  };
}

function exchangeOf(name: string, deadline: Deadline, credential: Credential | null, stats: ReadStats): Exchange {
  return {
    async get(start, headers = {}) {
      let url = start;
      for (let hops = 0; ; hops++) {
        stats.requests += 1;
        const response = await send(url, headers).catch((error: unknown) => {
          throw deadline.signal.aborted ? error : fetchFailure(error, name, url.host);
        });
        const answer: Answer = { response, url, redirected: hops > 0 };
        if (![301, 302, 303, 307, 308].includes(response.status)) return answer;
        await discard(answer);
        if (hops >= MAX_REDIRECTS)
          throw new SourceError('SOURCE_HTTP', `${name}: more than ${MAX_REDIRECTS} redirects`, { where: { file: name } });
        url = redirectTarget(url, response.headers.get('location'), name);
      }
    },
    async *chunks(answer, limit, excess) {
      const encoding = answer.response.headers.get('content-encoding');
      if (encoding !== null && encoding !== 'identity')
        throw new SourceError('SOURCE_HTTP', `${name}: the server compressed its answer (${encoding.slice(0, 40)}) though asked not to`, {
          where: { file: name },
        });
      const reader = answer.response.body?.getReader();
      let got = 0;
      try {
        while (reader) {
          const { done, value } = await reader.read().catch((error: unknown) => {
            throw deadline.signal.aborted ? error : brokenOff(name, got, error);
          });
          if (done) return;
          got += value.length;
          stats.bytes += value.length;
          if (got > limit)
            throw (
              excess ??
              new SourceError('SOURCE_HTTP', `${name}: the server sent more than the ${limit} bytes asked for`, { where: { file: name } })
            );
          deadline.progress(value.length);
          yield value;
        }
      } finally {
        await reader?.cancel().catch(() => undefined);
      }
    },
  };

  function send(url: URL, headers: Readonly<Record<string, string>>): Promise<Response> {
    return fetch(url, {
      redirect: 'manual',
      signal: deadline.signal,
      headers: {
        // Compressed ranges would be ranges of the compressed stream, and a decompression bomb besides. (CWE-409)
        'accept-encoding': 'identity',
        'user-agent': 'heirloom',
        ...headers,
        ...(credential?.origin === url.origin && { authorization: credential.authorization }),
      },
    });
  }
}

async function discard(answer: Answer): Promise<void> {
  await answer.response.body?.cancel().catch(() => undefined);
}

function brokenOff(name: string, got: number, cause: unknown): Transient {
  return new Transient(
    new SourceError('SOURCE_TRUNCATED', `${name}: the connection broke after ${got} bytes of an answer`, { where: { file: name }, cause }),
  );
}

function redirectTarget(from: URL, location: string | null, name: string): URL {
  const refuse = (why: string): SourceError =>
    new SourceError('SOURCE_HTTP', `${name}: ${from.host} redirects ${why}`, { where: { file: name } });
  let to: URL;
  try {
    to = new URL(location ?? '', from);
  } catch (cause) {
    throw new SourceError('SOURCE_HTTP', `${name}: ${from.host} redirects to no valid address`, { where: { file: name }, cause });
  }
  if (location === null) throw refuse('without saying where');
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refuse(`to the scheme ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refuse('from https to unencrypted http');
  if (to.username !== '' || to.password !== '') throw refuse('to an address with a password in it');
  return to;
}
