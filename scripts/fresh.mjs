// Is dist/ as new as what it is made from? Rebuilds it when not; used by `prepare`, the checks and the end-to-end tests.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** @returns {boolean} whether a build was needed. @throws when the build fails. */
export function ensureBuilt() {
  const stamp = join(root, 'dist', '.built');
  if (existsSync(stamp) && newestInput() < statSync(stamp).mtimeMs) return false;
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  return true;
}

function newestInput() {
  const src = join(root, 'src');
  // Folders count too: a deleted file changes nothing else.
  const inputs = [src, join(root, 'scripts', 'build.mjs'), join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')];
  for (const entry of readdirSync(src, { recursive: true, withFileTypes: true }))
    if (!entry.name.endsWith('.test.ts')) inputs.push(join(entry.parentPath, entry.name));
  return Math.max(...inputs.map((path) => statSync(path).mtimeMs));
}

// As `prepare`: after `npm ci`, and again when npx first runs the program, where a second build would only cost time.
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    ensureBuilt();
  } catch {
    // Said by the build itself.
    process.exitCode = 1;
  }
}
