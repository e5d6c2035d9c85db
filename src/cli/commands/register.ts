import type { Command } from 'commander';
import type { AddResult } from '../../register/index.ts';
import { EXIT } from '../exit.ts';
import { exitCodeOf, tryEach } from '../inputs.ts';
import { openNamedRegister } from '../register-option.ts';
import { noteSkipped, type Runtime } from '../runtime.ts';

interface Options {
  readonly register?: string;
  readonly json?: true;
}

const DIR = ['--register <dir>', 'the register (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)'] as const;

export function addRegister(program: Command, runtime: Runtime): void {
  const group = program.command('register').description('the models you know, and which of them a model descends from');
  group
    .command('add')
    .description("keep a model's fingerprint and license; the model itself is not copied")
    .argument('<model...>', 'file, folder, URL or hf:owner/name')
    .option(...DIR)
    .option('--name <name>', "register it under this name instead of the model's own")
    .option('--replace', 'let the name pass from another model to this one')
    .option('--json', 'print the entries as JSON')
    .action((models: string[], options: Options & { name?: string; replace?: true }, command: Command) =>
      add(models, options, command, runtime),
    );
  group
    .command('list')
    .description('list the models registered')
    .option(...DIR)
    .option('--json', 'print the entries as JSON')
    .action((options: Options) => list(options, runtime));
  group
    .command('remove')
    .description('forget a model')
    .argument('<name>', 'its name, its id, or the beginning of one')
    .option(...DIR)
    .option('--json', 'print the name removed as JSON')
    .action((name: string, options: Options) => remove(name, options, runtime));
  group
    .command('find')
    .description('find the registered models a model is tied to')
    .argument('<model>', 'file, folder, URL, hf:owner/name, or a sketch file')
    .option(...DIR)
    .option('--salt-file <file>', 'compare the sketches of this salt (see resketch) instead of the public ones')
    .option('--json', 'print the relations as JSON')
    .action((model: string, options: Options & { saltFile?: string }) => find(model, options, runtime));
  group
    .command('resketch')
    .description('sketch a registered model anew, at the positions of a salt, and keep that sketch beside the public one')
    .argument('<name>', 'its name, its id, or the beginning of one')
    .requiredOption('--salt-file <file>', 'the salt, 16 to 4096 bytes; it is not kept, only its hash is')
    .option('--from <model>', 'where the model is now (default: where it was registered from)')
    .option(...DIR)
    .option('--json', 'print what was made as JSON')
    .action((name: string, options: Options & { saltFile: string; from?: string }) => resketch(name, options, runtime));
}

async function add(
  models: string[],
  options: Options & { name?: string; replace?: true },
  command: Command,
  runtime: Runtime,
): Promise<void> {
  if (options.name !== undefined && models.length > 1) command.error('heirloom: --name is for one model at a time');
  const { addModel } = await import('../../register/index.ts');
  const { cleanText, toJson } = await import('../../report/index.ts');
  const register = await openNamedRegister(options.register, runtime, true);
  const tried = await tryEach(models, runtime, async (model) => {
    const { name, replace = false } = options;
    const result = await addModel(register, model, { ...runtime.watch, replace, ...(name !== undefined && { name }) });
    runtime.settle();
    if (!options.json) runtime.print(`${cleanText(`${ADDED[result.status]} ${result.entry.name}`)}\n`);
    return result;
  });
  if (options.json) {
    const files = tried.map((one) => ('error' in one ? { locator: one.input, error: one.error } : { locator: one.input, ...one.answer }));
    runtime.print(toJson({ schema: 'heirloom-register-added/1', register: register.dir, files }));
  }
  process.exitCode = exitCodeOf(tried, () => false);
}

const ADDED: { readonly [status in AddResult['status']]: string } = {
  added: 'registered',
  unchanged: 'already registered:',
  updated: 'updated',
  replaced: 'replaced',
  'known-as': 'already registered, as',
};

async function list(options: Options, runtime: Runtime): Promise<void> {
  const { humanCount, renderFindings, renderTable, toJson } = await import('../../report/index.ts');
  const register = await openNamedRegister(options.register, runtime);
  const { entries, findings } = await register.list();
  if (options.json) runtime.print(toJson({ schema: 'heirloom-register-list/1', register: register.dir, models: entries, findings }));
  else if (entries.length === 0) runtime.print(`no models are registered in ${register.dir}\n`);
  else {
    const rows = entries.map((entry) => ({
      name: entry.name,
      parameters: humanCount(entry.parameters),
      license: entry.licenseLabel || entry.licenses.join(', ') || 'not known',
      added: entry.addedAt.slice(0, 10),
    }));
    runtime.print(renderTable(rows, runtime.style));
  }
  if (!options.json && findings.length > 0) runtime.note(renderFindings(findings, runtime.style).trimEnd());
  process.exitCode = findings.length > 0 ? EXIT.findings : EXIT.clear;
}

async function remove(name: string, options: Options, runtime: Runtime): Promise<void> {
  const { cleanText, toJson } = await import('../../report/index.ts');
  const register = await openNamedRegister(options.register, runtime);
  const removed = await register.remove(name);
  runtime.print(
    options.json ? toJson({ schema: 'heirloom-register-removed/1', register: register.dir, removed }) : `removed ${cleanText(removed)}\n`,
  );
}

async function find(model: string, options: Options & { saltFile?: string }, runtime: Runtime): Promise<void> {
  const { findAncestors, readSaltFile } = await import('../../register/index.ts');
  const { cleanText, renderRelation, toJson } = await import('../../report/index.ts');
  const register = await openNamedRegister(options.register, runtime);
  const { skipped, ...found } = await findAncestors(register, model, {
    ...runtime.watch,
    ...(options.saltFile !== undefined && { salt: await readSaltFile(options.saltFile) }),
  });
  runtime.settle();
  noteSkipped(runtime, skipped);
  if (options.json) runtime.print(toJson({ schema: 'heirloom-register-found/1', ...found, skipped }));
  else if (found.searched === 0 || (found.compared === 0 && skipped.length > 0))
    runtime.print(`no known models to compare with: ${register.dir} ${skipped.length > 0 ? 'holds none that can be read' : 'is empty'}\n`);
  else if (found.candidates.length === 0) runtime.print(`no tie seen to any of the ${told(found)}\n`);
  else runtime.print(found.candidates.map((relation) => renderRelation(relation, runtime.style)).join('\n'));
  if (!options.json) for (const limit of found.limits) runtime.note(cleanText(limit));
}

function told({ searched, compared }: { searched: number; compared: number }): string {
  return compared === searched ? `${searched} known models` : `${compared} models compared, of ${searched} registered`;
}

async function resketch(name: string, options: Options & { saltFile: string; from?: string }, runtime: Runtime): Promise<void> {
  const { readSaltFile, resketchModel } = await import('../../register/index.ts');
  const { cleanText, humanBytes, toJson } = await import('../../report/index.ts');
  const register = await openNamedRegister(options.register, runtime);
  const salt = await readSaltFile(options.saltFile);
  const made = await resketchModel(register, name, {
    ...runtime.watch,
    salt,
    ...(options.from !== undefined && { from: options.from }),
  });
  runtime.settle();
  runtime.print(
    options.json
      ? toJson({ schema: 'heirloom-register-resketched/1', register: register.dir, ...made })
      : cleanText(`${made.entry.name}: ${humanBytes(made.sketch.bytes)}, at the positions of ${made.sketch.salt}`) + '\n',
  );
}
