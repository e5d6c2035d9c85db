import type { Command } from 'commander';
import type { Relation } from '../../lineage/index.ts';
import { EXIT } from '../exit.ts';
import type { Runtime } from '../runtime.ts';

interface Options {
  readonly pairs?: string;
  readonly with?: string[];
  readonly full?: true;
  readonly json?: true;
  readonly explain?: true;
  readonly html?: string;
}

export function addCompare(program: Command, runtime: Runtime): void {
  program
    .command('compare')
    .description('say whether two models share weights, how, and in which direction')
    .argument('[a]', 'the possible ancestor: file, folder, URL, hf:owner/name, or a sketch file')
    .argument('[b]', 'the suspect')
    .option('--pairs <file>', 'compare many: JSON lines {"id"?, "a", "b"} in ("-" is stdin), one relation a line out')
    .option('--with <model...>', 'further possible parents of the suspect (for merges), or an adapter that may have been merged into it')
    .option('--full', 'read both models to the end: remote ones too, which are else judged by samples, and very large ones')
    .option('--json', 'print the relation as JSON')
    .option('--explain', 'add what each test means, what chance would give, and how thresholds were set')
    .option('--html <file>', 'also write the evidence report to a file')
    .action(async (a: string | undefined, b: string | undefined, options: Options, command: Command) => {
      const asked = { full: options.full === true, with: options.with ?? [] };
      if (options.pairs !== undefined) {
        if (a !== undefined) command.error('heirloom: give two models or --pairs, not both');
        if (options.html !== undefined || options.explain || options.with)
          command.error('heirloom: --html, --explain and --with are for two models, not for --pairs');
        const { comparePairs } = await import('../pairs.ts');
        process.exitCode = (await comparePairs(options.pairs, runtime, asked)) === 0 ? EXIT.clear : EXIT.failed;
        return;
      }
      if (a === undefined || b === undefined) return command.error('heirloom: two models are needed to compare');
      const { makeComparer } = await import('../../register/index.ts');
      const { renderExplanation, renderRelation, toJson } = await import('../../report/index.ts');
      const started = performance.now();
      const { relation, read } = await makeComparer(runtime.watch, asked)(a, b);
      runtime.settle();
      const ms = Math.round(performance.now() - started);
      if (options.html !== undefined) {
        await writeEvidence(options.html, relation, a, b, command);
        runtime.note(`wrote ${options.html}`);
      }
      if (options.json) runtime.print(toJson({ ...relation, read, ms }));
      else if (options.explain) {
        const { loadCalibration } = await import('../../lineage/index.ts');
        runtime.print(renderExplanation(relation, await loadCalibration(), runtime.style));
      } else runtime.print(renderRelation(relation, runtime.style));
    });
}

async function writeEvidence(path: string, relation: Relation, a: string, b: string, command: Command): Promise<void> {
  const { loadCalibration } = await import('../../lineage/index.ts');
  const { renderEvidence } = await import('../../report/index.ts');
  const { readVersion } = await import('../version.ts');
  const { writeOutput } = await import('../output.ts');
  const origin = { tool: `heirloom ${readVersion()}`, a, b, options: judgingArguments(command) };
  await writeOutput(path, renderEvidence(relation, origin, await loadCalibration()));
}

/** Options that say how to show the answer and do not change it. */
const SHOWING = new Set(['json', 'html', 'explain']);

/** The other options as given, so that the report names a command that repeats it. */
function judgingArguments(command: Command): string[] {
  return command.options.flatMap((option): string[] => {
    const name = option.attributeName();
    if (SHOWING.has(name) || command.getOptionValueSource(name) !== 'cli') return [];
    const value: unknown = command.getOptionValue(name);
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return values.flatMap((one) => (typeof one === 'boolean' ? [option.long!] : [option.long!, String(one)]));
  });
}
