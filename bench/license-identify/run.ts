// Question: does `heirloom license identify` name the right license, and never a changed one as the plain original? See README.md here.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadCatalog } from '../../src/license/catalog.ts';
import { identifyLicense } from '../../src/license/index.ts';
import { EDITS, tamper } from '../../src/license/testing/tamper.ts';
import { type Baseline, fiveGramContainment, type Texts, wordSetDice } from './baselines.ts';

interface Case {
  readonly case: string;
  readonly file: string;
  readonly type: 'licence-file' | 'model-card';
  readonly trivial?: boolean;
  readonly expected: { readonly ids: readonly string[]; readonly notIds?: readonly string[] };
}

const shared = new URL('../../../shared/licences/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, shared), 'utf8');
const option = (name: string, otherwise: number): number =>
  Number(process.argv.find((argument) => argument.startsWith(`--${name}=`))?.split('=')[1] ?? otherwise);
const rounds = option('rounds', 1);
const texts: Texts = readdirSync(new URL('texts', shared))
  .sort()
  .map((file) => [file.replace(/\.txt$/, ''), read(`texts/${file}`)]);
const spdx = createRequire(import.meta.url)('spdx-license-list/full') as Record<string, { licenseText: string }>;
const cases = (JSON.parse(read('cases/cases.json')) as { cases: Case[] }).cases.map((c) => ({ ...c, text: read(c.file) }));
const catalog = await loadCatalog();
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const sameIds = (ids: readonly string[], c: Case): boolean => [...new Set(ids)].sort().join() === [...c.expected.ids].sort().join();
const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** Leaves an id out of the catalogue while `ask` runs. */
async function without<T>(id: string, ask: () => Promise<T>): Promise<T> {
  const postings = catalog.postings as Map<number, readonly number[]>;
  const own = catalog.entries.findIndex((entry) => entry.id === id);
  const kept = [...postings].filter(([, positions]) => positions.includes(own));
  for (const [hash, positions] of kept)
    postings.set(
      hash,
      positions.filter((position) => position !== own),
    );
  const answer = await ask();
  for (const [hash, positions] of kept) postings.set(hash, positions);
  return answer;
}

const plainIds = async (text: string): Promise<string[]> =>
  (await identifyLicense(text)).filter((m) => m.by === 'text' && !m.modified).map((m) => m.id);

async function heirloomRow(): Promise<string[]> {
  const answers = new Map<string, string[]>();
  for (const c of cases)
    answers.set(
      c.case,
      (await identifyLicense(c.text)).map((m) => m.id),
    );
  const times: number[] = [];
  for (let round = 0; round < 15; round++)
    for (const c of cases.filter((one) => one.type === 'licence-file')) {
      const started = performance.now();
      await identifyLicense(c.text);
      times.push(performance.now() - started);
    }
  let misnamed = 0;
  for (const [id, text] of texts) if ((await without(id, () => plainIds(text))).length > 0) misnamed++;
  const wrong = cases.filter((c) => !sameIds(answers.get(c.case)!, c)).map((c) => c.case);
  print(`Heirloom, cases whose set of ids is not the expected one: ${wrong.join(', ') || 'none'}`);
  return row('Heirloom', (c) => answers.get(c.case)!, misnamed, times);
}

function baselineRow(baseline: Baseline): string[] {
  const answers = new Map<string, string[]>();
  const times: number[] = [];
  for (const c of cases) {
    const started = performance.now();
    answers.set(c.case, baseline.identify(c.text));
    if (c.type === 'licence-file') times.push(performance.now() - started);
  }
  const misnamed = texts.filter(([id, text]) => baseline.identify(text, id).length > 0).length;
  return row(baseline.name, (c) => answers.get(c.case)!, misnamed, times);
}

function row(name: string, answer: (c: Case) => string[], misnamed: number, times: readonly number[]): string[] {
  const files = cases.filter((c) => c.type === 'licence-file');
  const open = files.filter((c) => !c.trivial);
  const cards = cases.filter((c) => c.type === 'model-card');
  const right = (list: readonly Case[]): string => `${list.filter((c) => sameIds(answer(c), c)).length}/${list.length}`;
  const forbidden = cases.filter((c) => c.expected.notIds?.some((id) => answer(c).includes(id))).length;
  return [name, right(files), right(open), right(cards), String(forbidden), `${misnamed}/${texts.length}`, median(times).toFixed(2)];
}

async function tampered(): Promise<void> {
  const all: [string, string][] = texts.map(([id, text]) => [id, text]);
  for (const [id, { licenseText }] of Object.entries(spdx)) if (!texts.some(([known]) => known === id)) all.push([id, licenseText]);
  const baselines = [wordSetDice(all), fiveGramContainment(all)];
  const tried: Record<string, number> = {};
  const slipped: Record<string, string[]> = {};
  let sampled = 0;
  const fooled = baselines.map(() => 0);
  for (const [id, text] of all)
    for (const how of Object.keys(EDITS))
      for (let round = 0; round < rounds; round++) {
        const changed = tamper(text, how, round * 7919 + text.length + how.length);
        if (!changed) continue;
        tried[how] = (tried[how] ?? 0) + 1;
        const own = catalog.find(id)?.id ?? id;
        if ((await plainIds(changed.text)).includes(own)) (slipped[how] ??= []).push(`${id}: ${changed.what.replace(/\s+/g, ' ')}`);
        // The baselines look through every text for every question; one in twenty is enough to see what they do.
        if ((text.length + how.length + round) % 20 === 0) {
          sampled++;
          for (const [k, baseline] of baselines.entries()) if (baseline.identify(changed.text).includes(id)) fooled[k]!++;
        }
      }
  const count = Object.values(tried).reduce((sum, n) => sum + n, 0);
  const slips = Object.values(slipped).flat();
  print(
    `\nTampered texts: ${all.length} texts, ${Object.keys(EDITS).length} kinds of change, ${count} variants; named as the plain original:`,
  );
  print(`  Heirloom ${slips.length} of ${count}`);
  for (const [k, baseline] of baselines.entries()) print(`  ${baseline.name} ${fooled[k]} of ${sampled} (one variant in twenty)`);
  for (const slip of slips.slice(0, 30)) print(`  slipped: ${slip}`);
  for (const [how, n] of Object.entries(tried))
    print(`  ${how.padEnd(32)} ${String(n).padStart(5)} tried, ${slipped[how]?.length ?? 0} slipped`);
}

const head = ['method', 'files', 'not identical', 'cards', 'notIds given', 'left out, still named', 'ms a file'];
const table = [head, await heirloomRow(), baselineRow(wordSetDice(texts)), baselineRow(fiveGramContainment(texts))];
for (const cells of table) print(`| ${cells.join(' | ')} |`);
if (rounds > 0) await tampered();
