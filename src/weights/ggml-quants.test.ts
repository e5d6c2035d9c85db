import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DTYPES } from './dtypes.ts';
import { GGML_QUANTS, type GgmlQuant } from './ggml-quants.ts';

interface Case {
  readonly blocks: string;
  readonly values: string;
}
const { cases } = JSON.parse(readFileSync(new URL('testing/ggml-blocks.json', import.meta.url), 'utf8')) as { cases: Record<string, Case> };
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

describe('block quantizations', () => {
  test.each(Object.keys(cases))('%s blocks decode to the very f32 the gguf package gives', (name) => {
    const { decode, blockValues, blockBytes } = GGML_QUANTS[name as GgmlQuant];
    const blocks = bytesOf(cases[name]!.blocks);
    const wantBytes = bytesOf(cases[name]!.values);
    const want = new Float32Array(wantBytes.buffer);
    expect(want.length).toBe((blocks.length / blockBytes) * blockValues);
    const got = new Float32Array(want.length);
    decode!(blocks, got);
    const differing = [...got.keys()].filter((i) => !Object.is(got[i], want[i]));
    expect(differing.slice(0, 3).map((i) => [i, got[i], want[i]])).toEqual([]);
  });

  test('every type that can be decoded has a fixture', () => {
    const decodable = Object.entries(GGML_QUANTS)
      .filter(([, spec]) => spec.decode)
      .map(([name]) => name);
    expect(decodable.sort()).toEqual(Object.keys(cases).sort());
  });

  test('every dtype has whole, positive block sizes', () => {
    for (const spec of Object.values(DTYPES))
      expect(spec.blockValues > 0 && spec.blockBytes > 0 && Number.isInteger(spec.blockBytes)).toBe(true);
  });
});
