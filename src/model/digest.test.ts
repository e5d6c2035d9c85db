import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalJson, memoryTree, portableHasher, type Progress } from '../base/index.ts';
import { nodeHasher } from '../sources/index.ts';
import { digestHeader, digestModel, readModel } from './index.ts';
import { corpusPath, withModel } from './testing/corpora.ts';
import { counted, safetensors, text } from './testing/tiny.ts';

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

describe('the digest of a model', () => {
  const a = counted([3, 4], 1);
  const b = counted([5], 2);
  const le = (m: { values: Float32Array }): Uint8Array => new Uint8Array(m.values.buffer);

  test('is what its documentation says, computed by hand', async () => {
    const bytes = safetensors({ 'b.weight': b, 'a.weight': a });
    const model = await readModel(memoryTree('m', { 'model.safetensors': bytes, 'README.md': text('# It') }));
    const tensors = [
      { name: 'a.weight', dtype: 'F32', shape: [3, 4], sha256: sha256(le(a)) },
      { name: 'b.weight', dtype: 'F32', shape: [5], sha256: sha256(le(b)) },
    ];
    expect(await digestModel(model, nodeHasher)).toEqual({
      model: `sha256:${sha256(canonicalJson({ schema: 'heirloom.model-digest/1', tensors }))}`,
      files: [
        { path: 'README.md', sha256: sha256('# It'), bytes: 4 },
        { path: 'model.safetensors', sha256: sha256(bytes), bytes: bytes.length },
      ],
      tensors,
    });
  });

  test('does not depend on tensor order, shards, file names, documents or the hasher', async () => {
    const one = await readModel(memoryTree('one', { 'model.safetensors': safetensors({ a, b }) }));
    const other = await readModel(
      memoryTree('other', {
        'm-00001-of-00002.safetensors': safetensors({ b }, { format: 'pt' }),
        'm-00002-of-00002.safetensors': safetensors({ a }),
        LICENSE: text('x'),
      }),
    );
    expect((await digestModel(other, portableHasher)).model).toBe((await digestModel(one, nodeHasher)).model);
  });

  test('changes with one bit of one value, a name or a shape', async () => {
    const digest = async (tensors: Parameters<typeof safetensors>[0]): Promise<string> =>
      (await digestModel(await readModel(memoryTree('m', { 'model.safetensors': safetensors(tensors) })), nodeHasher)).model;
    const flipped = { ...a, values: a.values.map((value, i) => (i === 7 ? value + 1 : value)) };
    const all = await Promise.all([
      digest({ a, b }),
      digest({ a: flipped, b }),
      digest({ c: a, b }),
      digest({ a: { ...a, shape: [4, 3] }, b }),
    ]);
    expect(new Set(all).size).toBe(4);
  });

  test('of documents alone is over the files', async () => {
    const model = await readModel(memoryTree('m', { 'README.md': text('# It'), LICENSE: text('x') }));
    const files = [
      { path: 'LICENSE', sha256: sha256('x'), bytes: 1 },
      { path: 'README.md', sha256: sha256('# It'), bytes: 4 },
    ];
    expect((await digestModel(model, nodeHasher)).model).toBe(
      `sha256:${sha256(canonicalJson({ schema: 'heirloom.model-digest/1', files }))}`,
    );
  });

  test('reads in blocks of at most 8 MiB, tells its progress and stops when asked', async () => {
    const big = { shape: [1, 3 << 20], values: new Float32Array(3 << 20) };
    const model = await readModel(memoryTree('m', { 'model.safetensors': safetensors({ big }) }));
    const ticks: Progress[] = [];
    const { tensors } = await digestModel(model, nodeHasher, { onProgress: (tick) => ticks.push(tick) });
    expect(tensors[0]!.sha256).toBe(sha256(new Uint8Array(big.values.buffer)));
    expect(Math.max(...ticks.map((tick, i) => tick.done - (ticks[i - 1]?.done ?? 0)))).toBeLessThanOrEqual(8 << 20);
    expect(ticks.at(-1)!.done).toBe(ticks.at(-1)!.total);
    const reason = new Error('enough');
    await expect(digestModel(model, nodeHasher, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('copes with names JSON cannot carry', async () => {
    const read = await readModel(memoryTree('m', { 'model.safetensors': safetensors({ x: a }) }));
    // safetensors holds no half characters; pickles can.
    const tensors = read.checkpoint!.tensors.map((tensor) => ({ ...tensor, name: 'x\ud800' }));
    const model = { ...read, checkpoint: { ...read.checkpoint!, tensors } };
    expect((await digestModel(model, nodeHasher)).tensors[0]!.name).toBe('x\ufffd');
    expect(digestHeader(model)).toMatch(/^header-sha256:[0-9a-f]{64}$/);
  });

  test('of quantized blocks is over the blocks as they are', async () => {
    await withModel('lineage-corpus/a-gguf-q8_0', async (model) => {
      const file = readFileSync(corpusPath('lineage-corpus/a-gguf-q8_0/model-Q8_0.gguf'));
      const { tensors } = await digestModel(model, nodeHasher);
      const q = model.checkpoint!.tensors.find((tensor) => tensor.name === 'blk.0.attn_q.weight')!;
      expect(q.dtype).toBe('Q8_0');
      expect(tensors.find((tensor) => tensor.name === q.name)!.sha256).toBe(sha256(file.subarray(q.offset, q.offset + q.bytes)));
    });
  });
});

test('the header digest reads no values, says what it is, and is shared by models of one design', async () => {
  await withModel('lineage-corpus/DA', (a) =>
    withModel('lineage-corpus/DB', (b) =>
      withModel('lineage-corpus/DF', (f) => {
        expect(digestHeader(a)).toBe(digestHeader(b));
        expect(digestHeader(a)).not.toBe(digestHeader(f));
      }),
    ),
  );
});
