/**
 * A small pool of worker threads: tasks in, results out, one task a worker at a time. Workers start when there is work for them.
 * A task that fails, or ends its worker, fails alone; the others go on. Aborting ends all workers.
 * @module
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { HeirloomError, type Where } from '../base/index.ts';

/** An error as it crosses between threads; `code` is null for our own mistakes. */
export interface Failure {
  readonly code: string | null;
  readonly message: string;
  readonly where?: Where;
  readonly hint?: string;
}
export type Reply<R> = { readonly result: R } | { readonly failure: Failure };

export interface PoolOptions<T, R> {
  /** Module of the worker, as built: it answers each message with a `Reply`. */
  readonly worker: URL;
  /** What the worker does, in this thread: for one job, and where the program runs from its sources, which workers cannot load. */
  readonly here: (task: T) => Promise<R>;
  /** Workers at most; default the processor's cores. */
  readonly jobs?: number;
  readonly signal?: AbortSignal;
}

export interface Pool<T, R> {
  readonly jobs: number;
  /** Waits for a free worker. @throws what the task threw; the signal's reason. */
  run(task: T): Promise<R>;
  /** Ends the workers. */
  close(): Promise<void>;
}

interface Waiting<T, R> {
  readonly task: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

export function makePool<T, R>(options: PoolOptions<T, R>): Pool<T, R> {
  const { worker: module, here, signal } = options;
  const jobs = Math.max(1, options.jobs ?? availableParallelism());
  const isLocal = jobs === 1 || module.pathname.endsWith('.ts');
  const waiting: Waiting<T, R>[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Waiting<T, R>>();
  let running = 0;

  const finish = (worker: Worker, settle: (one: Waiting<T, R>) => void): void => {
    const one = busy.get(worker);
    busy.delete(worker);
    if (one) settle(one);
    next();
  };
  const start = (): Worker => {
    const worker = new Worker(fileURLToPath(module));
    // An idle worker keeps no program alive.
    worker.unref();
    worker.on('message', (reply: Reply<R>) => {
      idle.push(worker);
      finish(worker, (one) => ('result' in reply ? one.resolve(reply.result) : one.reject(asError(reply.failure))));
    });
    const gone = (error: Error): void => {
      const at = idle.indexOf(worker);
      if (at >= 0) idle.splice(at, 1);
      finish(worker, (one) => one.reject(error));
    };
    worker.on('error', gone);
    worker.on('exit', (code) => gone(new Error(`a worker ended with ${code}`)));
    return worker;
  };
  const next = (): void => {
    if (isLocal) {
      const one = running === 0 ? waiting.shift() : undefined;
      if (!one) return;
      running++;
      void here(one.task)
        .then(one.resolve, one.reject)
        .finally(() => {
          running--;
          next();
        });
      return;
    }
    while (waiting.length > 0 && (idle.length > 0 || busy.size < jobs)) {
      const one = waiting.shift()!;
      const worker = idle.pop() ?? start();
      busy.set(worker, one);
      worker.ref();
      worker.postMessage(one.task);
    }
    for (const worker of idle) worker.unref();
  };
  const close = async (): Promise<void> => {
    const all = [...idle, ...busy.keys()];
    for (const worker of all) worker.removeAllListeners();
    const lost = [...waiting.splice(0), ...busy.values()];
    busy.clear();
    idle.length = 0;
    await Promise.all(all.map((worker) => worker.terminate()));
    const reason: unknown = signal?.aborted ? signal.reason : new Error('the pool was closed');
    for (const one of lost) one.reject(reason);
  };
  const abort = (): void => void close();
  signal?.addEventListener('abort', abort, { once: true });
  return {
    jobs: isLocal ? 1 : jobs,
    run: (task) =>
      new Promise<R>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        waiting.push({ task, resolve, reject });
        next();
      }),
    async close() {
      signal?.removeEventListener('abort', abort);
      await close();
    },
  };
}

/** For the worker's side: what a task answers, or why it could not. */
export async function replyOf<R>(work: () => Promise<R>): Promise<Reply<R>> {
  try {
    return { result: await work() };
  } catch (error) {
    if (error instanceof HeirloomError) return { failure: error.toJSON() };
    return { failure: { code: null, message: error instanceof Error ? error.message : String(error) } };
  }
}

function asError({ code, message, where, hint }: Failure): Error {
  if (code === null) return new Error(message);
  return new HeirloomError(code, message, { ...(where && { where }), ...(hint !== undefined && { hint }) });
}
