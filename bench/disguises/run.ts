// Question: which disguises does `heirloom compare` see through, and does it keep silent about strangers under the same surgery? See README.md here.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addNoise } from '../../src/lineage/testing/surgery/changes.ts';
import { CASES } from '../../src/lineage/testing/surgery/cases.ts';
import { isTie, judge } from '../../src/lineage/testing/surgery/judge.ts';
import { logitDifference } from '../../src/lineage/testing/surgery/forward.ts';
import { loadTransformer, stranger, type Transformer } from '../../src/lineage/testing/surgery/transformer.ts';
import { withFolder } from '../../src/lineage/testing/surgery/write.ts';
import { makeComparer } from '../../src/register/index.ts';
import type { Relation } from '../../src/lineage/index.ts';

const corpus = fileURLToPath(new URL('../../../shared/lineage-corpus/', import.meta.url));
const option = (name: string): string | undefined => process.argv.find((argument) => argument.startsWith(`--${name}=`))?.split('=')[1];
const baseId = option('base') ?? 'DA';
const only = option('only');
const cases = CASES.filter(({ name }) => !only || new RegExp(only).test(name));
const folder = (id: string): string => `${corpus}${id}`;

if (!existsSync(corpus)) throw new Error(`the shared corpus is missing: ${corpus}`);
const base = await loadTransformer(folder(baseId));
const isLlama = base.family === 'llama';
const other: Transformer = baseId === 'DA' ? await loadTransformer(folder('DB')) : stranger(base, 5);
const tuned: Transformer = baseId === 'DA' ? await loadTransformer(folder('a-ft-heavy')) : addNoise(base, 0.1, 6);
/** Models that must never be called derived from anything made of DA: a stranger, one from its random start, its student. */
const nulls = option('nulls') === undefined ? [] : ['DC', 'DE', 'a-distilled'];

const { compare } = makeComparer({});
const kindOf = (relation: Relation): string =>
  `${relation.kind.name}${relation.kind.layerMap ? ` [${relation.kind.layerMap.join()}]` : ''}${relation.kind.disguises ? ` {${relation.kind.disguises.join('; ')}}` : ''}`;

const tally: Record<string, number> = {};
for (const each of cases) {
  const made = each.make(base, other, tuned);
  const kept = each.keeps ? logitDifference(base, made) : null;
  await withFolder(made, each, async (made) => {
    const begun = performance.now();
    const { relation } = await compare(folder(baseId), made);
    const ms = performance.now() - begun;
    const mark = judge(each, base, relation);
    tally[mark] = (tally[mark] ?? 0) + 1;
    const silent: string[] = [];
    for (const id of nulls) {
      const { relation: told } = await compare(folder(id), made);
      const { verdict } = told;
      if (isTie(told)) {
        silent.push(`${id} ACCUSED`);
        tally['null accused'] = (tally['null accused'] ?? 0) + 1;
      } else if (verdict !== 'no-evidence') silent.push(`${id} ${verdict}`);
    }
    console.log(
      [
        mark.padEnd(9),
        each.name.padEnd(62),
        relation.verdict.padEnd(22),
        kindOf(relation).padEnd(24),
        `p ${relation.log10P?.toFixed(0) ?? '-'}`.padEnd(7),
        `share ${relation.share.fraction?.toFixed(2) ?? '-'} (${relation.share.part})`,
        kept === null ? '' : `logits ${kept.toExponential(0)}`,
        `${ms.toFixed(0)} ms`,
        silent.join(', '),
      ].join('  '),
    );
    if (option('why') !== undefined && mark !== 'ok') console.log(`          ${relation.because}\n          ${relation.kind.note}`);
  });
}
console.log(`${baseId}${isLlama ? '' : ' (GPT-2 type)'}:`, tally);
