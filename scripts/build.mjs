// Compiles src/ to dist/ and copies the data files the compiler leaves behind.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const tsc = findCompiler();
if (tsc) build(tsc);
else {
  console.error('heirloom: the dependencies are not installed yet\n  hint: run `npm ci` in the project folder');
  // `npx heirloom` before `npm ci` prepares the package first; failing there would leave npx's cache half made for good.
  if (process.env.npm_lifecycle_event !== 'prepare') process.exitCode = 1;
}

function findCompiler() {
  try {
    return join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  } catch {
    return null;
  }
}

function build(tsc) {
  // Built aside and swapped in, so that a program already running from dist/ never sees half of it.
  const started = new Date();
  const work = mkdtempSync(join(root, 'dist.new-'));
  // Temporary folders are their maker's alone; a program built by one user is run by others.
  chmodSync(work, 0o777 & ~process.umask());
  try {
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', work], { cwd: root, stdio: 'inherit' });
    const src = join(root, 'src');
    for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.endsWith('.ts')) continue;
      const from = join(entry.parentPath, entry.name);
      if (from.split(sep).includes('testing')) continue;
      const to = join(work, from.slice(src.length));
      mkdirSync(dirname(to), { recursive: true });
      cpSync(from, to);
    }
    // Dated by the start: what is edited while the compiler runs must count as newer (see fresh.mjs).
    writeFileSync(join(work, '.built'), '');
    utimesSync(join(work, '.built'), started, started);
    const dist = join(root, 'dist');
    const old = `${work}.old`;
    swap(work, dist, old);
    rmSync(old, { recursive: true, force: true });
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    // The compiler has already said what is wrong; a stack of this script would bury it.
    console.error(`build failed${error.status === undefined ? `: ${error.message}` : ''}`);
    process.exitCode = 1;
  }
}

/** Puts `work` in the place of `dist`. Two builds may end at once: the one that comes second finds a dist as new as its own. */
function swap(work, dist, old) {
  try {
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(work, dist);
  } catch (error) {
    if (!existsSync(join(dist, '.built'))) throw error;
    rmSync(work, { recursive: true, force: true });
  }
}
