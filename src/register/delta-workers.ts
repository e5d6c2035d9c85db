/**
 * The full comparison spread over threads: each opens both models itself, takes one pair of tensors at a time and sends back numbers.
 * This file is both sides: started as a worker it waits for pairs.
 * @module
 */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { HeirloomError, SourceError, type Watch } from '../base/index.ts';
import { gatherPairs, makeMeter, type Measured, type SlotPair, type TensorDelta } from '../lineage/index.ts';
import { withModel } from './open-model.ts';

/** Threads; each holds about 60 MB while it works. */
const MAX_THREADS = 4;
/** Old-space limit of one thread, in MB; blocks live outside it. */
const HEAP_MB = 192;
const TASK = 'heirloom/full-comparison';

interface Task {
  readonly task: typeof TASK;
  readonly a: string;
  readonly b: string;
}
type Answer = { readonly index: number; readonly tensor: TensorDelta } | { readonly failed: { code: string; message: string } };

/** Whether threads can be had: from the built files only, which a worker can load as they are. */
export function canUseWorkers(): boolean {
  return import.meta.url.endsWith('.js') && availableParallelism() > 1;
}

/**
 * @param a, b locators of local models, as the user typed them.
 * @throws as reading a model does; the signal's reason, with all threads stopped.
 */
export async function measureByWorkers(
  a: string,
  b: string,
  pairs: readonly SlotPair[],
  mayStop: boolean,
  watch: Watch,
): Promise<Measured> {
  const count = Math.min(MAX_THREADS, availableParallelism(), pairs.length);
  const workers: Worker[] = [];
  try {
    return await gatherPairs(pairs, mayStop, watch, async (take) => {
      await Promise.all(
        Array.from({ length: count }, () => {
          const worker = new Worker(new URL(import.meta.url), {
            workerData: { task: TASK, a, b } satisfies Task,
            resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
          });
          workers.push(worker);
          return drive(worker, pairs, take, watch.signal);
        }),
      );
    });
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Feeds one worker until nothing is left to take. */
function drive(
  worker: Worker,
  pairs: readonly SlotPair[],
  take: Parameters<Parameters<typeof gatherPairs>[3]>[0],
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal?.reason as Error);
    let current: ReturnType<typeof take> = null;
    const next = (): void => {
      current = take();
      if (current === null) {
        signal?.removeEventListener('abort', abort);
        resolve();
      } else worker.postMessage({ index: current.index, pair: pairs[current.index] });
    };
    signal?.addEventListener('abort', abort, { once: true });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      if (code !== 0) reject(new SourceError('SOURCE_UNREADABLE', `a thread of the comparison ended with code ${code}`));
    });
    worker.on('message', (answer: Answer) => {
      try {
        if ('failed' in answer) throw new HeirloomError(answer.failed.code, answer.failed.message);
        current?.done(answer.tensor);
        next();
      } catch (error) {
        reject(error as Error);
      }
    });
    next();
  });
}

async function serve({ a, b }: Task): Promise<void> {
  const port = parentPort!;
  // Listened to from the start, so that no pair sent while the models open is lost.
  const waiting: { index: number; pair: SlotPair }[] = [];
  let wake: () => void = () => {};
  port.on('message', (message: { index: number; pair: SlotPair }) => {
    waiting.push(message);
    wake();
  });
  try {
    await withModel(a, {}, (modelA) =>
      withModel(b, {}, async (modelB) => {
        const meter = makeMeter(modelA, modelB);
        for (;;) {
          const job = waiting.shift();
          if (job) port.postMessage({ index: job.index, tensor: await meter(job.pair) } satisfies Answer);
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      }),
    );
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    port.postMessage({ failed: { code: code ?? 'INTERNAL', message: message ?? String(error) } } satisfies Answer);
  }
}

if (!isMainThread && (workerData as Partial<Task> | null)?.task === TASK) void serve(workerData as Task);
