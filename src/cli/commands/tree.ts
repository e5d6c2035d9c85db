import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import { jobsOption } from '../jobs-option.ts';
import { openNamedRegister } from '../register-option.ts';
import type { Runtime } from '../runtime.ts';

interface Options {
  readonly register?: string;
  readonly jobs?: number;
  readonly html?: string;
  readonly json?: true;
}

export function addTree(program: Command, runtime: Runtime): void {
  program
    .command('tree')
    .description('draw how models are related: families, who stands nearest to whom, and what says which came first')
    .argument('<model...>', 'a folder of models, or several: file, folder, URL, hf:owner/name, sketch file, or registered name')
    .option('--register <dir>', 'where names are looked up (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)')
    .option('--jobs <n>', 'comparisons at once (default: one for each processor core)', jobsOption)
    .option('--html <file>', 'also write a drawing as one HTML page')
    .option('--json', 'print the graph as JSON')
    .action(async (named: string[], { register: dir, jobs, html, json }: Options) => {
      const { familyTree, modelsIn } = await import('../../register/index.ts');
      const { cleanText, renderTree, renderTreeHtml, toJson } = await import('../../report/index.ts');
      const register = await openNamedRegister(dir, runtime);
      const models = await modelsIn(named, register, runtime.watch);
      const tree = await familyTree(models, { ...runtime.watch, ...(jobs !== undefined && { jobs }) });
      runtime.settle();
      for (const { locator, error } of tree.failed) runtime.note(`heirloom: ${cleanText(locator)}: ${cleanText(error.message)}`);
      if (html !== undefined) {
        const { writeOutput } = await import('../output.ts');
        await writeOutput(html, renderTreeHtml(tree));
        runtime.note(`wrote ${cleanText(html)}`);
      }
      runtime.print(json ? toJson(tree) : renderTree(tree, runtime.style));
      process.exitCode = tree.failed.length > 0 ? EXIT.failed : EXIT.clear;
    });
}
