import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import type { Runtime } from '../runtime.ts';

interface Options {
  readonly pairs?: string;
  readonly with?: string[];
  readonly full?: true;
  readonly json?: true;
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
    .action(async (a: string | undefined, b: string | undefined, options: Options, command: Command) => {
      const asked = { full: options.full === true, with: options.with ?? [] };
      if (options.pairs !== undefined) {
        if (a !== undefined || options.with) command.error('heirloom: give two models or --pairs, not both');
        const { comparePairs } = await import('../pairs.ts');
        process.exitCode = (await comparePairs(options.pairs, runtime, asked)) === 0 ? EXIT.clear : EXIT.failed;
        return;
      }
      if (a === undefined || b === undefined) return command.error('heirloom: two models are needed to compare');
      const { makeComparer } = await import('../../register/index.ts');
      const { renderRelation, toJson } = await import('../../report/index.ts');
      const started = performance.now();
      const { relation, read } = await makeComparer(runtime.watch, asked)(a, b);
      runtime.settle();
      const ms = Math.round(performance.now() - started);
      runtime.print(options.json ? toJson({ ...relation, read, ms }) : renderRelation(relation, runtime.style));
    });
}
