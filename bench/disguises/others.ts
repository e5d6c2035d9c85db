// Question: what of encoders, encoder-decoders, vision transformers and diffusion networks is seen through a rearrangement? See README.md here.
import { type Family, labeledModel, type LabeledModel, noisy, permuteAxes, turnHidden } from '../../src/lineage/testing/surgery/labeled.ts';
import { withFiles } from '../../src/lineage/testing/surgery/write.ts';
import { makeComparer } from '../../src/register/index.ts';

const { compare } = makeComparer({});
const child = (m: LabeledModel): LabeledModel => noisy(m, 0.1, 9);
const CASES: readonly (readonly [string, (m: LabeledModel) => LabeledModel | null])[] = [
  ['changed by 10 %', child],
  ['neurons permuted', (m) => permuteAxes(child(m), /^(n|encoder|decoder)\d/, 3)],
  ['inner channels of convolutions permuted', (m) => permuteAxes(child(m), /^c\d/, 3)],
  ['hidden channels permuted', (m) => permuteAxes(child(m), /^(d\d?|r)$/, 4)],
  ['hidden channels and neurons permuted', (m) => permuteAxes(child(m), /./, 5)],
  ['hidden space rotated', (m) => (m.turns ? turnHidden(child(m), 6) : null)],
  ['hidden space rotated, neurons permuted', (m) => (m.turns ? turnHidden(permuteAxes(child(m), /^(n|encoder|decoder)\d/, 3), 6) : null)],
  ['same start, other training', () => null],
  ['stranger', () => null],
];
for (const family of ['bert', 't5', 'vit', 'unet'] as Family[]) {
  const base = labeledModel(family, 1, 2);
  for (const [name, make] of CASES) {
    const made = name === 'stranger' ? labeledModel(family, 3, 4) : name.startsWith('same start') ? labeledModel(family, 1, 5) : make(base);
    if (!made) continue;
    await withFiles(base.tensors, base.config, base.tokens, 'F32', (a) =>
      withFiles(made.tensors, made.config, made.tokens, 'F32', async (b) => {
        const { relation } = await compare(a, b);
        console.log(
          `${family.padEnd(5)} ${name.padEnd(42)} ${relation.verdict.padEnd(22)} ${relation.kind.name.padEnd(14)} p ${relation.log10P?.toFixed(0) ?? '-'}  share ${relation.share.fraction?.toFixed(2) ?? '-'} (${relation.share.part})`,
        );
        console.log(`      ${relation.because.slice(0, 260)}`);
      }),
    );
  }
}
