/** A worker under watch: one that takes over a second for an input, or more memory than it may, is ended and the input named. */
import { Worker } from 'node:worker_threads';
import { MAX_MIB, MAX_MS } from './attempt.ts';
import type { Input } from './readers.ts';
import type { Message, Task } from './worker.ts';

const POLL_MS = 50;
/** Above what slow inputs are told by themselves: only one that may never end is ended from outside. */
const HANG_MS = 4 * MAX_MS;

export interface Ended {
  /** `null`: the worker did what it was asked. */
  readonly why: 'hang' | 'memory' | 'crash' | null;
  readonly index: number;
}

type Watched = { worker: Worker; ended: Promise<Ended>; finish: () => void };

/** @param taskOf the work; `onMessage` hears the worker. */
export function watchWorker(task: Omit<Task, 'at'>, onMessage: (message: Message) => void): Watched {
  const at = new SharedArrayBuffer(4);
  const place = new Int32Array(at);
  const worker = new Worker(new URL('./worker-start.mjs', import.meta.url), {
    workerData: { ...task, at } satisfies Task,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_MIB },
  });
  let finish: (ended: Ended) => void;
  const ended = new Promise<Ended>((resolve) => {
    finish = resolve;
  });
  let seen = -1;
  let since = 0;
  let busy = false;
  // Processor time, so that a busy machine is no hang; this thread uses next to none.
  const cpu = (): number => process.cpuUsage().user / 1000;
  const timer = setInterval(() => {
    const index = Atomics.load(place, 0);
    if (!busy || index !== seen) {
      seen = index;
      since = cpu();
    } else if (cpu() - since > HANG_MS) end({ why: 'hang', index });
  }, POLL_MS);
  const end = (result: Ended): void => {
    clearInterval(timer);
    finish(result);
    void worker.terminate();
  };
  worker.on('message', (message: Message) => {
    busy = message.kind === 'ready' ? task.to > task.from : message.kind !== 'tried' && busy;
    onMessage(message);
    if (message.kind === 'done') end({ why: null, index: task.to });
  });
  worker.on('error', (error: Error & { code?: string }) => {
    if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') console.error(error);
    end({ why: error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash', index: Atomics.load(place, 0) });
  });
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (value: unknown) => {
    busy = true;
    seen = -1;
    post(value);
  };
  return { worker, ended, finish: () => end({ why: null, index: 0 }) };
}

/** What becomes of single inputs, each in a worker that lives as long as its inputs let it. */
export class Prober {
  private watched: Watched | null = null;
  private answer: (what: string | null) => void = () => {};

  async try(input: Input): Promise<string | null> {
    this.watched ??= await this.start();
    const { worker, ended } = this.watched;
    const answered = new Promise<string | null>((resolve) => {
      this.answer = resolve;
    });
    worker.postMessage(input);
    const dead = ended.then(({ why }) => {
      this.watched = null;
      return `${input.reader}: ${why}`;
    });
    return Promise.race([answered, dead]);
  }

  private start(): Promise<Watched> {
    return new Promise((resolve) => {
      const watched = watchWorker({ seed: 0, only: [], from: 0, to: 0 }, (message) => {
        if (message.kind === 'ready') resolve(watched);
        if (message.kind === 'tried') this.answer(message.what);
      });
    });
  }

  close(): void {
    this.watched?.finish();
  }
}
