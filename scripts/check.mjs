// Everything that can be said about the code without running its tests; one line a check, its output only when it fails.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from './fresh.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tool = (name, ...args) => [join(root, 'node_modules', '.bin', name), ...args];
const script = (name) => [process.execPath, join(root, 'scripts', name)];
const CODE = ['src', 'scripts', 'test', 'bench', 'examples', 'bin', 'vitest.config.ts'];

/** In pairs of long and short, for a machine of two cores. */
const CHECKS = [
  ['types', ...tool('tsc', '-p', 'tsconfig.json', '--noEmit')],
  ['floors', ...script('floors.mjs')],
  ['lint', ...tool('oxlint', '--type-aware', '--deny-warnings', ...CODE)],
  ['format', ...tool('oxfmt', '--check', ...CODE)],
  ['unused', ...tool('knip', '--no-progress')],
  ['browser', ...script('browser.mjs')],
  ['catalog', ...tool('tsx', join(root, 'scripts', 'catalog.mjs'), '--check')],
  ['package', ...tool('publint', 'run', '--strict')],
];

/** @returns {Promise<boolean>} */
function runCheck([name, command, ...args]) {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', (error) => (output += `${error.message}\n`));
    child.on('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(5);
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(8)} ${seconds} s`);
      if (code !== 0) console.log(output.trimEnd().replace(/^/gm, '     '));
      resolve(code === 0);
    });
  });
}

const started = performance.now();
let failed = 0;
try {
  ensureBuilt();
} catch {
  // The compiler's own messages follow under `types`.
  console.log('FAIL build');
  failed++;
}
const queue = [...CHECKS];
const worker = async () => {
  for (let check = queue.shift(); check; check = queue.shift()) if (!(await runCheck(check))) failed++;
};
await Promise.all([worker(), worker()]);
console.log(`${CHECKS.length} checks, ${failed} failed, ${((performance.now() - started) / 1000).toFixed(1)} s`);
if (failed > 0) process.exitCode = 1;
