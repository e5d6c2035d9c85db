// A short story in five small models: who descends from whom, and what the cards leave out. Run by `npm run demo`.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = join(root, 'bin', 'heirloom.js');
const page = join(root, 'demo-report', 'index.html');
const model = (name) => join('examples', 'models', name);

if (!existsSync(join(root, 'dist', 'cli', 'main.js'))) {
  console.error('heirloom: the program is not built yet\n  hint: run `npm ci` first');
  process.exit(2);
}

/** Runs the program as a user would. Exit code 1 is an answer with findings; 2 ends the demo. */
function heirloom(...args) {
  try {
    return execFileSync(process.execPath, [program, ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 64 << 20,
    });
  } catch (error) {
    if (error.status === 1) return error.stdout;
    throw error;
  }
}

function say(text = '') {
  console.log(text);
}

/** What the story promises of each model; a demo that told something else would be worth nothing. */
const STORY = [
  {
    name: 'Alder-1M-bard',
    title: 'The honest fine-tune',
    promise: (a) => a.lineage.verdict === 'derived' && a.lineage.claims[0]?.verdict === 'supported',
  },
  {
    name: 'small-mystery-GGUF',
    title: 'The quantized copy under another license',
    promise: (a) => a.lineage.verdict === 'derived' && a.license.drift.length > 0 && a.credit.missing.length > 0,
  },
  {
    name: 'psalter-1m',
    title: 'Three fine-tunes later, the base is no longer mentioned',
    promise: (a) => a.lineage.verdict === 'derived' && a.license.drift.length > 0 && a.credit.missing.length > 0,
  },
  {
    name: 'Alder-1M-tales',
    title: 'The card names a base the weights do not show',
    promise: (a) => a.lineage.claims[0]?.verdict === 'not-shown',
  },
];

const register = mkdtempSync(join(tmpdir(), 'heirloom-demo-'));
try {
  say('One model is known: Alder-1M, with its license. The register keeps its fingerprint, not its weights.');
  say(`$ heirloom register add ${model('Alder-1M')} --name lab-alder/Alder-1M`);
  say(heirloom('register', 'add', model('Alder-1M'), '--name', 'lab-alder/Alder-1M', '--register', register));
  const models = STORY.map(({ name }) => model(name));
  say(`$ heirloom check ${models.join(' ')}`);
  const { files } = JSON.parse(heirloom('check', ...models, '--register', register, '--html', page, '--json'));
  for (const [i, { title, promise }] of STORY.entries()) {
    tell(title, files[i]);
    if (!promise(files[i])) throw new Error(`the demo's ${STORY[i].name} did not come out as told`);
  }
  say();
  say(`The whole report: ${relative(process.cwd(), page)}`);
} catch (error) {
  console.error(`heirloom demo: ${error.message}`);
  process.exitCode = 2;
} finally {
  rmSync(register, { recursive: true, force: true });
}

function tell(title, a) {
  say();
  say(`${title}: ${a.subject.name}`);
  const best = a.lineage.relations.find((relation) => relation.verdict === a.lineage.verdict);
  if (best && a.lineage.verdict === 'derived')
    line(
      'lineage',
      `${best.direction === 'a->b' ? `descends from ${best.ancestor.name}` : `shares training with ${best.ancestor.name}; which came first is not in the weights`} (${best.kind.name}): were the two independent, the agreement of their weights would have a chance ${chance(best.log10PAdjusted)}`,
    );
  else line('lineage', 'no tie to any known model was seen');
  for (const claim of a.lineage.claims)
    line(
      'claim',
      `names ${claim.name} as its base: ${claim.verdict === 'supported' ? 'the weights bear it out' : 'the weights do not show it'}`,
    );
  for (const drift of a.license.drift.filter((one) => one.kind !== 'kept')) line('license', drift.what);
  for (const finding of a.credit.missing) line('credit', finding.what);
  const { length } = a.safety.findings;
  line('safety', `${a.safety.verdict}${length > 0 ? `, ${length} finding${length > 1 ? 's' : ''}` : ''}`);
}

/** A label and its text, wrapped for a terminal of 80 columns. */
function line(label, text) {
  let row = `  ${label.padEnd(9)}`;
  for (const word of text.split(' ')) {
    if (row.length + word.length >= 80) {
      say(row);
      row = ' '.repeat(11);
    }
    row += `${row.endsWith(' ') ? '' : ' '}${word}`;
  }
  say(row);
}

/** Beyond 10^-12 the tests' assumptions, not chance, bound the error; a smaller number would only look exact. */
function chance(log10P) {
  return log10P <= -12 ? 'below 10^-12' : `of about 10^${Math.round(log10P)}`;
}
