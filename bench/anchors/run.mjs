// Question: how many related pairs does each published statistic find without one false positive, beside Heirloom? See README.md here.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isOpen, lookCloser, relate, sketchModel } from '../../dist/lineage/index.js';
import { readModel } from '../../dist/model/index.js';
import { nodeHasher, openTree } from '../../dist/sources/index.js';
import { loadWhole } from './load.mjs';
import { METHODS, sharedIds } from './methods.mjs';

const shared = resolve(process.argv[2] ?? join(import.meta.dirname ?? '.', '..', '..', '..', 'shared'));
const corpus = JSON.parse(readFileSync(join(shared, 'lineage-corpus', 'manifest.json'), 'utf8'));
/** Of independent pairs that Heirloom's sketches leave open, one in this many is looked at closer, for time; the others count as told by sketches. */
const SAMPLED = 6;

const models = new Map();
for (const { id, folder, recipe } of corpus.models) {
  const tree = await openTree(join(shared, 'lineage-corpus', folder));
  const model = await readModel(tree);
  const whole = await loadWhole(model);
  if (!whole) {
    console.log(`${id}: no full model, left out`);
    await tree.close();
  } else {
    const options = { digest: { value: `sha256:${folder}`, covers: 'its name' }, newHasher: nodeHasher };
    models.set(id, { whole, recipe, tree, model, sketch: await sketchModel(model, options) });
  }
}

const truths = new Map(
  Object.entries(corpus.pairs).flatMap(([truth, pairs]) =>
    Array.isArray(pairs) ? pairs.map(([a, b]) => [[a, b].sort().join('|'), { truth, a, b }]) : [],
  ),
);
const ids = [...models.keys()];
const rows = ids.flatMap((x, i) =>
  ids.slice(i + 1).map((y) => truths.get([x, y].sort().join('|')) ?? { truth: 'independent', a: x, b: y }),
);

const timed = {};
function time(name, work) {
  const begun = performance.now();
  const answer = work();
  timed[name] = (timed[name] ?? 0) + performance.now() - begun;
  return answer;
}
for (const row of rows) {
  const [a, b] = [models.get(row.a).whole, models.get(row.b).whole];
  const tokens = sharedIds(a, b);
  row.scores = Object.fromEntries(
    Object.entries(METHODS).map(([name, method]) => [name, time(name, () => method(a, b, tokens)) ?? -Infinity]),
  );
}

console.log(`${rows.length} pairs scored; now Heirloom`);
const begun = performance.now();
for (const [i, row] of rows.entries()) {
  const [a, b] = [models.get(row.a), models.get(row.b)];
  row.relation = relate(a.sketch, b.sketch, { searched: models.size });
  if (isOpen(row.relation, a.sketch, b.sketch) && (row.truth !== 'independent' || i % SAMPLED === 0))
    row.relation = await lookCloser(row.relation, a, b);
}
timed.Heirloom = performance.now() - begun;
for (const { tree } of models.values()) await tree.close();

const truthIs =
  (...names) =>
  (row) =>
    names.includes(row.truth);
const convicts = (row) => row.relation.verdict === 'derived' || row.relation.verdict === 'identical';

/** For every method, which rows it finds with its threshold just above the largest null score. */
function finders(isNull) {
  const nulls = rows.filter(isNull);
  const found = Object.keys(METHODS).map((name) => {
    const threshold = Math.max(...nulls.map((row) => row.scores[name]));
    return [name, (row) => row.scores[name] > threshold, threshold];
  });
  const wrong = nulls.filter(convicts).length;
  return [...found, ['Heirloom', convicts, `own; ${wrong} false`]];
}

function report(title, isNull) {
  console.log(`\n${title}: ${rows.filter(isNull).length} null pairs`);
  const table = {};
  for (const [name, finds, threshold] of finders(isNull)) {
    const count = (...names) => `${rows.filter(truthIs(...names)).filter(finds).length} / ${rows.filter(truthIs(...names)).length}`;
    table[name] = {
      threshold: typeof threshold === 'number' ? Number(threshold.toPrecision(3)) : threshold,
      derived: count('derived'),
      'same root': count('same-root'),
      seconds: Number((timed[name] / 1000).toFixed(0)),
    };
  }
  console.table(table);
}

const hard = truthIs('independent', 'distilled', 'shared-init');
report('Nulls: independent and distilled', truthIs('independent', 'distilled'));
report('Nulls: independent, distilled and same random start', hard);

console.log('\nAncestor and descendant by the recipe of the descendant, nulls with the same random start:');
const byRecipe = {};
for (const row of rows.filter(truthIs('derived'))) {
  const recipe = models.get(row.b).recipe;
  byRecipe[recipe] ??= { pairs: 0 };
  byRecipe[recipe].pairs++;
  for (const [name, finds] of finders(hard)) byRecipe[recipe][name] = (byRecipe[recipe][name] ?? 0) + (finds(row) ? 1 : 0);
}
console.table(byRecipe);
