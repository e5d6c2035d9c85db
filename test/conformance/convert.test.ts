import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { digestModel, readModel } from '../../src/model/index.ts';
import { convertModel } from '../../src/register/index.ts';
import { nodeHasher, openTree } from '../../src/sources/index.ts';
import { SHARED } from './corpora.ts';

const out = mkdtempSync(join(tmpdir(), 'heirloom-convert-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

/** Files whose numbers are quantized blocks, which safetensors has no place for. */
const GGUF = /gguf/;

async function digests(locator: string): Promise<Map<string, string>> {
  const tree = await openTree(locator);
  try {
    const { tensors } = await digestModel(await readModel(tree), nodeHasher);
    return new Map(tensors.map(({ name, dtype, shape, sha256 }) => [name, `${dtype} ${shape.join('x')} ${sha256}`]));
  } finally {
    await tree.close();
  }
}

test.each(['real-models', 'lineage-corpus'])(
  'every tensor of every file of %s is bit-equal in its safetensors copy',
  async (corpus) => {
    const folders = readdirSync(`${SHARED}${corpus}`)
      .map((name) => `${SHARED}${corpus}/${name}`)
      .filter((path) => statSync(path).isDirectory());
    expect(folders.length).toBeGreaterThan(40);
    let tensors = 0;
    for (const folder of folders) {
      const copy = join(out, `${tensors}.safetensors`);
      if (GGUF.test(folder)) {
        await expect(convertModel(folder, copy, {})).rejects.toMatchObject({ code: 'CONVERT_NOTHING' });
        continue;
      }
      const made = await convertModel(folder, copy, {});
      const [source, written] = [await digests(folder), await digests(copy)];
      expect(written, folder).toEqual(source);
      expect(
        made.leftOut.filter(({ name }) => name !== '' && !name.endsWith('.py')),
        folder,
      ).toEqual([]);
      tensors += written.size;
      rmSync(copy);
    }
    expect(tensors).toBeGreaterThan(1000);
  },
  120_000,
);
