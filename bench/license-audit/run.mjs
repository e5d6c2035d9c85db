// Question: what does an audit of thousands of labels cost, beside parsing them and comparing label with label? See README.md here.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/heirloom.js', import.meta.url));
const count = Number(process.argv.find((argument) => argument.startsWith('--models='))?.slice(9) ?? 10_000);
const folder = mkdtempSync(join(tmpdir(), 'license-audit-'));
// A home of its own, so that no known model of the user's takes part.
const env = { ...process.env, HEIRLOOM_REGISTER: '', HOME: folder };
const LABELS = [
  'apache-2.0',
  'mit',
  'llama3.1',
  'gemma',
  'openrail',
  'creativeml-openrail-m',
  'cc-by-nc-4.0',
  'other',
  'Apache License 2.0',
  '',
];

let seed = 1;
/** A whole number below `limit`, the same in every run (a linear congruence, Numerical Recipes 7.1). */
const draw = (limit) => Math.floor(((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32) * limit);
const models = [];
for (let i = 0; i < count; i++) {
  const license = LABELS[draw(LABELS.length)];
  const bases =
    i === 0 || draw(10) === 0 ? [] : Array.from({ length: 1 + (draw(8) === 0) }, () => models[draw(1 + draw(1 + draw(i)))].name);
  models.push({ name: `lab-${i % 97}/model-${i}`, ...(license && { license }), ...(bases.length && { base_model: bases }) });
}

function run(what, args) {
  const report = join(folder, 'memory');
  const hook = `data:text/javascript,${encodeURIComponent(`import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(${JSON.stringify(report)},JSON.stringify(process.resourceUsage())))`)}`;
  const begun = Date.now();
  const { stdout } = spawnSync(process.execPath, ['--import', hook, ...args], { maxBuffer: 1 << 30, env, encoding: 'utf8' });
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(readFileSync(report, 'utf8'));
  const { models: n, drift } = JSON.parse(stdout).summary;
  console.log(
    `${what}: ${((userCPUTime + systemCPUTime) / 1e6).toFixed(1)} s of processor, ${((Date.now() - begun) / 1e3).toFixed(1)} s, ${(maxRSS / 1024).toFixed(0)} MB; ${n} models, ${JSON.stringify(drift)}`,
  );
}

const list = join(folder, 'cards.jsonl');
writeFileSync(list, models.map((model) => JSON.stringify(model)).join('\n'));
run('list of labels', [program, 'license', 'audit', list, '--json']);
run('reference', [
  '--input-type=module',
  '-e',
  `import { readFileSync } from 'node:fs';
   const models = readFileSync(${JSON.stringify(list)}, 'utf8').split('\\n').map((line) => JSON.parse(line));
   const labels = new Map(models.map((model) => [model.name, model.license]));
   const differs = models.filter((model) => model.base_model?.some((base) => labels.get(base) !== model.license)).length;
   console.log(JSON.stringify({ summary: { models: models.length, drift: { differs } } }));`,
]);
const cards = join(folder, 'cards');
for (const { name, license, base_model: bases } of models.slice(0, count / 10)) {
  const at = join(cards, name.replace('/', '--'));
  mkdirSync(at, { recursive: true });
  const front = [license && `license: ${license}`, bases && `base_model: [${bases.join(', ')}]`].filter(Boolean).join('\n');
  writeFileSync(join(at, 'README.md'), `---\n${front}\n---\n# ${name}\n\nA model.\n`);
}
run('folders with cards', [program, 'license', 'audit', cards, '--json']);
rmSync(folder, { recursive: true });
