/** Tries inputs, either a range of one unit or those sent by whoever reduces one; its parent ends it when it hangs. */
import { openSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { attempt, MAX_MIB, peakMemory } from './attempt.ts';
import { inputMaker } from './inputs.ts';
import { type Input, UNITS } from './readers.ts';

export interface Task {
  readonly seed: number;
  readonly unit: string;
  readonly from: number;
  readonly to: number;
  /** A file that holds the index at hand: what a process writes there is known when it dies. */
  readonly at: string;
}
/** What became of a range. */
export interface Tally {
  readonly inputs: number;
  readonly refused: number;
  readonly slowest: number;
  readonly peakMiB: number;
}
export type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'finding'; readonly index: number; readonly what: string }
  | { readonly kind: 'tried'; readonly what: string | null }
  | ({ readonly kind: 'done'; readonly next: number } & Tally);

const { seed, unit, from, to, at } = JSON.parse(process.argv[2]!) as Task;
const send = (message: Message): void => void process.send!(message);
const file = openSync(at, 'w');
const place = new Float64Array(1);
function mark(index: number): void {
  place[0] = index;
  writeSync(file, place, 0, 8, 0);
}
// Whoever started this is gone.
process.on('disconnect', () => process.exit());
const tooMuch = (): string | null => (peakMemory() > MAX_MIB ? `${unit}: over ${MAX_MIB} MiB` : null);

mark(-1);
const makeInput = inputMaker(seed);
// Catalogs are read and code is compiled once, not on account of the first input.
for (const one of unit === '' ? UNITS.keys() : [unit])
  for (let index = 0; index < 3; index++) await attempt(makeInput(one, index)).catch(() => {});
send({ kind: 'ready' });

if (to > from) {
  let refused = 0;
  let slowest = 0;
  let index = from;
  for (let over = false; index < to && !over; index++) {
    if (index % 256 === 0) await setImmediate();
    // Making is on nobody's account: it is marked below -1.
    mark(-index - 2);
    const input = makeInput(unit, index);
    const isMade = peakMemory() <= MAX_MIB;
    mark(index);
    const { what, answer, ms } = await attempt(input);
    slowest = Math.max(slowest, ms);
    if (answer === 'refused') refused++;
    if (what) send({ kind: 'finding', index, what });
    const memory = tooMuch();
    if (memory && isMade) send({ kind: 'finding', index, what: memory });
    // The peak stays: the next input is for another process.
    over = memory !== null;
  }
  send({ kind: 'done', next: index, inputs: index - from, refused, slowest, peakMiB: peakMemory() });
  process.disconnect();
} else {
  let tried = 0;
  process.on('message', (input: Input) => {
    mark(tried++);
    void attempt(input).then(({ what }) => send({ kind: 'tried', what: what ?? (tooMuch() && `${input.unit}: over ${MAX_MIB} MiB`) }));
  });
}
