import type { Command } from 'commander';
import type { Drift } from '../../license/index.ts';
import { EXIT } from '../exit.ts';
import { addContextOptions, type ContextOptions, readContextOptions } from '../license-context.ts';
import { readSubject, subjectJson } from '../license-subject.ts';
import { hasWork, type Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';

interface Options extends ContextOptions {
  readonly as?: string;
  readonly register?: string;
  readonly json?: true;
  readonly sarif?: true;
}

export function addLicenseDuties(group: Command, runtime: Runtime): void {
  const command = group
    .command('duties')
    .description('say what binds a model, what that asks for, and what the files already meet')
    .argument('<model>', 'file, folder, URL or hf:owner/name; or a license id, for any model under it')
    .option('--as <acts>', 'what you do with it, e.g. distribute,host,product (default: it is published)')
    .option('--register <dir>', 'the models to compare with (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)');
  addContextOptions(command)
    .option('--json', 'print the answer as JSON')
    .option('--sarif', 'print what is open as SARIF 2.1.0')
    .addHelpText(
      'after',
      '\nExamples:\n  heirloom license duties ./my-finetune --as distribute\n  heirloom license duties llama-3.1 --as product --company --monthly-users 2000000 --territory FR\n',
    )
    .action((model: string, options: Options) => duties(model, options, runtime));
}

async function duties(given: string, options: Options, runtime: Runtime): Promise<void> {
  const { readActs } = await import('../../license/index.ts');
  const context = {
    ...(await readContextOptions(options, runtime)),
    ...(options.as !== undefined && { acts: readActs(options.as.split(',')) }),
  };
  const subject = await readSubject(given, context, options.register, runtime);
  const { renderFindings, renderReasoning, toJson, toSarif } = await import('../../report/index.ts');
  const { name, model, reasoning, judgement } = subject;
  const wanted = reasoning.duties.filter((duty) => !context.acts || duty.when.some((act) => context.acts!.some((one) => one === act)));
  const findings = [...(judgement?.conflicts ?? []), ...(judgement?.findings ?? [])];
  const drift = judgement?.drift ?? [];
  if (options.sarif)
    runtime.print(
      toJson(
        toSarif({ name, locator: model?.locator ?? '', version: readVersion(), reasoning, drift, findings: judgement?.findings ?? [] }),
      ),
    );
  else if (options.json) {
    const { duties: _, conflicts, drift: labels, ...rest } = reasoning;
    runtime.print(
      toJson({
        schema: 'heirloom-license-duties/1',
        subject: subjectJson(subject),
        declared: judgement?.declared ?? [],
        found: judgement?.found ?? [],
        effective: judgement?.effective ?? { ...reasoning.effective, from: 'own', why: 'asked about' },
        duties: wanted,
        conflicts: judgement?.conflicts ?? [],
        drift,
        findings: judgement?.findings ?? [],
        context,
        reasoning: { ...rest, conflicts, drift: labels },
      }),
    );
  } else {
    runtime.print(renderReasoning(name, { ...reasoning, duties: wanted }, drift, runtime.style));
    const extra = renderFindings(judgement?.findings ?? [], runtime.style);
    if (extra !== '') runtime.print(`\n${extra}`);
  }
  const { verdict } = reasoning;
  const open =
    wanted.some((duty) => duty.status === 'unmet') ||
    drift.some(isAnswerable) ||
    hasWork(findings) ||
    verdict === 'unmet' ||
    verdict === 'conflict' ||
    verdict === 'needs-evidence';
  process.exitCode = open ? EXIT.findings : EXIT.clear;
}

/** A label that asks for less than what binds the model, or says nothing. */
function isAnswerable(drift: Drift): boolean {
  return drift.kind === 'loosened' || drift.kind === 'relabelled' || drift.kind === 'dropped';
}
