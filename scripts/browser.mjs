// The rooms that promise to run in a browser: each is bundled for one and must need nothing of Node.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { readPlan } from './floors.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Entry points that run in a browser: the listed rooms' faces, and the browser's own byte source. */
export function browserEntries() {
  const rooms = readPlan(root).browser.map((room) => `src/${room}/index.ts`);
  return [...rooms, 'src/sources/blob.ts'].filter((entry) => existsSync(join(root, entry)));
}

/**
 * Bundles one entry for the browser. esbuild refuses node: modules on this platform, which is the check.
 * @param {string | {contents: string}} entry a path below the project, or made-up source (tests).
 * @param {'esm' | 'iife'} format an `iife` bundle leaves its exports in the global `heirloom`.
 * @returns {Promise<{code: string, bytes: number}>} @throws when a built-in module is needed.
 */
export async function bundleForBrowser(entry, format = 'esm') {
  const input =
    typeof entry === 'string'
      ? { entryPoints: [join(root, entry)] }
      : { stdin: { contents: entry.contents, resolveDir: root, sourcefile: 'made-up.ts', loader: 'ts' } };
  const result = await build({
    ...input,
    absWorkingDir: root,
    bundle: true,
    write: false,
    platform: 'browser',
    format,
    ...(format === 'iife' && { globalName: 'heirloom' }),
    target: 'es2022',
    minify: format === 'esm',
    logLevel: 'silent',
  });
  const [file] = result.outputFiles;
  return { code: file.text, bytes: file.contents.length };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const entries = browserEntries();
  if (entries.length === 0) throw new Error('no room to bundle: the check looked at nothing');
  for (const entry of entries) {
    try {
      const { bytes } = await bundleForBrowser(entry);
      console.log(`${entry}  ${Math.ceil(bytes / 1024)} KiB minified`);
    } catch (error) {
      console.error(`${entry}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}
