import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../base/index.ts';
import { openGguf } from './gguf.ts';
import { openCheckpoint } from './open.ts';
import { openSafetensors } from './safetensors.ts';
import { type GgufParts, text, u16, u32, writeGguf } from './testing/gguf-writer.ts';
import { mutations, survives } from './testing/hostile.ts';
import { allRows, digestValues, sharedBytes, sharedTree } from './testing/shared-files.ts';
import type { Checkpoint } from './types.ts';

type Digests = { files: Record<string, [string, string, number[], string][]> };
const expected = JSON.parse(readFileSync(new URL('testing/gguf-digests.json', import.meta.url), 'utf8')) as Digests;

const open = (parts: GgufParts): Promise<Checkpoint> => openGguf(memoryTree('m', { 'm.gguf': writeGguf(parts) }), 'm.gguf');
const f32 = (name: string, size: number, offset: number): NonNullable<GgufParts['tensors']>[number] => ({
  name,
  dims: [size],
  type: 0,
  offset,
});

describe('GGUF values', () => {
  test.each(Object.keys(expected.files))('of %s are those the gguf package decodes', async (path) => {
    const folder = path.slice(0, path.lastIndexOf('/'));
    const checkpoint = await openCheckpoint(sharedTree(folder), path.slice(folder.length + 1));
    const got = [];
    for (const tensor of checkpoint.tensors)
      got.push([tensor.name, tensor.dtype, tensor.shape, digestValues(await allRows(checkpoint, tensor))]);
    expect(got).toEqual(expected.files[path]);
    expect(checkpoint.findings).toEqual([]);
  });

  // Largest error relative to the largest value. Q8_0: half a step of 1/127. Q5_0 and Q4_0 reach −16 and −8 on one side but
  // only 15 and 7 on the other, so a full step of 1/16 or 1/8. Q4_K: half of range/15, plus its 6-bit scales.
  test.each([
    ['a-gguf-q8_0', 'model-Q8_0.gguf', 'DA', 0.006],
    ['a-gguf-q4_k_m', 'model-Q4_K_M.gguf', 'DA', 1 / 16],
    ['c-gguf-q4_0', 'model-Q4_0.gguf', 'DC', 1 / 8],
    ['f-gguf-q4_k_m', 'model-Q4_K_M.gguf', 'DF', 0.08],
  ])('of %s equal the unquantized original within the step of the type', async (folder, file, base, tolerance) => {
    const quantized = await openGguf(sharedTree(`lineage-corpus/${folder}`), file);
    const original = await openSafetensors(sharedTree(`lineage-corpus/${base}`), 'model.safetensors');
    const config = JSON.parse(new TextDecoder().decode(sharedBytes(`lineage-corpus/${base}/config.json`))) as Record<string, number>;
    const names: Record<string, string> = {
      attn_q: 'self_attn.q_proj',
      attn_k: 'self_attn.k_proj',
      attn_v: 'self_attn.v_proj',
      attn_output: 'self_attn.o_proj',
      ffn_gate: 'mlp.gate_proj',
      ffn_up: 'mlp.up_proj',
      ffn_down: 'mlp.down_proj',
    };
    const errors: [string, number][] = [];
    for (const tensor of quantized.tensors) {
      const match = /^blk\.(\d+)\.(\w+)\.weight$/.exec(tensor.name);
      const role = match && names[match[2]!];
      if (!role) continue;
      const other = original.tensors.find((t) => t.name === `model.layers.${match[1]}.${role}.weight`);
      expect(tensor.shape).toEqual(other!.shape);
      const [rows, columns] = tensor.shape as [number, number];
      const got = await allRows(quantized, tensor);
      const want = await allRows(original, other!);
      const perHead =
        match[2] === 'attn_q' ? rows / config['num_attention_heads']! : match[2] === 'attn_k' ? rows / config['num_key_value_heads']! : 0;
      // llama.cpp stores q/k rows of a head as pairs (r, r + half): row 2i is row i, row 2i + 1 is row half + i.
      const source = (row: number): number => {
        if (perHead === 0) return row;
        const inHead = row % perHead;
        return row - inHead + (inHead >> 1) + (inHead & 1) * (perHead / 2);
      };
      let worst = 0;
      let largest = 0;
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          const value = want[source(row) * columns + column]!;
          worst = Math.max(worst, Math.abs(got[row * columns + column]! - value));
          largest = Math.max(largest, Math.abs(value));
        }
      errors.push([tensor.name, worst / largest]);
    }
    expect(errors.length).toBe(7 * config['num_hidden_layers']!);
    expect(errors.filter(([, error]) => !(error < tolerance))).toEqual([]);
  });
});

describe('a GGUF header', () => {
  test('is read without reading the weights', async () => {
    const tree = sharedTree('lineage-corpus/a-gguf-q8_0');
    const checkpoint = await openGguf(tree, 'model-Q8_0.gguf');
    expect(checkpoint.formatVersion).toBe('GGUF v3');
    expect(checkpoint.metadata.get('general.architecture')).toBe('llama');
    expect((checkpoint.metadata.get('tokenizer.ggml.tokens') as string[]).length).toBe(1000);
    expect(tree.stats.bytes).toBeLessThan(80_000);
  });

  test('may place tensors beyond 4 GiB, and only their rows are read', async () => {
    const header = writeGguf({ tensors: [f32('far', 8, 0), { ...f32('end', 8, 0), offset: 2 ** 40 }] });
    const stats = { bytes: 0, requests: 0 };
    const size = header.length + 2 ** 40 + 32;
    const read = (offset: number, length: number): Promise<Uint8Array> => {
      stats.bytes += length;
      const out = new Uint8Array(length);
      out.set(header.subarray(offset, offset + length));
      if (offset === header.length + 2 ** 40) out.set(new Uint8Array(new Float32Array([7]).buffer));
      return Promise.resolve(out);
    };
    const tree = {
      ...memoryTree('m', {}),
      files: [{ path: 'm.gguf', size }],
      open: () => Promise.resolve({ name: 'm.gguf', size, stats, read }),
    };
    const checkpoint = await openGguf(tree, 'm.gguf');
    expect([...(await checkpoint.readRows(checkpoint.tensors[1]!, 0, 1))]).toEqual([7]);
    expect(stats.bytes).toBeLessThan(10_000);
  });

  test('keeps every kind of value, and 64-bit numbers exactly', async () => {
    const { metadata } = await open({
      keys: [
        ['u8', { type: 0, value: 255 }],
        ['i8', { type: 1, value: -1 }],
        ['u16', u16(65535)],
        ['i16', { type: 3, value: -2 }],
        ['u32', u32(4294967295)],
        ['i32', { type: 5, value: -3 }],
        ['f32', { type: 6, value: 0.5 }],
        ['yes', { type: 7, value: 1 }],
        ['s', text('é')],
        ['u64', { type: 10, value: 2n ** 64n - 1n }],
        ['i64', { type: 11, value: -5 }],
        ['f64', { type: 12, value: 0.1 }],
        ['list', { type: 9, value: { of: 8, items: ['a', 'b'] } }],
        ['numbers', { type: 9, value: { of: 5, items: [1, -1] } }],
      ],
    });
    expect([...metadata]).toEqual([
      ['u8', 255],
      ['i8', -1],
      ['u16', 65535],
      ['i16', -2],
      ['u32', 4294967295],
      ['i32', -3],
      ['f32', 0.5],
      ['yes', true],
      ['s', 'é'],
      ['u64', '18446744073709551615'],
      ['i64', -5],
      ['f64', 0.1],
      ['list', ['a', 'b']],
      ['numbers', [1, -1]],
    ]);
  });

  test('with an array of over a million entries is read, and the array reported instead of kept', async () => {
    const items = Array.from<number>({ length: 1_000_001 }).fill(7);
    const { metadata, findings } = await open({
      keys: [
        ['long', { type: 9, value: { of: 0, items } }],
        ['after', u32(1)],
      ],
    });
    expect([...metadata.keys()]).toEqual(['after']);
    expect(findings.map((finding) => finding.rule)).toEqual(['weights/metadata-array-skipped']);
  });

  test('with bytes that belong to no tensor is read with a warning', async () => {
    const { findings } = await open({ tensors: [f32('a', 8, 0), f32('b', 8, 128)], data: new Uint8Array(160) });
    expect(findings.map((finding) => finding.rule)).toEqual(['weights/unclaimed-bytes']);
  });

  const data = new Uint8Array(128);
  test.each<[string, GgufParts, string]>([
    ['of version 1', { version: 1 }, 'WEIGHTS_NOT_READ_YET'],
    ['of an unknown version', { version: 9 }, 'WEIGHTS_HEADER'],
    ['written big-endian', { version: 0x03000000 }, 'WEIGHTS_NOT_READ_YET'],
    ['claiming 2^64−1 tensors', { tensorCount: 2n ** 64n - 1n }, 'WEIGHTS_LIMIT'],
    ['claiming more tensors than its bytes can hold', { tensorCount: 1000n }, 'WEIGHTS_TRUNCATED'],
    ['claiming 2^60 keys', { keyCount: 2n ** 60n }, 'WEIGHTS_LIMIT'],
    [
      'with a key twice',
      {
        keys: [
          ['k', u32(1)],
          ['k', u32(2)],
        ],
      },
      'WEIGHTS_DUPLICATE',
    ],
    ['with a tensor twice', { tensors: [f32('t', 8, 0), f32('t', 8, 32)], data }, 'WEIGHTS_DUPLICATE'],
    ['with an unknown value type', { keys: [['k', { type: 13, value: 0 }]] }, 'WEIGHTS_HEADER'],
    ['with nested arrays', { keys: [['k', { type: 9, value: { of: 9, items: [1] } }]], data }, 'WEIGHTS_HEADER'],
    ['with an array longer than the file', { keys: [['k', { type: 9, value: { of: 4, items: [1], count: 1000n } }]] }, 'WEIGHTS_TRUNCATED'],
    ['with an array of 2^60 entries', { keys: [['k', { type: 9, value: { of: 4, items: [1], count: 2n ** 60n } }]] }, 'WEIGHTS_LIMIT'],
    ['with a boolean of 2', { keys: [['k', { type: 7, value: 2 }]] }, 'WEIGHTS_HEADER'],
    ['with an alignment that is no power of two', { keys: [['general.alignment', u32(24)]] }, 'WEIGHTS_HEADER'],
    ['with an alignment of 0', { keys: [['general.alignment', u32(0)]] }, 'WEIGHTS_HEADER'],
    ['with an alignment of 2^31', { keys: [['general.alignment', u32(2 ** 31)]] }, 'WEIGHTS_HEADER'],
    ['with a tensor off the alignment', { tensors: [f32('t', 8, 8)], data }, 'WEIGHTS_HEADER'],
    ['with a tensor past the end', { tensors: [f32('t', 8, 128)], data }, 'WEIGHTS_TRUNCATED'],
    [
      'with a tensor far past the end',
      { tensors: [{ name: 't', dims: [8], type: 0, offset: 2n ** 64n - 32n }], data },
      'WEIGHTS_TRUNCATED',
    ],
    ['with overlapping tensors', { tensors: [f32('a', 16, 0), f32('b', 8, 32)], data }, 'WEIGHTS_OVERLAP'],
    ['with a removed tensor type', { tensors: [{ ...f32('t', 8, 0), type: 4 }], data }, 'WEIGHTS_HEADER'],
    ['with five axes', { tensors: [{ ...f32('t', 8, 0), dims: [1, 1, 1, 1, 1] }], data }, 'WEIGHTS_SHAPE'],
    ['with axes that overflow', { tensors: [{ ...f32('t', 8, 0), dims: [2n ** 40n, 2n ** 40n] }], data }, 'WEIGHTS_SHAPE'],
    ['with a negative axis', { tensors: [{ ...f32('t', 8, 0), dims: [-1] }], data }, 'WEIGHTS_SHAPE'],
    ['with rows that do not fill blocks', { tensors: [{ name: 't', dims: [33], type: 2, offset: 0 }], data }, 'WEIGHTS_SHAPE'],
  ])('%s is refused', async (_, parts, code) => {
    await expect(open(parts)).rejects.toMatchObject({ name: 'WeightsError', code });
  });

  test('cut anywhere is refused as truncated', async () => {
    const whole = writeGguf({ keys: [['general.name', text('x')]], tensors: [f32('t', 8, 0)], data: new Uint8Array(32) });
    for (let length = 8; length < whole.length; length++)
      await expect(openGguf(memoryTree('m', { 'm.gguf': whole.slice(0, length) }), 'm.gguf'), `${length}`).rejects.toMatchObject({
        code: 'WEIGHTS_TRUNCATED',
      });
  });

  test.each([
    ['HEADER_BAD_N_TENSORS', 'WEIGHTS_LIMIT'],
    ['HEADER_BAD_VERSION_0', 'WEIGHTS_HEADER'],
    ['KV_BAD_ARRAY_COUNT', 'WEIGHTS_LIMIT'],
    ['KV_BAD_KEY_SIZE', 'WEIGHTS_LIMIT'],
    ['KV_BAD_TYPE', 'WEIGHTS_HEADER'],
    ['TENSORS_BAD_SHAPE', 'WEIGHTS_SHAPE'],
    ['TENSORS_BAD_TYPE', 'WEIGHTS_HEADER'],
    ['TENSORS_DUPLICATE_NAME', 'WEIGHTS_DUPLICATE'],
    ['TENSORS_NBYTES_TOO_BIG', 'WEIGHTS_SHAPE'],
    ['HEADER_EMPTY_ok', 'opened'],
    ['TENSORS_CUSTOM_ALIGN_ok', 'opened'],
  ])('%s of the case list after llama.cpp gets the answer it asks for', async (name, code) => {
    expect(await survives(openCheckpoint, `${name}.gguf`, sharedBytes(`safety-corpus/gguf-cases/${name}.gguf`))).toBe(code);
  });
});

describe('a split GGUF', () => {
  const part = (no: number, count: number, keys: GgufParts['keys'] = []): Uint8Array =>
    writeGguf({
      keys: [...keys!, ['split.no', u16(no)], ['split.count', u16(count)], ['split.tensors.count', { type: 5, value: count }]],
      tensors: [f32(`t${no}`, 8, 0)],
      data: new Uint8Array(new Float32Array(8).fill(no + 1).buffer),
    });
  const files = { 'q/m-00001-of-00002.gguf': part(0, 2, [['general.name', text('M')]]), 'q/m-00002-of-00002.gguf': part(1, 2) };

  test.each(Object.keys(files))('opens whole from %s', async (path) => {
    const checkpoint = await openGguf(memoryTree('m', files), path);
    expect(checkpoint.files[0]).toBe(path);
    expect([...checkpoint.files].sort()).toEqual(Object.keys(files));
    expect(checkpoint.metadata.get('general.name')).toBe('M');
    expect(checkpoint.tensors.map((tensor) => tensor.name)).toEqual(['t0', 't1']);
    expect((await allRows(checkpoint, checkpoint.tensors[1]!))[0]).toBe(2);
    expect(checkpoint.findings).toEqual([]);
  });

  test('without one of its parts is refused, naming the part', async () => {
    const { 'q/m-00002-of-00002.gguf': _, ...rest } = files;
    await expect(openGguf(memoryTree('m', rest), 'q/m-00001-of-00002.gguf')).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING_FILE',
      message: expect.stringContaining('q/m-00002-of-00002.gguf') as string,
    });
  });

  test('under a name that hides its place is refused', async () => {
    await expect(openGguf(memoryTree('m', { 'm.gguf': part(0, 2) }), 'm.gguf')).rejects.toMatchObject({ code: 'WEIGHTS_MISSING_FILE' });
  });

  test('whose second part is a copy of the first is refused', async () => {
    const copies = { ...files, 'q/m-00002-of-00002.gguf': files['q/m-00001-of-00002.gguf'] };
    await expect(openGguf(memoryTree('m', copies), 'q/m-00001-of-00002.gguf')).rejects.toMatchObject({ code: 'WEIGHTS_HEADER' });
  });
});

describe('hostile GGUF bytes', () => {
  test('at random are refused with a typed error', async () => {
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (tail) => {
        const bytes = new Uint8Array([0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, ...tail]);
        codes.add(await survives(openGguf, 'm.gguf', bytes));
      }),
      { numRuns: 300 },
    );
    expect(codes).not.toContain('opened');
  });

  test('changed in a real file never crash the reader', async () => {
    // The header of this file ends near byte 47,000; the values behind it do not steer the reader.
    const real = sharedBytes('lineage-corpus/a-gguf-q4_k_m/model-Q4_K_M.gguf');
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(mutations(real, 48_000), async (bytes) => void codes.add(await survives(openGguf, 'm.gguf', bytes))),
      { numRuns: 150 },
    );
    expect(codes.size).toBeGreaterThan(1);
  });
});
