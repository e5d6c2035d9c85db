/**
 * When a failed request is worth another try, and after how long.
 * Retry-After: RFC 9110 §10.2.3 (seconds or an HTTP-date).
 * @module
 */
import { SourceError } from '../base/index.ts';

/** Requests for one range before we give up; with the delays below, about 15 s of trying. */
export const MAX_ATTEMPTS = 5;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** Longest wait a server may ask of us; hub rate limits reset within five minutes, but a user does not wait that long unasked. (CWE-400) */
export const MAX_RETRY_AFTER_MS = 60_000;

/** A failure that may pass; `error` is what the caller sees when it does not. */
export class Transient extends Error {
  readonly error: SourceError;
  readonly retryAfterMs: number | null;

  constructor(error: SourceError, retryAfterMs: number | null = null) {
    super(error.message, { cause: error });
    this.error = error;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Exponential with jitter: half of the delay is fixed, half random, so that clients refused together do not return together. */
export function retryDelay(attempt: number, retryAfterMs: number | null, random: () => number): number {
  const backoff = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  const spread = backoff * (0.5 + 0.5 * random());
  return retryAfterMs === null ? spread : Math.min(MAX_RETRY_AFTER_MS, Math.max(retryAfterMs, 0) + 0.1 * spread);
}

/** Milliseconds to wait, or null when the header is absent or makes no sense. A date is read against the answer's own `Date`: clocks differ. */
export function parseRetryAfter(headers: Headers): number | null {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const until = httpDate(value);
  if (until === null) return null;
  return Math.max(0, until - (httpDate(headers.get('date') ?? '') ?? Date.now()));
}

/** Milliseconds since 1970 of an IMF-fixdate (`Sun, 06 Nov 1994 08:49:37 GMT`), the only form servers may send. */
function httpDate(value: string): number | null {
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(value)) return null;
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : time;
}

/** Failures of the connection, not of the question: resets, timeouts, a name server that is busy. Node's and undici's codes. */
const PASSING: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** A thrown `fetch` as the house's error, or as `Transient` when it may pass. */
export function fetchFailure(cause: unknown, name: string, host: string): SourceError | Transient {
  const code = causeCode(cause);
  const error = new SourceError('SOURCE_HTTP', `${name}: no answer from ${host} (${code})`, {
    where: { file: name },
    hint: code === 'ENOTFOUND' || code === 'ECONNREFUSED' ? 'check the address and the network' : 'try again later',
    cause,
  });
  return PASSING.has(code) ? new Transient(error) : error;
}

/** Fetch wraps the system's error, sometimes twice. */
function causeCode(error: unknown): string {
  let at: unknown = error;
  for (let depth = 0; depth < 4 && at instanceof Error; depth++) {
    const code: unknown = (at as NodeJS.ErrnoException).code;
    if (typeof code === 'string') return code;
    at = at.cause;
  }
  return error instanceof Error ? error.message.slice(0, 100) : 'unknown error';
}

/** Waits `ms`, or rejects with the signal's reason. */
export function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
