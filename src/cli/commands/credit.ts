import type { Command } from 'commander';
import { openNamedRegister } from '../register-option.ts';
import { EXIT } from '../exit.ts';
import { hasWork, noteSkipped, type Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';

export function addCredit(program: Command, runtime: Runtime): void {
  program
    .command('credit')
    .description('say whether the models it builds on are named, and what their licenses ask the files to hold')
    .argument('<model>', 'file, folder, URL or hf:owner/name')
    .option('--register <dir>', 'the models to compare with (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)')
    .option('--json', 'print what is missing as JSON')
    .action(async (model: string, options: { register?: string; json?: true }) => {
      const { checkModel } = await import('../../register/index.ts');
      const { cleanText, renderFindings, toJson } = await import('../../report/index.ts');
      const register = await openNamedRegister(options.register, runtime);
      const { assessment, skipped } = await checkModel(register, model, { ...runtime.watch, version: readVersion() });
      runtime.settle();
      noteSkipped(runtime, skipped);
      const { subject, credit } = assessment;
      const { name, digest, digestCovers } = subject;
      if (options.json)
        runtime.print(toJson({ schema: 'heirloom-credit/1', subject: { name, digest, digestCovers }, ...credit, written: [] }));
      else {
        for (const { what, where } of credit.met) runtime.print(`met      ${cleanText(what)} (${cleanText(where)})\n`);
        runtime.print(
          credit.missing.length > 0
            ? renderFindings(credit.missing, runtime.style)
            : 'nothing is missing that the evidence at hand calls for\n',
        );
      }
      process.exitCode = hasWork(credit.missing) ? EXIT.findings : EXIT.clear;
    });
}
