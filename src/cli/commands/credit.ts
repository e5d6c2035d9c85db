import type { Command } from 'commander';
import { openNamedRegister } from '../register-option.ts';
import { EXIT } from '../exit.ts';
import { hasWork, noteSkipped, type Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';
import { addCreditWriting, type CreditOptions } from './credit-write.ts';

export function addCredit(program: Command, runtime: Runtime): void {
  const command = program
    .command('credit')
    .description('say whether the models it builds on are named, and what their licenses ask the files to hold; --write puts it there')
    .argument('<model>', 'file, folder, URL or hf:owner/name')
    .option('--register <dir>', 'the models to compare with (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)')
    .option('--tree', 'print whose work it is made of, up to the first known model')
    .option('--json', 'print the answer as JSON');
  addCreditWriting(command).action((model: string, options: CreditOptions) => credit(model, options, command, runtime));
}

async function credit(model: string, options: CreditOptions, command: Command, runtime: Runtime): Promise<void> {
  const isWriting = options.write === true || options.dryRun === true;
  if (options.tree && isWriting) command.error('heirloom: --tree prints and does not write; give one of --tree, --write, --dry-run');
  const register = await openNamedRegister(options.register, runtime);
  if (isWriting) {
    const { writeCredit } = await import('./credit-write.ts');
    return writeCredit(model, options, register, runtime);
  }
  const { checkModel } = await import('../../register/index.ts');
  const { cleanText, renderCreditTree, renderFindings, toJson } = await import('../../report/index.ts');
  const { assessment, skipped } = await checkModel(register, model, { ...runtime.watch, version: readVersion() });
  const { creditFactsOf } = await import('../credit-facts.ts');
  const facts = await creditFactsOf(assessment, register);
  runtime.settle();
  noteSkipped(runtime, skipped);
  const { name, digest, digestCovers } = assessment.subject;
  const subject = { name, digest, digestCovers };
  if (options.tree) {
    runtime.print(
      options.json
        ? toJson({ schema: 'heirloom-credit-tree/1', subject, tree: facts.tree, leftOut: facts.leftOut })
        : renderCreditTree(facts.tree, facts.leftOut),
    );
    process.exitCode = EXIT.clear;
    return;
  }
  const { credit: found } = assessment;
  if (options.json) runtime.print(toJson({ schema: 'heirloom-credit/1', subject, ...found, written: [] }));
  else {
    for (const { what, where } of found.met) runtime.print(`met      ${cleanText(what)} (${cleanText(where)})\n`);
    runtime.print(
      found.missing.length > 0 ? renderFindings(found.missing, runtime.style) : 'nothing is missing that the evidence at hand calls for\n',
    );
    if (found.missing.length > 0 && facts.tree.bases.length > 0)
      runtime.print('`heirloom credit MODEL --dry-run` shows what could be written for you; it is a help to read, not legal advice\n');
  }
  process.exitCode = hasWork(found.missing) ? EXIT.findings : EXIT.clear;
}
