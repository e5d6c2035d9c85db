/**
 * Models larger than this machine's memory: files that are mostly holes, and a hub that makes its bytes up.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileTree } from '../base/index.ts';
import { readModel } from '../model/index.ts';
import { openTree } from '../sources/index.ts';
import { type FakeHub, patient, startFakeHub } from '../sources/testing/index.ts';
import { floats, ggufText, joinBytes, safetensorsHeader, sparseRange, type SparseFile, u32, writeGguf } from '../weights/testing/index.ts';
import { encodeSketch, sketchModel } from './index.ts';

/** 70 layers as wide as the largest dense models: 126 GB in two-byte values. */
const LAYERS = 70;
const HIDDEN = 8192;
const INNER = 28_672;
const VOCABULARY = 128_000;
/** Where the known values stand: the last row of the last matrix. */
const KNOWN = Uint16Array.of(0x3f80, 0xc000, 0x3f00, 0x7f7f);
const KNOWN_VALUES = [1, -2, 0.5, 3.3895313892515355e38];

interface Named {
  readonly names: (layer: number) => readonly string[];
  readonly embed: string;
}
const SAFETENSORS: Named = {
  names: (layer) =>
    ['mlp.up_proj', 'mlp.gate_proj', 'mlp.down_proj', 'input_layernorm'].map((name) => `model.layers.${layer}.${name}.weight`),
  embed: 'model.embed_tokens.weight',
};
const GGUF: Named = {
  names: (layer) => ['ffn_up', 'ffn_gate', 'ffn_down', 'attn_norm'].map((name) => `blk.${layer}.${name}.weight`),
  embed: 'token_embd.weight',
};
const SHAPES = [[INNER, HIDDEN], [INNER, HIDDEN], [HIDDEN, INNER], [HIDDEN]] as const;

interface Placed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}
function placed({ names, embed }: Named): Placed[] {
  const shapes: [string, readonly number[]][] = [[embed, [VOCABULARY, HIDDEN]]];
  for (let layer = 0; layer < LAYERS; layer++) names(layer).forEach((name, i) => shapes.push([name, SHAPES[i]!]));
  let end = 0;
  return shapes.map(([name, shape]) => ({ name, shape, start: end, end: (end += 2 * shape.reduce((product, size) => product * size, 1)) }));
}

function safetensorsFile(): SparseFile {
  const tensors = placed(SAFETENSORS);
  const header = safetensorsHeader(
    Object.fromEntries(tensors.map(({ name, shape, start, end }) => [name, { dtype: 'BF16', shape, data_offsets: [start, end] }])),
  );
  return file(header, tensors);
}
function ggufFile(): SparseFile {
  const tensors = placed(GGUF);
  const header = writeGguf({
    keys: [
      ['general.architecture', ggufText('llama')],
      ['llama.attention.head_count', u32(64)],
    ],
    tensors: tensors.map(({ name, shape, start }) => ({ name, dims: shape.toReversed(), type: 30, offset: start })),
  });
  return file(header, tensors);
}
function file(header: Uint8Array, tensors: readonly Placed[]): SparseFile {
  const down = tensors.at(-2)!;
  return {
    size: header.length + tensors.at(-1)!.end,
    pieces: [
      [0, header],
      [header.length + down.end - KNOWN.byteLength, new Uint8Array(KNOWN.buffer)],
    ],
  };
}

const files = { 'model.safetensors': safetensorsFile(), 'model.gguf': ggufFile() };
const folder = mkdtempSync(join(tmpdir(), 'heirloom-large-'));
let hub: FakeHub;
beforeAll(async () => {
  for (const [name, { size, pieces }] of Object.entries(files)) {
    const handle = openSync(join(folder, name), 'w');
    for (const [offset, bytes] of pieces) writeSync(handle, bytes, 0, bytes.length, offset);
    ftruncateSync(handle, size);
    closeSync(handle);
  }
  const contents = Object.entries(files).map(([name, one]) => [
    name,
    { size: one.size, range: (start: number, end: number): Uint8Array => sparseRange(one, start, end - start) },
  ]);
  hub = await startFakeHub({ 'a/large': Object.fromEntries(contents) });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await hub.close();
});

const PLACES: readonly [where: string, open: (name: string) => Promise<FileTree>][] = [
  ['on disk', (name) => openTree(join(folder, name))],
  ['on a hub', (name) => openTree(hub.fileUrl('a/large', name), patient({ HF_ENDPOINT: hub.endpoint }))],
];

describe.each(PLACES)('a model of over 100 GB %s', (where, open) => {
  test.each(Object.keys(files))('%s is listed, read at its far end, and sketched from a thousandth of it', async (name) => {
    const { size } = files[name as keyof typeof files];
    expect(size).toBeGreaterThan(100e9);
    const tree = await open(name);
    try {
      const model = await readModel(tree);
      const { checkpoint } = model;
      expect(checkpoint!.tensors).toHaveLength(1 + 4 * LAYERS);
      expect(model.findings).toEqual([]);
      const down = checkpoint!.tensors.find((tensor) => tensor.name.includes(`.${LAYERS - 1}.`) && tensor.name.includes('down'))!;
      expect(down.offset).toBeGreaterThan(2 ** 36);
      const row = await checkpoint!.readRows(down, HIDDEN - 1, 1);
      expect([...row.subarray(INNER - 4)]).toEqual(KNOWN_VALUES.map(Math.fround));
      // Once: the sketch knows nothing of format and place.
      if (where === 'on disk' && name.endsWith('.safetensors')) {
        const before = process.memoryUsage().arrayBuffers;
        const sketch = await sketchModel(model, { digest: { value: 'sha256:0', covers: 'nothing' } });
        expect(encodeSketch(sketch).length).toBeLessThan(256 * 1024);
        // What is held at once, whatever was freed meanwhile: reads in flight and their values.
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 << 20);
      }
      expect(tree.stats.bytes).toBeLessThan(size / 500);
      expect(tree.stats.requests).toBeLessThan(200);
    } finally {
      await tree.close();
    }
  });
});

test('offsets past 2^53 are refused, whatever the file claims', async () => {
  const far = { 'm.gguf': joinBytes(writeGguf({ tensors: [{ name: 'a', dims: [2], type: 0, offset: 2n ** 60n }] }), floats(1, 2)) };
  hub.repos['a/far'] = far;
  const tree = await openTree(hub.fileUrl('a/far', 'm.gguf'), patient({ HF_ENDPOINT: hub.endpoint }));
  try {
    await expect(readModel(tree)).rejects.toMatchObject({ code: 'WEIGHTS_TRUNCATED' });
  } finally {
    await tree.close();
  }
});
