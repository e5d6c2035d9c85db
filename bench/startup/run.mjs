// Question: how long does a user wait for the first answer? See README.md here.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const corpus = resolve(process.argv[2] ?? join(root, '..', 'shared', 'lineage-corpus'));
const cli = join(root, 'bin', 'heirloom.js');
const register = mkdtempSync(join(tmpdir(), 'heirloom-startup-'));
const models = readdirSync(corpus)
  .map((name) => join(corpus, name))
  .filter((path) => statSync(path).isDirectory())
  .slice(0, 50);

const run = (args) => spawnSync(process.execPath, args, { encoding: 'utf8' });
run([cli, 'register', 'add', '--register', register, ...models]);
const listed = JSON.parse(run([cli, 'register', 'list', '--register', register, '--json']).stdout);

console.log(`bench/startup  node ${process.versions.node} · ${cpus().length} cores ${cpus()[0].model} · load ${loadavg()[0].toFixed(1)}`);
const cases = {
  'node -e 0': ['-e', '0'],
  'heirloom --help': [cli, '--help'],
  [`heirloom check, register of ${(listed.models ?? listed.entries).length}`]: [cli, 'check', models.at(-1), '--register', register],
};
const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
// Taken in turn, so that a drifting machine slows all alike.
for (let i = 0; i < 12; i++)
  for (const [name, args] of Object.entries(cases)) {
    const begun = performance.now();
    run(args);
    if (i > 0) times[name].push(performance.now() - begun);
  }
for (const [name, list] of Object.entries(times)) {
  list.sort((a, b) => a - b);
  console.log(`${name.padEnd(40)} min ${list[0].toFixed(0)} ms   median ${list[5].toFixed(0)} ms   max ${list.at(-1).toFixed(0)} ms`);
}
rmSync(register, { recursive: true });
