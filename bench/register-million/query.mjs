// Question: what does one query against a million registered models cost, and is the right answer first? See README.md here.
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { byStrength, isTie, relateKnown } from '../../dist/assess/index.js';
import { CODE_BITS, decodeSketch, encodeSketch, searchCode } from '../../dist/lineage/index.js';
import { findCandidates } from '../../dist/register/candidates.js';
import { entryId } from '../../dist/register/entry.js';
import { openRegister } from '../../dist/register/index.js';
import { openIndex } from '../../dist/register/search-index.js';
import { nodeHasher } from '../../dist/sources/index.js';
import { toSketch, weights } from './synthetic.mjs';

const dir = process.argv[2];
const ms = (since) => performance.now() - since;
/** Processor time of this process, user and system: what a query costs when others use the machine too. */
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const memory = () => `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at most`;
const spread = (list) => {
  const sorted = [...list].sort((x, y) => x - y);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))].toFixed(0);
  return `min ${at(0)}, median ${at(0.5)}, max ${at(1)} ms`;
};

console.log(`load average of the machine: ${loadavg()[0].toFixed(1)}`);
let begun = performance.now();
const register = await openRegister(dir, { now: Date.now });
const known = await register.known();
console.log(
  `load: ${known.count} models in ${(ms(begun) / 1000).toFixed(1)} s, ${(cpu() / 1000).toFixed(1)} s of processor time, ${memory()}`,
);

/** As `register find` does, with the times of its parts. */
async function query(sketch) {
  const [start, cpuStart] = [performance.now(), cpu()];
  const relations = [];
  let compared = 0;
  for await (const entry of known.entries({ sketch, bases: [] })) {
    compared++;
    const relation = relateKnown(entry, sketch, known.count);
    if (isTie(relation.verdict)) relations.push(relation);
  }
  return { relations: relations.sort(byStrength), compared, ms: ms(start), cpu: cpu() - cpuStart };
}
const asStored = (sketch) => decodeSketch(encodeSketch(sketch), 'made up');

// Warm: the first queries compile the code.
for (let i = 0; i < 2; i++) await query(asStored(toSketch('warm', `sha256:${'0'.repeat(64)}`, weights(77 + i))));

const times = [];
const cpuTimes = [];
const tests = [];
console.log('correlation  queries  right answer first  found at all  strangers told');
for (const r of [0.99, 0.9, 0.7, 0.5, 0.39, 0.3, 0.25, 0.2, 0.15]) {
  let [first, found, wrong] = [0, 0, 0];
  const each = 6;
  for (let i = 0; i < each; i++) {
    const k = Math.round(r * 100) + i;
    const name = `made-up/ancestor-${k}`;
    const sketch = asStored(toSketch('suspect', `sha256:${'f'.repeat(64)}`, weights(5_000_000 + 1000 * i + k, weights(1000 + k), r)));
    const answer = await query(sketch);
    times.push(answer.ms);
    cpuTimes.push(answer.cpu);
    tests.push(answer.compared);
    if (answer.relations[0]?.ancestor.name === name) first++;
    if (answer.relations.some((one) => one.ancestor.name === name)) found++;
    wrong += answer.relations.filter((one) => one.ancestor.name !== name).length;
  }
  console.log(`${String(r).padEnd(13)}${String(each).padEnd(9)}${String(first).padEnd(20)}${String(found).padEnd(14)}${wrong}`);
}
console.log(
  `query, tests included: ${spread(times)}; of processor time ${spread(cpuTimes)}; ${spread(tests).replace(' ms', '')} models tested; ${memory()}`,
);

const strangers = [];
const strangerCpu = [];
let accused = 0;
for (let i = 0; i < 6; i++) {
  const answer = await query(asStored(toSketch('stranger', `sha256:${'e'.repeat(64)}`, weights(70_000_000 + i))));
  strangers.push(answer.ms);
  strangerCpu.push(answer.cpu);
  accused += answer.relations.length;
}
console.log(`query of a stranger: ${spread(strangers)}; of processor time ${spread(strangerCpu)}; ties told: ${accused}`);

// The same codes without buckets, flat arrays or a cut: every axis of every model, bit by bit.
const index = await openIndex(dir, new Map());
const scans = [];
const brute = [];
let same = 0;
for (let i = 0; i < 3; i++) {
  const code = searchCode(asStored(toSketch('x', `sha256:${'d'.repeat(64)}`, weights(6_000_000 + i, weights(1000 + i), 0.4))));
  begun = cpu();
  const { candidates } = findCandidates(index, code);
  scans.push(cpu() - begun);
  begun = cpu();
  const best = [];
  for (const { segment } of index.segments) {
    const scores = new Map();
    for (const axis of code.axes)
      for (let row = 0; row < segment.buckets.length; row++) {
        if (segment.buckets[row] !== axis.bucket) continue;
        let differing = 0;
        for (let bit = 0; bit < CODE_BITS; bit++)
          if (((segment.bits[row * 32 + (bit >> 5)] ^ axis.bits[bit >> 5]) >>> (bit & 31)) & 1) differing++;
        const score = (CODE_BITS - 2 * differing) / Math.sqrt(CODE_BITS);
        const owner = segment.owners[row];
        if (score >= 3.5 && score > (scores.get(owner) ?? -99)) scores.set(owner, score);
      }
    for (const [owner, score] of scores) best.push({ id: segment.ids[owner], score });
  }
  best.sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1));
  brute.push(cpu() - begun);
  const near = candidates.filter((one) => one.score >= 3.5 && one.shared === 0).map((one) => one.id);
  if (near.length > 0 && near.every((id, at) => id === best[at].id)) same++;
}
console.log(
  `scan alone, processor time: ${spread(scans)}; the same bit by bit: ${spread(brute)}, the same candidates in the same order in ${same} of 3`,
);

// What comparing with every sketch would cost.
const suspect = asStored(toSketch('x', `sha256:${'d'.repeat(64)}`, weights(6_000_000, weights(1000), 0.4)));
let done = -1;
for await (const entry of known.entries({ sketch: suspect, bases: [] })) {
  // The clock starts behind the scan, with the second sketch to be read.
  if (done < 0) begun = cpu();
  else relateKnown(entry, suspect, known.count);
  done++;
}
const per = (cpu() - begun) / done;
console.log(
  `reading and testing one sketch: ${per.toFixed(1)} ms of processor time; a million, extrapolated: ${((per * 1e6) / 3.6e6).toFixed(1)} hours`,
);

// Models of the corpora, each as a suspect: is the nearest of its known relatives told?
const corpus = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', '..', 'shared', 'lineage-corpus', 'manifest.json'), 'utf8'));
const real = [];
const missed = [];
let asked = 0;
for (const [ancestor, child] of corpus.pairs.derived) {
  const entry = JSON.parse(readFileSync(join(dir, 'models', `${entryId(`lineage-corpus/${child}`)}.json`), 'utf8'));
  const sketch = decodeSketch(readFileSync(join(dir, 'sketches', `${entry.sketch.sha256}.hlsk`)), child, nodeHasher);
  const answer = await query(sketch);
  real.push(answer.cpu);
  asked++;
  if (!answer.relations.some((one) => one.ancestor.name === `lineage-corpus/${ancestor}`)) missed.push(`${ancestor} > ${child}`);
}
console.log(
  `lineage corpus: ${asked} children asked, ancestor not told for: ${missed.join(', ') || 'none'}; processor time ${spread(real)}`,
);
