/** Tries inputs, either a range of indexes or those sent by whoever reduces one; its parent ends it when it hangs. */
import { parentPort, workerData } from 'node:worker_threads';
import { attempt, countAllocations } from './attempt.ts';
import { inputMaker } from './inputs.ts';
import { type Input, READERS } from './readers.ts';

export interface Task {
  readonly seed: number;
  readonly only: readonly string[];
  readonly from: number;
  readonly to: number;
  /** One number: the index at hand. */
  readonly at: SharedArrayBuffer;
}
export type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'finding'; readonly index: number; readonly what: string; readonly ms: number }
  | { readonly kind: 'tried'; readonly what: string | null; readonly ms: number }
  | { readonly kind: 'done'; readonly counts: Readonly<Record<string, number>>; readonly slowest: number };

const { seed, only, from, to, at } = workerData as Task;
const port = parentPort!;
const send = (message: Message): void => port.postMessage(message);
const place = new Int32Array(at);
const makeInput = inputMaker(seed, only);

// Catalogs are read and code is compiled once, not on account of the first input.
const unmet = new Set(only.length > 0 ? only : Object.keys(READERS));
for (let index = 0; unmet.size > 0; index++) {
  const input = makeInput(index);
  if (unmet.delete(input.reader)) await attempt(input).catch(() => {});
}
countAllocations();
send({ kind: 'ready' });

if (to > from) {
  const counts: Record<string, number> = {};
  let slowest = 0;
  for (let index = from; index < to; index++) {
    Atomics.store(place, 0, index);
    const input = makeInput(index);
    counts[input.reader] = (counts[input.reader] ?? 0) + 1;
    const { what, ms } = await attempt(input);
    slowest = Math.max(slowest, ms);
    if (what) send({ kind: 'finding', index, what, ms });
  }
  send({ kind: 'done', counts, slowest });
} else {
  port.on('message', (input: Input) => {
    Atomics.add(place, 0, 1);
    void attempt(input).then(({ what, ms }) => send({ kind: 'tried', what, ms }));
  });
}
