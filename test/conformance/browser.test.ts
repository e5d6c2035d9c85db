import { describe, expect, test } from 'vitest';
import vm from 'node:vm';
import { browserEntries, bundleForBrowser } from '../../scripts/browser.mjs';

describe('the rooms for the browser', () => {
  const entries = browserEntries();

  test('are there', () => expect(entries).toContain('src/weights/index.ts'));

  test.each(entries)('%s bundles without a built-in module of Node', async (entry) => {
    const { code } = await bundleForBrowser(entry);
    expect(code).not.toMatch(/(?:from|import|require)\s*\(?\s*["']node:/);
    expect(code).not.toMatch(/\bBuffer\.(?:from|alloc|concat|isBuffer)\b/);
  });

  test('are refused when they need one', async () => {
    await expect(bundleForBrowser({ contents: `export { readFileSync } from 'node:fs';` })).rejects.toThrow(/node:fs/);
    await expect(bundleForBrowser({ contents: `import os from 'os'; export const n = os.cpus();` })).rejects.toThrow(/"os"/);
  });

  test('read a safetensors file where no global of Node exists', async () => {
    const { code } = await bundleForBrowser(
      { contents: `export { memoryTree } from './src/base/index.ts'; export { openCheckpoint } from './src/weights/index.ts';` },
      'iife',
    );
    // Only what every browser has; the vm realm brings the language itself.
    const page = vm.createContext({ TextDecoder, TextEncoder });
    vm.runInContext(code, page);
    const names: unknown = await vm.runInContext(
      `(async () => {
        const header = new TextEncoder().encode('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}');
        const file = new Uint8Array(8 + header.length + 8);
        new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
        file.set(header, 8);
        new DataView(file.buffer).setFloat32(8 + header.length + 4, 1.5, true);
        const tree = heirloom.memoryTree('m', { 'model.safetensors': file });
        const checkpoint = await heirloom.openCheckpoint(tree, 'model.safetensors');
        const rows = await checkpoint.readRows(checkpoint.tensors[0], 0, 2);
        return JSON.stringify([checkpoint.format, typeof process, typeof Buffer, ...rows]);
      })()`,
      page,
    );
    expect(names).toBe('["safetensors","undefined","undefined",0,1.5]');
  });
});
