import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import type { Runtime } from '../runtime.ts';

interface ConvertFlags {
  readonly to: string;
  readonly output: string;
  readonly force?: true;
  readonly json?: true;
}

/** What stayed behind is told line by line up to here; the JSON answer has all. */
const MAX_TOLD = 20;

export function addConvert(program: Command, runtime: Runtime): void {
  program
    .command('convert')
    .description('write a safe copy of a model: its numbers and documents, no code; nothing of it is run')
    .argument('<model>', 'file, folder, URL or hf:owner/name')
    .requiredOption('--to <format>', 'format of the copy: safetensors')
    .requiredOption('-o, --output <path>', 'a file that ends in .safetensors, or a folder for the model and its documents')
    .option('--force', 'replace files that are there')
    .option('--json', 'print what was written as JSON')
    .action((model: string, flags: ConvertFlags, command: Command) => convert(model, flags, command, runtime));
}

async function convert(locator: string, { to, output, force, json }: ConvertFlags, command: Command, runtime: Runtime): Promise<void> {
  if (to !== 'safetensors') command.error(`heirloom: "${to}" is no format that is written; --to safetensors is`);
  const { convertModel } = await import('../../register/index.ts');
  const { cleanText, humanBytes, toJson } = await import('../../report/index.ts');
  const made = await convertModel(locator, output, { ...runtime.watch, replace: force === true });
  runtime.settle();
  // What no numbers format holds is told; what was lost of the numbers is something to act on.
  const lost = made.leftOut.filter(({ name }) => name !== '');
  if (json) runtime.print(toJson({ schema: 'heirloom-converted/1', ...made }));
  else {
    runtime.print(
      `${cleanText(made.output)}: ${made.tensors.length} tensors, ${humanBytes(made.bytes)}, every value equal to ${cleanText(made.name)} (${cleanText(made.format)})\n`,
    );
    if (made.documents.length > 0) runtime.print(`beside it  ${made.documents.map((path) => cleanText(path)).join(', ')}\n`);
    for (const { names } of made.shared.slice(0, MAX_TOLD))
      runtime.print(
        `shared     ${names
          .slice(0, 4)
          .map((name) => cleanText(name))
          .join(', ')}${names.length > 4 ? ` and ${names.length - 4} more` : ''} are one storage in the source and written apart\n`,
      );
    for (const { name, why } of made.leftOut.slice(0, MAX_TOLD))
      runtime.print(`left out   ${name === '' ? '' : `${cleanText(name)}: `}${cleanText(why)}\n`);
    const more = made.leftOut.length - MAX_TOLD;
    if (more > 0) runtime.print(`           and ${more} more; --json lists them\n`);
  }
  process.exitCode = lost.length > 0 ? EXIT.findings : EXIT.clear;
}
