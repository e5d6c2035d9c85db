import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generateGemm } from '../../scripts/kernels.mjs';

test('the committed kernel comes from kernels/gemm.ts: compiling it anew gives the same bytes', async () => {
  expect(await generateGemm()).toBe(readFileSync(new URL('../../src/math/gemm.generated.ts', import.meta.url), 'utf8'));
});
