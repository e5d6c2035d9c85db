import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import { exitCodeOf, machineAnswer, tryEach } from '../inputs.ts';
import { openNamedRegister } from '../register-option.ts';
import { noteSkipped, type Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';

export function addCheck(program: Command, runtime: Runtime): void {
  program
    .command('check')
    .description('say what a model is, what it descends from, what binds it and whether it is safe')
    .argument('<model...>', 'file, folder, URL or hf:owner/name')
    .option('--register <dir>', 'the models to compare with (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)')
    .option('--closer', 'where fingerprints leave a question, open known models that are at hand, also large ones')
    .option('--html <file>', 'also write the report as one HTML page')
    .option('--json', 'print the assessment as JSON')
    .action(async (models: string[], options: { register?: string; closer?: true; html?: string; json?: true }) => {
      const { checkModel } = await import('../../register/index.ts');
      const { outcomeOf, renderAssessment, renderHtml, toJson } = await import('../../report/index.ts');
      const register = await openNamedRegister(options.register, runtime);
      const version = readVersion();
      let printed = 0;
      const checked = await tryEach(models, runtime, async (model) => {
        const { assessment, skipped } = await checkModel(register, model, { ...runtime.watch, version, closer: options.closer === true });
        noteSkipped(runtime, skipped);
        runtime.settle();
        if (!options.json) runtime.print(`${printed++ > 0 ? '\n' : ''}${renderAssessment(assessment, runtime.style)}`);
        return assessment;
      });
      const assessments = checked.flatMap((one) => ('answer' in one ? [one.answer] : []));
      const [only, ...others] = assessments;
      if (options.html !== undefined && only) {
        const { writeOutput } = await import('../output.ts');
        await writeOutput(options.html, renderHtml(others.length === 0 ? only : { title: `${assessments.length} models`, assessments }));
        runtime.note(`wrote ${options.html}`);
      }
      // Last: were the page not written, an error would follow, and stdout carries one object only.
      if (options.json) runtime.print(toJson(machineAnswer('heirloom-check/1', 'locator', checked, (assessment) => assessment)));
      // A file whose bytes could not be had was not judged: that is no finding about the model.
      const missed = assessments.some(({ safety }) => safety.files.some((file) => file.error));
      process.exitCode = missed ? EXIT.failed : exitCodeOf(checked, (assessment) => outcomeOf(assessment).exitCode === 1);
    });
}
