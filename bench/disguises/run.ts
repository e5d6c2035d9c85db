// Question: which disguises does `heirloom compare` see through, and does it keep silent about strangers under the same surgery? See README.md here.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Case, CASES } from '../../src/lineage/testing/surgery/cases.ts';
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
const tuned: Transformer = baseId === 'DA' ? await loadTransformer(folder('a-ft-heavy')) : base;
/** Models that must never be called derived from anything made of DA: a stranger, one from its random start, its student. */
const nulls = option('nulls') === undefined ? [] : ['DC', 'DE', 'a-distilled'];

const { compare } = makeComparer({});
const kindOf = (relation: Relation): string =>
  `${relation.kind.name}${relation.kind.layerMap ? ` [${relation.kind.layerMap.join()}]` : ''}${relation.kind.disguises ? ` {${relation.kind.disguises.join('; ')}}` : ''}`;
const isTie = ({ verdict }: Relation): boolean => verdict === 'derived' || verdict === 'identical';

function judge({ expect }: Case, relation: Relation): string {
  if (expect.verdict === 'weak') return isTie(relation) ? 'FALSE' : 'ok';
  if (!isTie(relation)) return 'MISS';
  const wrong: string[] = [];
  if (expect.kinds && !expect.kinds.includes(relation.kind.name)) wrong.push('kind');
  if (expect.layerMap && relation.kind.layerMap?.join() !== expect.layerMap.join()) wrong.push('map');
  if (expect.share !== undefined && Math.abs((relation.share.fraction ?? 0) - expect.share) > 0.1) wrong.push('share');
  return wrong.length === 0 ? 'ok' : wrong.join('+');
}

const tally: Record<string, number> = {};
for (const each of cases) {
  const made = each.make(base, other, tuned);
  const kept = each.keeps ? logitDifference(base, made) : null;
  await withFolder(made, each, async (made) => {
    const begun = performance.now();
    const { relation } = await compare(folder(baseId), made);
    const ms = performance.now() - begun;
    const mark = judge(each, relation);
    tally[mark] = (tally[mark] ?? 0) + 1;
    const silent: string[] = [];
    for (const id of nulls) {
      const { verdict } = (await compare(folder(id), made)).relation;
      if (verdict === 'derived' || verdict === 'identical') {
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
