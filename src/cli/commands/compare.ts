import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import { jobsOption } from '../jobs-option.ts';
import type { Runtime } from '../runtime.ts';

interface Options {
  readonly pairs?: string;
  readonly jobs?: number;
  readonly json?: true;
}

export function addCompare(program: Command, runtime: Runtime): void {
  program
    .command('compare')
    .description('say whether two models share weights, how, and in which direction')
    .argument('[a]', 'the possible ancestor: file, folder, URL, hf:owner/name, or a sketch file')
    .argument('[b]', 'the suspect')
    .option('--pairs <file>', 'compare many: JSON lines {"id"?, "a", "b"} in ("-" is stdin), one relation a line out')
    .option('--jobs <n>', 'with --pairs: comparisons at once (default: one for each processor core)', jobsOption)
    .option('--json', 'print the relation as JSON')
    .action(async (a: string | undefined, b: string | undefined, options: Options, command: Command) => {
      if (options.pairs !== undefined) {
        if (a !== undefined) command.error('heirloom: give two models or --pairs, not both');
        const { comparePairs } = await import('../pairs.ts');
        process.exitCode = (await comparePairs(options.pairs, runtime, options.jobs)) === 0 ? EXIT.clear : EXIT.failed;
        return;
      }
      if (a === undefined || b === undefined) return command.error('heirloom: two models are needed to compare');
      const { makeComparer } = await import('../../register/index.ts');
      const { renderRelation, toJson } = await import('../../report/index.ts');
      const started = performance.now();
      const { relation, read } = await makeComparer(runtime.watch).compare(a, b);
      runtime.settle();
      const ms = Math.round(performance.now() - started);
      runtime.print(options.json ? toJson({ ...relation, read, ms }) : renderRelation(relation, runtime.style));
    });
}
