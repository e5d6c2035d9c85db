// Question: what does the lineage rule say of every pair with known truth? See README.md here.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isOpen, lookCloser, relate, sketchModel } from '../../dist/lineage/index.js';
import { readModel } from '../../dist/model/index.js';
import { nodeHasher, openTree } from '../../dist/sources/index.js';

const closer = process.argv.includes('--closer');
const shared = resolve(
  process.argv.slice(2).find((argument) => !argument.startsWith('--')) ?? join(import.meta.dirname ?? '.', '..', '..', '..', 'shared'),
);
const load = (corpus) => JSON.parse(readFileSync(join(shared, corpus, 'manifest.json'), 'utf8'));

async function sketchAll(corpus, folders) {
  const sketches = new Map();
  const begun = performance.now();
  for (const folder of folders) {
    const tree = await openTree(join(shared, corpus, folder));
    const model = await readModel(tree);
    sketches.set(folder, await sketchModel(model, { digest: { value: `sha256:${folder}`, covers: 'its name' }, newHasher: nodeHasher }));
    await tree.close();
  }
  console.log(`${corpus}: ${folders.length} sketches in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  return sketches;
}

function tabulate(rows) {
  const table = {};
  for (const { truth, relation } of rows) {
    table[truth] ??= { pairs: 0 };
    table[truth].pairs++;
    table[truth][relation.verdict] = (table[truth][relation.verdict] ?? 0) + 1;
  }
  console.table(table);
}

/** What `compare` adds with both models at hand; of independent pairs every sixth, for time. */
async function lookAtOpen(all) {
  const open = all.filter(
    ({ truth, a, b, relation }, i) => isOpen(relation, sketches.get(a), sketches.get(b)) && (truth !== 'independent' || i % 6 === 0),
  );
  const begun = performance.now();
  for (const row of open) {
    const trees = await Promise.all([row.a, row.b].map((folder) => openTree(join(shared, 'lineage-corpus', folder))));
    const [a, b] = await Promise.all(trees.map((tree) => readModel(tree)));
    row.relation = await lookCloser(row.relation, { model: a, sketch: sketches.get(row.a) }, { model: b, sketch: sketches.get(row.b) });
    for (const tree of trees) await tree.close();
  }
  console.log(`with both models at hand, ${open.length} open pairs, ${((performance.now() - begun) / open.length).toFixed(0)} ms each:`);
  tabulate(all.filter((row) => row.truth !== 'independent' || open.includes(row)));
}

const corpus = load('lineage-corpus');
const sketches = await sketchAll(
  'lineage-corpus',
  corpus.models.map((model) => model.folder),
);
const truthOf = new Map(
  Object.entries(corpus.pairs).flatMap(([truth, pairs]) =>
    Array.isArray(pairs) ? pairs.map(([a, b]) => [[a, b].sort().join('|'), { truth, a, b }]) : [],
  ),
);
const rows = [];
corpus.models.forEach(({ id: x }, i) =>
  corpus.models.slice(i + 1).forEach(({ id: y }) => {
    const { truth, a, b } = truthOf.get([x, y].sort().join('|')) ?? { truth: 'independent', a: x, b: y };
    rows.push({ truth, a, b, relation: relate(sketches.get(a), sketches.get(b), { searched: corpus.models.length }) });
  }),
);
tabulate(rows);
if (closer) await lookAtOpen(rows);
console.log(
  'derived pairs not found:',
  rows
    .filter((row) => row.truth === 'derived' && !['derived', 'identical'].includes(row.relation.verdict))
    .map((row) => `${row.a} > ${row.b} (${row.relation.verdict})`)
    .join(', ') || 'none',
);

for (const ratio of ['down ratio', 'output ratio', 'gain ratio']) {
  const values = (truths) =>
    rows
      .filter((row) => truths.includes(row.truth))
      .flatMap((row) => row.relation.tests.find((test) => test.test === 'learned-agreement')?.details[ratio] ?? [])
      .sort((p, q) => p - q);
  const [related, start] = [values(['derived', 'same-root']), values(['shared-init'])];
  const quantile = (list, q) => list[Math.min(list.length - 1, Math.floor(q * list.length))]?.toFixed(2);
  console.log(
    `${ratio}: relatives ${related.length} values, 1st percentile ${quantile(related, 0.01)}, median ${quantile(related, 0.5)}; same start ${start.length} values, median ${quantile(start, 0.5)}, largest ${start.at(-1)?.toFixed(2)}`,
  );
}
const nulls = rows
  .filter((row) => ['independent', 'distilled'].includes(row.truth) && row.relation.log10P !== null)
  .map((row) => row.relation.log10P);
console.log(
  `null pairs with an exact p: ${nulls.length}; p < .05 in ${nulls.filter((p) => p < Math.log10(0.05)).length}, p < .01 in ${nulls.filter((p) => p < -2).length}, smallest log10 p ${Math.min(...nulls).toFixed(2)}`,
);

const real = load('real-models');
const realSketches = await sketchAll(
  'real-models',
  real.models.map((model) => model.folder),
);
const realRows = real.pairs.map(({ a, b, label }) => ({
  truth: label,
  a,
  b,
  relation: relate(realSketches.get(a), realSketches.get(b), { searched: real.models.length }),
}));
tabulate(realRows);
console.log(
  'related pairs not found:',
  realRows
    .filter((row) => row.truth === 'related' && !['derived', 'identical'].includes(row.relation.verdict))
    .map((row) => `${row.a} / ${row.b} (${row.relation.verdict})`)
    .join('\n  ') || 'none',
);
