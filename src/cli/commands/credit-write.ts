import type { Command } from 'commander';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Assessment } from '../../assess/index.ts';
import { HeirloomError, type Watch } from '../../base/index.ts';
import type { CreditPlan } from '../../credit/index.ts';
import type { Model, TextFile } from '../../model/index.ts';
import type { Register } from '../../register/index.ts';
import { readOwnText, writeOwnFiles } from '../credit-folder.ts';
import type { CreditFacts } from '../credit-facts.ts';
import { EXIT } from '../exit.ts';
import { hasWork, noteSkipped, type Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';

export interface CreditOptions {
  readonly register?: string;
  readonly tree?: true;
  readonly json?: true;
  readonly write?: true;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly licenseText?: string[];
  readonly author?: string;
}

export function addCreditWriting(command: Command): Command {
  return (
    command
      .option('--write', 'put what is missing into the folder: LICENSES/, NOTICE, the card, CITATION.cff; shows a diff and asks first')
      .option('--dry-run', 'show the diff only')
      .option('--yes', 'write without asking')
      // Commander hands undefined to the first call, whatever the type says.
      .option(
        '--license-text <id=file>',
        'a copy of a license to hand on, e.g. llama-3.1=LICENSE',
        (one: string, all: string[] | undefined) => [...(all ?? []), one],
      )
      .option('--author <name>', 'who made this model, for a CITATION.cff that is not there yet')
  );
}

/** @throws HeirloomError `CREDIT_NOT_A_FOLDER`, and as checking and writing do. */
export async function writeCredit(locator: string, options: CreditOptions, register: Register, runtime: Runtime): Promise<void> {
  if (!(await stat(locator).catch(() => null))?.isDirectory())
    throw new HeirloomError('CREDIT_NOT_A_FOLDER', `${locator} is no folder on this machine, and only such can be written to`, {
      hint: 'give the folder that holds the card and the weights',
    });
  const { checkModel } = await import('../../register/index.ts');
  const { unifiedDiff } = await import('../../credit/index.ts');
  const { cleanText, renderFindings, toJson } = await import('../../report/index.ts');
  const check = async (): Promise<Assessment> => {
    const { assessment, skipped } = await checkModel(register, locator, { ...runtime.watch, version: readVersion() });
    runtime.settle();
    noteSkipped(runtime, skipped);
    return assessment;
  };
  let assessment = await check();
  const { plan, facts } = await makePlan(locator, assessment, options, register, runtime.watch);
  const diff = plan.files.map(unifiedDiff).join('');
  const show = (text: string): void => (options.json ? runtime.note(text.trimEnd()) : runtime.print(text));
  if (!options.json || !options.yes) for (const line of diff.split('\n').slice(0, -1)) show(`${diffLine(line, cleanText)}\n`);
  const isAgreed = plan.files.length > 0 && options.dryRun !== true && (options.yes === true || (await agree(runtime)));
  if (isAgreed) {
    await writeOwnFiles(resolve(locator), plan.files);
    assessment = await check();
  }
  const written = isAgreed ? plan.files.map((file) => file.path) : [];
  const { missing } = assessment.credit;
  if (options.json) {
    const { name, digest, digestCovers } = assessment.subject;
    const planned = plan.files.map(({ path, before }) => ({ path, new: before === undefined }));
    runtime.print(
      toJson({ schema: 'heirloom-credit/1', subject: { name, digest, digestCovers }, ...assessment.credit, written, planned, refused: plan.refused, leftOut: facts.leftOut, diff }), // prettier-ignore
    );
  } else {
    if (plan.files.length === 0) runtime.print('nothing to write\n');
    for (const path of written) runtime.print(`wrote    ${cleanText(path)}\n`);
    for (const { path, why, words } of plan.refused) {
      runtime.print(`left     ${cleanText(path)}: ${cleanText(why)}\n`);
      for (const line of words?.split('\n') ?? []) runtime.print(`           ${diffLine(line, cleanText)}\n`);
    }
    for (const why of facts.leftOut) runtime.print(`left     ${cleanText(why)}\n`);
    if (isAgreed && missing.length > 0) runtime.print(`still open:\n${renderFindings(missing, runtime.style)}`);
  }
  const isOpen = hasWork(missing) || plan.refused.some((one) => !one.isOptional) || (plan.files.length > 0 && !isAgreed);
  process.exitCode = isOpen ? EXIT.findings : EXIT.clear;
}

/** A diff line keeps its indentation; only what would drive a terminal is shown as code points. */
function diffLine(line: string, clean: (text: string, max?: number) => string): string {
  const lead = /^[-+ @\\]?[ ]*/.exec(line)![0];
  return lead + clean(line.slice(lead.length), 100_000);
}

async function agree(runtime: Runtime): Promise<boolean> {
  if (!process.stdin.isTTY) {
    runtime.note('heirloom: nothing was written: give --yes to write without being asked');
    return false;
  }
  const { createInterface } = await import('node:readline');
  const line = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((answer) => {
      line.on('close', () => answer(false));
      line.question('write this? [y/N] ', (text) => answer(/^y(es)?$/i.test(text.trim())));
    });
  } finally {
    line.close();
  }
}

async function makePlan(
  locator: string,
  assessment: Assessment,
  options: CreditOptions,
  register: Register,
  watch: Watch,
): Promise<{ plan: CreditPlan; facts: CreditFacts }> {
  const { readModel } = await import('../../model/index.ts');
  const { openTree } = await import('../../sources/index.ts');
  const { planCredit } = await import('../../credit/index.ts');
  const { creditFactsOf } = await import('../credit-facts.ts');
  const { licenseCopies } = await import('../license-copies.ts');
  const tree = await openTree(locator, watch);
  try {
    const model = await readModel(tree, watch);
    const facts = await creditFactsOf(assessment, register, model.claims.relation?.value);
    const base = await baseDocuments(facts, watch);
    const paths = new Set([
      ...tree.files.map((file) => file.path).filter((path) => path.startsWith('LICENSES/')),
      model.card?.file ?? 'README.md',
      noticeOf(model) ?? 'NOTICE',
      'CITATION.cff',
      ...facts.known.flatMap((one) => one.licenses).map((id) => `LICENSES/${id.replace(/[^A-Za-z0-9.+-]/g, '-')}.txt`),
    ]);
    const files = new Map<string, string | null>();
    for (const path of paths) {
      const text = await readOwnText(resolve(locator), path);
      if (text !== undefined) files.set(path, text);
    }
    const own = ownLicense(model, assessment);
    const plan = await planCredit({
      tree: facts.tree,
      bases: facts.bases,
      duties: assessment.license.duties,
      claims: model.claims,
      ...(own && { own }),
      files,
      ...(model.card && { card: model.card.file }),
      ...(noticeOf(model) !== undefined && { noticeFile: noticeOf(model)! }),
      licenseText: await licenseCopies(options.licenseText ?? [], base.licenses, watch),
      notices: base.notices,
      ...(options.author !== undefined && { author: options.author }),
    });
    return { plan, facts };
  } finally {
    await tree.close();
  }
}

const noticeOf = (model: Model): string | undefined => model.files.find((file) => /^notice(\.(txt|md))?$/i.test(file.path))?.path;

/** The one license whose full text stands in the folder outside `LICENSES/`, where copies for the bases are put. */
function ownLicense(model: Model, { license }: Assessment): { id: string; file: string } | undefined {
  const names = new Set(model.licenseFiles.map((file) => file.file).filter((file) => !file.startsWith('LICENSES/')));
  const texts = license.found.filter((one) => one.by === 'text' && !one.modified && names.has(one.file));
  const [only] = texts;
  return only && new Set(texts.map((one) => one.id)).size === 1 ? { id: only.id, file: only.file } : undefined;
}

interface BaseDocuments {
  readonly licenses: readonly TextFile[];
  readonly notices: readonly { readonly from: string; readonly license: string; readonly text: string }[];
}

/** License and notice files of registered bases that lie on this machine. */
async function baseDocuments(facts: CreditFacts, watch: Watch): Promise<BaseDocuments> {
  const { creditList } = await import('../../credit/index.ts');
  const { readModel } = await import('../../model/index.ts');
  const { openTree } = await import('../../sources/index.ts');
  const licenses: TextFile[] = [];
  const notices: { from: string; license: string; text: string }[] = [];
  for (const node of creditList(facts.tree)) {
    const record = facts.known.find((one) => one.name === node.name);
    if (!record || !(await stat(record.locator).catch(() => null))?.isDirectory()) continue;
    const tree = await openTree(record.locator, watch);
    try {
      const model = await readModel(tree, watch);
      licenses.push(...model.licenseFiles);
      for (const file of model.noticeFiles)
        if (/^notice(\.(txt|md))?$/i.test(file.file)) notices.push({ from: node.name, license: record.licenses[0] ?? '', text: file.text });
    } catch (error) {
      if (!(error instanceof HeirloomError)) throw error;
    } finally {
      await tree.close();
    }
  }
  return { licenses, notices };
}
