// Question: how often do the tests of the closer look reject for models that are independent? See README.md here.
import { fileURLToPath } from 'node:url';
import { compareAligned } from '../../src/lineage/aligned/compare.ts';
import { disguiseAll } from '../../src/lineage/testing/surgery/disguises.ts';
import { pruneHidden, pruneNeurons } from '../../src/lineage/testing/surgery/shape.ts';
import { loadTransformer, stranger, type Transformer } from '../../src/lineage/testing/surgery/transformer.ts';
import { withFolder } from '../../src/lineage/testing/surgery/write.ts';
import { readModel } from '../../src/model/index.ts';
import { openTree } from '../../src/sources/index.ts';

const corpus = fileURLToPath(new URL('../../../shared/lineage-corpus/', import.meta.url));
const pairs = Number(process.argv.find((argument) => argument.startsWith('--pairs='))?.split('=')[1] ?? 100);
const INPUTS = { a: '', b: '' };

interface Row {
  readonly neurons: number | null;
  readonly unreachable: number | null;
  readonly agreement: number;
  readonly up: number;
}

async function align(a: Transformer, b: Transformer): Promise<Row> {
  return withFolder(a, {}, (first) =>
    withFolder(b, {}, async (second) => {
      const trees = await Promise.all([first, second].map((folder) => openTree(folder)));
      try {
        const [x, y] = await Promise.all(trees.map((tree) => readModel(tree)));
        const outcome = await compareAligned(x!, y!, INPUTS);
        if (!outcome) throw new Error('the two could not be laid over each other');
        const p = (test: string): number | null => outcome.exact.find((evidence) => evidence.test === test)?.log10P ?? null;
        return {
          neurons: p('swap-sign/neurons-after-map'),
          unreachable: p('swap-sign/unreachable-tokens'),
          agreement: outcome.agreementLog10P,
          up: outcome.up,
        };
      } finally {
        for (const tree of trees) await tree.close();
      }
    }),
  );
}

function tell(name: string, rows: readonly Row[]): void {
  const below = (values: readonly number[], p: number): string =>
    `${values.filter((value) => value <= Math.log10(p)).length}/${values.length}`;
  const line = (pick: (row: Row) => number | null): string => {
    const values = rows.flatMap((row) => pick(row) ?? []);
    return `p<.1 ${below(values, 0.1)}, p<.05 ${below(values, 0.05)}, p<.01 ${below(values, 0.01)}, smallest 10^${Math.min(...values).toFixed(1)}`;
  };
  console.log(`${name}\n  neurons after map   ${line((row) => row.neurons)}\n  unreachable tokens  ${line((row) => row.unreachable)}`);
  console.log(
    `  agreement bound     smallest 10^${Math.min(...rows.map((row) => row.agreement)).toFixed(1)} (10^-9 decides); median cosine of matched up-projections at most ${Math.max(...rows.map((row) => row.up)).toFixed(2)}`,
  );
}

const small = pruneHidden(pruneNeurons(await loadTransformer(`${corpus}DA`), 96, 1), 48, 2);
const random: Row[] = [];
const copiedTables: Row[] = [];
for (let i = 0; i < pairs; i++) {
  const [a, b] = [stranger(small, 10_000 + 2 * i), stranger(small, 10_001 + 2 * i)];
  random.push(await align(a, i % 2 ? disguiseAll(b, i) : b));
  // Unreachable rows copied with the table are a copy: only the neurons are independent here.
  copiedTables.push({ ...(await align(a, disguiseAll({ ...b, embed: a.embed, head: a.head }, i))), unreachable: null });
}
tell(`random models, half of them disguised: ${random.length} pairs`, random);
tell(`random models with copied token tables, all disguised: ${copiedTables.length} pairs`, copiedTables);

const trained = await Promise.all(['DA', 'DB', 'DC', 'DD', 'DG', 'a-distilled'].map((id) => loadTransformer(`${corpus}${id}`)));
const rows: Row[] = [];
const transplanted: Row[] = [];
for (const [i, a] of trained.entries())
  for (const [j, b] of trained.entries()) {
    if (i === j) continue;
    rows.push(await align(a, disguiseAll(b, 100 * i + j)));
    if (i < j)
      transplanted.push({ ...(await align(a, disguiseAll({ ...b, embed: a.embed, head: a.head }, 100 * i + j))), unreachable: null });
  }
tell(`trained models (one a student of another), disguised: ${rows.length} pairs`, rows);
tell(`trained models with the other's token tables, disguised: ${transplanted.length} pairs`, transplanted);
