// Question: how often are verdicts wrong on pairs of known descent, and what do the exact tests see? See README.md here.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isOpen, lookCloser, relate, sketchModel } from '../../dist/lineage/index.js';
import { THRESHOLD_TABLE } from '../../dist/lineage/thresholds.js';
import { readModel } from '../../dist/model/index.js';
import { nodeHasher, openTree } from '../../dist/sources/index.js';
import { powerCurves } from './power.mjs';

const here = import.meta.dirname ?? '.';
const data = join(here, '..', '..', 'src', 'lineage', 'calibration.json');
const shared = resolve(process.argv.slice(2).find((argument) => !argument.startsWith('--')) ?? join(here, '..', '..', '..', 'shared'));
const VERDICTS = ['identical', 'derived', 'common-initialization', 'shared-origin', 'no-evidence', 'unresolved'];
/** Of independent pairs, one in this many is looked at closer, for time. */
const SAMPLED = 6;

const load = (corpus) => JSON.parse(readFileSync(join(shared, corpus, 'manifest.json'), 'utf8'));

async function sketchAll(corpus, folders) {
  const sketches = new Map();
  for (const folder of folders) {
    const tree = await openTree(join(shared, corpus, folder));
    const options = { digest: { value: `sha256:${folder}`, covers: 'its name' }, newHasher: nodeHasher };
    sketches.set(folder, await sketchModel(await readModel(tree), options));
    await tree.close();
  }
  return sketches;
}

/** What `compare` says with both models at hand. */
async function closer(corpus, row, sketches) {
  if (!isOpen(row.relation, sketches.get(row.a), sketches.get(row.b))) return row;
  const trees = await Promise.all([row.a, row.b].map((folder) => openTree(join(shared, corpus, folder))));
  const [a, b] = await Promise.all(trees.map((tree) => readModel(tree)));
  const first = { model: a, sketch: sketches.get(row.a) };
  const relation = await lookCloser(row.relation, first, { model: b, sketch: sketches.get(row.b) });
  for (const tree of trees) await tree.close();
  return { ...row, relation };
}

function tabulate(rows, by) {
  return [...new Set(rows.map((row) => row.truth))].sort().map((truth) => {
    const own = rows.filter((row) => row.truth === truth);
    const verdicts = {};
    for (const verdict of VERDICTS) {
      const count = own.filter((row) => row.relation.verdict === verdict).length;
      if (count > 0) verdicts[verdict] = count;
    }
    return { truth, by, pairs: own.length, verdicts };
  });
}

const convicts = (row) => row.relation.verdict === 'derived' || row.relation.verdict === 'identical';

/** One-sided 95 % limit of Clopper and Pearson: the rate at which `found` or fewer would be seen in one of twenty. */
function bound(of, found) {
  const atMost = (rate) => {
    let [term, sum] = [(1 - rate) ** of, 0];
    for (let k = 0; k <= found; k++) {
      sum += term;
      term *= ((of - k) / (k + 1)) * (rate / (1 - rate));
    }
    return sum;
  };
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (atMost(middle) > 0.05) low = middle;
    else high = middle;
  }
  // Rounded up: a bound must not shrink in print.
  return { of, found, upper95: of === 0 ? 1 : Math.ceil(high * 1e5) / 1e5 };
}

/** Every pair of roots once; found when any pair of their descendants was. */
function byRoots(rows) {
  const pairs = new Map();
  for (const row of rows)
    for (const x of row.roots[0])
      for (const y of row.roots[1]) {
        const key = [x, y].sort().join('|');
        if (x !== y) pairs.set(key, (pairs.get(key) ?? false) || convicts(row));
      }
  return pairs;
}

/** As many root pairs as share no root; greedy in the order of names. */
function disjoint(pairs) {
  const used = new Set();
  return [...pairs.keys()].sort().filter((key) => {
    const roots = key.split('|');
    if (roots.some((root) => used.has(root))) return false;
    for (const root of roots) used.add(root);
    return true;
  });
}

async function transformers() {
  const corpus = load('lineage-corpus');
  const sketches = await sketchAll(
    'lineage-corpus',
    corpus.models.map((model) => model.folder),
  );
  const truths = new Map(
    Object.entries(corpus.pairs).flatMap(([truth, pairs]) =>
      Array.isArray(pairs) ? pairs.map(([a, b]) => [[a, b].sort().join('|'), { truth, a, b }]) : [],
    ),
  );
  const rows = corpus.models.flatMap((x, i) =>
    corpus.models.slice(i + 1).map((y) => {
      const { truth, a, b } = truths.get([x.id, y.id].sort().join('|')) ?? { truth: 'independent', a: x.id, b: y.id };
      const relation = relate(sketches.get(a), sketches.get(b), { searched: corpus.models.length });
      return { truth, a, b, roots: [x.roots, y.roots], relation };
    }),
  );
  const nulls = rows.filter((row) => !['derived', 'same-root'].includes(row.truth));
  const looked = [];
  for (const [i, row] of nulls.entries())
    if (row.truth !== 'independent' || i % SAMPLED === 0) looked.push(await closer('lineage-corpus', row, sketches));
  const panel = {
    corpus: 'lineage-corpus',
    models: corpus.models.length,
    searched: corpus.models.length,
    rows: [...tabulate(rows, 'sketches'), ...tabulate(looked, 'closer')],
  };
  // A pair looked at closer counts once, as it was judged last.
  const last = new Map(looked.map((row) => [`${row.a}|${row.b}`, row]));
  return { panel, nulls: nulls.map((row) => last.get(`${row.a}|${row.b}`) ?? row) };
}

async function published() {
  const { models, pairs } = load('real-models');
  const sketches = await sketchAll(
    'real-models',
    models.map((model) => model.folder),
  );
  const publisher = new Map(models.map((model) => [model.folder, model.source_repo]));
  const rows = pairs.map(({ a, b, label }) => {
    const relation = relate(sketches.get(a), sketches.get(b), { searched: models.length });
    return { truth: label, a, b, roots: [[publisher.get(a)], [publisher.get(b)]], relation };
  });
  const panel = { corpus: 'real-models', models: models.length, searched: models.length, rows: tabulate(rows, 'sketches') };
  return { panel, nulls: rows.filter((row) => row.truth !== 'related') };
}

const parts = [await transformers(), await published()];
const nulls = parts.flatMap((part) => part.nulls);
const roots = byRoots(nulls);
const apart = disjoint(roots);
const calibration = {
  schema: 'heirloom-calibration/1',
  command: 'node bench/calibration/run.mjs --write',
  panel: parts.map((part) => part.panel),
  falsePositives: {
    pairs: bound(nulls.length, nulls.filter(convicts).length),
    rootPairs: bound(roots.size, [...roots.values()].filter(Boolean).length),
    disjointRootPairs: bound(apart.length, apart.filter((key) => roots.get(key)).length),
    note: 'The models are small transformers and published convolutional, speech and adapter models; elsewhere the rate can differ.',
  },
  power: powerCurves(),
  thresholds: THRESHOLD_TABLE,
};
const text = `${JSON.stringify(calibration, null, 1)}\n`;
for (const { corpus, rows } of calibration.panel) {
  console.log(corpus);
  console.table(rows.map(({ verdicts, ...row }) => ({ ...row, ...verdicts })));
}
console.table(calibration.falsePositives);
if (process.argv.includes('--write')) writeFileSync(data, text);
else
  console.log(
    readFileSync(data, 'utf8') === text ? 'as stored, to the byte' : 'DIFFERS from src/lineage/calibration.json; --write stores it',
  );
