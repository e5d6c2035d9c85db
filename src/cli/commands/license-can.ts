import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import { addContextOptions, type ContextOptions, readContextOptions } from '../license-context.ts';
import { readSubject, subjectJson } from '../license-subject.ts';
import type { Runtime } from '../runtime.ts';

interface Options extends ContextOptions {
  readonly as: string;
  readonly register?: string;
  readonly json?: true;
}

export function addLicenseCan(group: Command, runtime: Runtime): void {
  const command = group
    .command('can')
    .description('say whether something may be done with a model: yes, no, only if, or the text does not say')
    .argument('<model>', 'file, folder, URL or hf:owner/name; or a license id, for any model under it')
    .requiredOption('--as <acts>', 'what you want to do, e.g. commercial-use, host, finetune,distribute, train-on-outputs')
    .option('--register <dir>', 'the models to compare with (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)');
  addContextOptions(command)
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 yes, 1 any other answer, 2 could not do it.\nExample:\n  heirloom license can gemma --as finetune,host --company\n',
    )
    .action((model: string, options: Options) => can(model, options, runtime));
}

async function can(given: string, options: Options, runtime: Runtime): Promise<void> {
  const { canDo, loadReasoning, readActs } = await import('../../license/index.ts');
  const acts = readActs(options.as.split(','));
  const context = await readContextOptions(options, runtime);
  const subject = await readSubject(given, context, options.register, runtime);
  const { book, rules } = await loadReasoning();
  const answer = canDo(subject.graph, acts, context, book, rules);
  const { renderCan, toJson } = await import('../../report/index.ts');
  const { answer: overall, acts: each, reasoning } = answer;
  runtime.print(
    options.json
      ? toJson({ schema: 'heirloom-license-can/1', subject: subjectJson(subject), context, answer: overall, acts: each, reasoning })
      : renderCan(subject.name, answer, runtime.style),
  );
  process.exitCode = overall === 'yes' ? EXIT.clear : EXIT.findings;
}
