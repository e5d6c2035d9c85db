// Question: does any input make a reader crash, hang or fill memory? See README.md here.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { inputMaker } from './inputs.ts';
import { minimize } from './minimize.ts';
import { Prober, watchWorker } from './watch.ts';

/** Inputs given to a worker at a time. */
const BATCH = 20_000;
const TRIES = 400;
/** Each try at a hang costs seconds. */
const TRIES_AT_HANGS = 40;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    reader: { type: 'string', multiple: true, default: [] },
    keep: { type: 'string' },
  },
});
const total = Number(values.inputs);
const seed = Number(values.seed);
const only = values.reader;

const counts = new Map<string, number>();
/** First index of each distinct finding. */
const findings = new Map<string, { index: number; times: number }>();
let slowest = 0;
function found(what: string, index: number): void {
  const known = findings.get(what);
  if (known) known.times++;
  else {
    findings.set(what, { index, times: 1 });
    console.log(`  ${what} (input ${index})`);
  }
}

const makeInput = inputMaker(seed, only);
const started = performance.now();
for (let from = 0; from < total;) {
  const to = Math.min(total, from + BATCH);
  const { ended } = watchWorker({ seed, only, from, to }, (message) => {
    if (message.kind === 'finding') found(message.what, message.index);
    if (message.kind !== 'done') return;
    slowest = Math.max(slowest, message.slowest);
    for (const [reader, count] of Object.entries(message.counts)) counts.set(reader, (counts.get(reader) ?? 0) + count);
  });
  const { why, index } = await ended;
  if (why) {
    found(`${makeInput(index).reader}: ${why}`, index);
    for (let i = from; i <= index; i++) counts.set(makeInput(i).reader, (counts.get(makeInput(i).reader) ?? 0) + 1);
  }
  from = why ? index + 1 : to;
  const seconds = (performance.now() - started) / 1000;
  console.log(`${from} inputs, ${Math.round(seconds)} s, ${Math.round(from / seconds)} a second, ${findings.size} distinct findings`);
}

console.log(`\nslowest ${Math.round(slowest)} ms of processor time`);
for (const [reader, count] of [...counts].sort()) console.log(`${reader.padEnd(16)}${String(count).padStart(9)}`);

const prober = new Prober();
for (const [what, { index, times }] of findings) {
  const input = makeInput(index);
  const again = await prober.try(input);
  const fails = async (smaller: typeof input): Promise<boolean> => (await prober.try(smaller)) === again;
  const small = again ? await minimize(input, fails, /hang|memory|slow/.test(again) ? TRIES_AT_HANGS : TRIES) : input;
  console.log(
    `\n${what}, ${times} times; alone: ${again ?? 'nothing'}; ${small.path}, ${input.bytes.length} bytes, ${small.bytes.length} suffice`,
  );
  console.log(Buffer.from(small.bytes.subarray(0, 600)).toString('base64'));
  if (values.keep) {
    mkdirSync(values.keep, { recursive: true });
    writeFileSync(`${values.keep}/${index}-${small.path}`, small.bytes);
  }
}
prober.close();
process.exitCode = findings.size > 0 ? 1 : 0;
