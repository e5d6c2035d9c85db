import type { Command } from 'commander';
import type { Runtime } from '../runtime.ts';

interface ComposeOptions {
  readonly artifact: string;
  readonly type: string;
  readonly restrict: string;
  readonly name?: string;
  readonly licensor?: string;
  readonly json?: true;
}

export function addLicenseCompose(group: Command, runtime: Runtime): void {
  group
    .command('compose')
    .description('put together a license with use restrictions from reviewed clauses; not legal advice')
    .requiredOption('--artifact <letter>', 'what is licensed: D data, A application, M model, S source code')
    .requiredOption('--type <type>', 'open (any purpose that is not restricted) or research (research only)')
    .requiredOption('--restrict <codes>', 'uses to exclude, e.g. law,minors,military; an unknown code prints the list')
    .option('--name <name>', 'name of the work, as the license should give it')
    .option('--licensor <name>', 'who gives the license')
    .option('--json', 'print id, text and terms as JSON')
    .addHelpText(
      'after',
      `
The text goes to stdout. \`heirloom license identify\` recognizes it, and tells a copy in which a word was changed.

  heirloom license compose --artifact M --type open --restrict law,minors --name Acme-7B --licensor "Acme Labs" > LICENSE
`,
    )
    .action((options: ComposeOptions) => compose(options, runtime));
}

async function compose(options: ComposeOptions, runtime: Runtime): Promise<void> {
  const { composeRail } = await import('../../license/index.ts');
  const { toJson } = await import('../../report/index.ts');
  const composed = await composeRail({
    artifact: options.artifact.trim().toUpperCase() as 'M',
    type: options.type.trim().toLowerCase() as 'open',
    restrictions: options.restrict.split(',').flatMap((code) => code.trim().toLowerCase() || []),
    ...(options.name !== undefined && { name: options.name }),
    ...(options.licensor !== undefined && { licensor: options.licensor }),
  });
  if (options.json) runtime.print(toJson({ schema: 'heirloom-license-compose/1', ...composed, advice: 'not legal advice' }));
  else runtime.print(composed.text);
}
