import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import { addContextOptions, type ContextOptions, readContextOptions } from '../license-context.ts';
import { readSubject, subjectJson } from '../license-subject.ts';
import type { Runtime } from '../runtime.ts';

interface Options extends ContextOptions {
  readonly addParent?: string;
  readonly act: string;
  readonly ofParent?: string;
  readonly as?: string;
  readonly register?: string;
  readonly json?: true;
}

export function addLicenseWhatIf(group: Command, runtime: Runtime): void {
  const command = group
    .command('what-if')
    .description('say what changes in duties, conflicts and names when a parent is added or an act is another')
    .argument('<model>', 'file, folder, URL or hf:owner/name; or a license id, for any model under it')
    .option('--add-parent <model>', 'one more parent: a model, or a license id')
    .option('--act <act>', 'what is done to that parent', 'merge')
    .option('--of-parent <name>', 'instead of adding one: take --act as what was done to this ancestor')
    .option('--as <acts>', 'what you do with the model (default: it is published)')
    .option('--register <dir>', 'the models to compare with (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)');
  addContextOptions(command)
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing new is open, 1 something is, 2 could not do it.\nExample:\n  heirloom license what-if ./my-model --add-parent CC-BY-NC-4.0 --act merge\n',
    )
    .action((model: string, options: Options, own: Command) => whatIf(model, options, own, runtime));
}

async function whatIf(given: string, options: Options, command: Command, runtime: Runtime): Promise<void> {
  if ((options.addParent === undefined) === (options.ofParent === undefined))
    command.error('heirloom: give --add-parent or --of-parent, one of them');
  const { compareReasoning, LicenseError, loadReasoning, readActs, readEdgeAct, reasonOver, withAct, withParent } =
    await import('../../license/index.ts');
  const act = readEdgeAct(options.act);
  const context = {
    ...(await readContextOptions(options, runtime)),
    ...(options.as !== undefined && { acts: readActs(options.as.split(',')) }),
  };
  const subject = await readSubject(given, context, options.register, runtime);
  const { book, rules } = await loadReasoning();
  let graph;
  if (options.addParent !== undefined) {
    const parent = await readSubject(options.addParent, {}, options.register, runtime);
    // What stands above a model that is added comes along.
    graph = withParent(subject.graph, parent.graph, parent.name, act);
  } else {
    graph = withAct(subject.graph, options.ofParent!, act);
    if (!graph)
      throw new LicenseError('LICENSE_UNKNOWN_ID', `${options.ofParent} is no ancestor of ${subject.name} that is known here`, {
        hint: `ancestors are ${
          Object.keys(subject.graph.nodes)
            .filter((name) => name !== subject.graph.subject)
            .join(', ') || 'none'
        }`,
      });
  }
  const after = reasonOver(graph, context, book, rules);
  const change = compareReasoning(subject.reasoning, after);
  const { renderWhatIf, toJson } = await import('../../report/index.ts');
  const words =
    options.addParent !== undefined ? `with ${options.addParent} as one more parent (${act})` : `if ${options.ofParent} went in by ${act}`;
  runtime.print(
    options.json
      ? toJson({
          schema: 'heirloom-license-what-if/1',
          subject: subjectJson(subject),
          change: { parent: options.addParent ?? options.ofParent, act, added: options.addParent !== undefined },
          context,
          ...change,
          after,
        })
      : renderWhatIf(subject.name, words, change, runtime.style),
  );
  const worse = change.conflicts.added.some((hit) => hit.holds === 'yes') || change.forbidden.added.some((one) => one.applies === 'yes');
  process.exitCode = worse ? EXIT.findings : EXIT.clear;
}
