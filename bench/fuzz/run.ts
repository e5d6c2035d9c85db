// Question: does any input make a reader crash, hang or fill memory? See README.md here.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { MAX_MIB, MAX_MS } from './attempt.ts';
import { inputMaker, unitsOf } from './inputs.ts';
import { minimize } from './minimize.ts';
import { UNITS } from './readers.ts';
import { Prober, watchWorker } from './watch.ts';
import type { Tally } from './worker.ts';

/** Inputs given to a process at a time. */
const BATCH = 20_000;
const TRIES = 400;
/** Each try at a hang costs seconds. */
const TRIES_AT_HANGS = 20;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    reader: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: '1' },
    state: { type: 'string' },
    keep: { type: 'string' },
  },
});
const seed = Number(values.seed);
interface Batch {
  readonly unit: string;
  readonly from: number;
  readonly to: number;
}
/** What a batch came to: a line of the state file. */
interface Done extends Batch, Tally {
  readonly seed: number;
  readonly findings: readonly { readonly index: number; readonly what: string }[];
}

/** Units in turns, so that a run that is broken off has seen something of each. */
function batchesOf(): Batch[] {
  const units = unitsOf(values.reader);
  // Of all units, so that a run of one reader repeats its part of a whole run.
  const shares = [...UNITS.values()].reduce((sum, share) => sum + share, 0);
  const rows = units.map((unit) => {
    const total = Math.ceil((Number(values.inputs) * UNITS.get(unit)!) / shares);
    return Array.from({ length: Math.ceil(total / BATCH) }, (_, i) => ({ unit, from: i * BATCH, to: Math.min(total, (i + 1) * BATCH) }));
  });
  const longest = Math.max(...rows.map((row) => row.length));
  return Array.from({ length: longest }, (_, i) => rows.flatMap((row) => row[i] ?? [])).flat();
}

const done: Done[] = [];
function keyOf({ unit, from, to }: Batch): string {
  return `${unit} ${from} ${to}`;
}
if (values.state && existsSync(values.state))
  for (const line of readFileSync(values.state, 'utf8').split('\n').filter(Boolean)) {
    const one = JSON.parse(line) as Done;
    if (one.seed === seed) done.push(one);
  }
const before = new Set(done.map(keyOf));
const all = batchesOf();
const left = all.filter((batch) => !before.has(keyOf(batch)));
if (before.size > 0) console.log(`${all.length - left.length} of ${all.length} batches are done`);

async function run(batch: Batch): Promise<void> {
  const { unit, to } = batch;
  const findings: { index: number; what: string }[] = [];
  let [inputs, refused, slowest, peakMiB] = [0, 0, 0, 0];
  for (let from = batch.from; from < to;) {
    let next = to;
    const { ended } = watchWorker({ seed, unit, from, to }, (message) => {
      if (message.kind === 'finding') findings.push({ index: message.index, what: message.what });
      if (message.kind !== 'done') return;
      next = message.next;
      inputs += message.inputs;
      refused += message.refused;
      slowest = Math.max(slowest, message.slowest);
      peakMiB = Math.max(peakMiB, message.peakMiB);
    });
    const { why, index } = await ended;
    if (why) {
      const isMaking = index < -1;
      const at = Math.max(isMaking ? -index - 2 : index, from);
      if (!isMaking) findings.push({ index: at, what: `${unit}: ${why}` });
      inputs += at - from + (isMaking ? 0 : 1);
      next = at + 1;
    }
    from = next;
  }
  const one: Done = { seed, ...batch, inputs, refused, slowest, peakMiB, findings };
  done.push(one);
  if (values.state) appendFileSync(values.state, `${JSON.stringify(one)}\n`);
  for (const { index, what } of findings) if (!known.has(what)) known.set(what, { unit, index });
  tried += inputs;
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${tried} inputs, ${Math.round(seconds)} s, ${Math.round(tried / seconds)} a second, ${known.size} distinct findings; ` +
      `${unit} from ${batch.from}: slowest ${Math.round(slowest)} ms, ${Math.round(peakMiB)} MiB`,
  );
}

/** First input of each distinct finding. */
const known = new Map<string, { unit: string; index: number }>();
for (const { unit, findings } of done) for (const { index, what } of findings) if (!known.has(what)) known.set(what, { unit, index });
let tried = 0;
const started = performance.now();
await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    for (let batch = left.shift(); batch; batch = left.shift()) await run(batch);
  }),
);

console.log(`\nreader                          inputs   refused   slowest ms   peak MiB (resident)`);
const row = (name: string, some: readonly Done[]): void => {
  const sum = (of: (one: Done) => number): number => some.reduce((total, one) => total + of(one), 0);
  const most = (of: (one: Done) => number): number => Math.round(some.reduce((top, one) => Math.max(top, of(one)), 0));
  const numbers = [sum((one) => one.inputs), sum((one) => one.refused), most((one) => one.slowest), most((one) => one.peakMiB)];
  console.log(name.padEnd(28) + numbers.map((value, i) => String(value).padStart([10, 10, 13, 11][i]!)).join(''));
};
for (const unit of UNITS.keys()) {
  const some = done.filter((one) => one.unit === unit);
  if (some.length > 0) row(unit, some);
}
row('all', done);

const makeInput = inputMaker(seed);
const prober = new Prober();
let again = 0;
for (const [what, { unit, index }] of known) {
  const input = makeInput(unit, index);
  const alone = await prober.try(input);
  if (alone) again++;
  const fails = async (smaller: typeof input): Promise<boolean> => (await prober.try(smaller)) === alone;
  const small = alone ? await minimize(input, fails, /hang|memory|slow|MiB/.test(alone) ? TRIES_AT_HANGS : TRIES) : input;
  console.log(
    `\n${what} (input ${index}); alone: ${alone ?? 'nothing'}; ${small.path}, ${input.bytes.length} bytes, ${small.bytes.length} suffice`,
  );
  console.log(Buffer.from(small.bytes.subarray(0, 600)).toString('base64'));
  if (values.keep) {
    mkdirSync(values.keep, { recursive: true });
    writeFileSync(`${values.keep}/${unit.replace('/', '-')}-${index}-${small.path.replaceAll('/', '-')}`, small.bytes);
  }
}
prober.close();
console.log(
  `\n${known.size} distinct findings (errors without a type, over ${MAX_MS} ms, over ${MAX_MIB} MiB, hangs), ${again} of them in the input alone`,
);
process.exitCode = again > 0 ? 1 : 0;
