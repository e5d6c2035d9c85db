/** The program of one worker thread: see `pool.ts`. */
import { parentPort } from 'node:worker_threads';
import { doPairTask, type PairTask } from './pair-task.ts';
import { replyOf } from './pool.ts';

parentPort?.on('message', (task: PairTask) => {
  // A task that answers at all answers; what it cannot answer ends the worker, and the pool says so.
  void replyOf(() => doPairTask(task)).then((reply) => parentPort?.postMessage(reply));
});
