import type { Command } from 'commander';
import type { Drift, Duty } from '../../license/index.ts';
import { EXIT } from '../exit.ts';
import { exitCodeOf, tryEach } from '../inputs.ts';
import { openNamedRegister } from '../register-option.ts';
import { hasWork, noteSkipped, type Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';
import { addLicenseAudit } from './license-audit.ts';

export function addLicense(program: Command, runtime: Runtime): void {
  const group = program.command('license').description('which license a text is, and what binds a model');
  group
    .command('identify')
    .description('say which license a text is, and where it departs from it')
    .argument('<file...>', 'license files, or any text that may hold one')
    .option('--json', 'print the licenses as JSON')
    .action((files: string[], options: { json?: true }) => identify(files, options, runtime));
  group
    .command('duties')
    .description('say what binds a model, what that asks for, and what the files already meet')
    .argument('<model>', 'file, folder, URL or hf:owner/name')
    .option('--as <acts>', 'only duties of these acts, e.g. distribute-weights,host')
    .option('--register <dir>', 'the models to compare with (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)')
    .option('--json', 'print the duties as JSON')
    .action((model: string, options: DutiesOptions, command: Command) => duties(model, options, command, runtime));
  addLicenseAudit(group, runtime);
}

async function identify(files: string[], options: { json?: true }, runtime: Runtime): Promise<void> {
  const { identifyLicense } = await import('../../license/index.ts');
  const { cleanText, toJson } = await import('../../report/index.ts');
  const { readText } = await import('../text-file.ts');
  const tried = await tryEach(files, runtime, async (path) => identifyLicense(await readText(path, runtime.watch)));
  runtime.settle();
  if (options.json) {
    const answers = tried.map((one) =>
      'error' in one ? { path: one.input, licenses: [], error: one.error } : { path: one.input, licenses: one.answer },
    );
    runtime.print(toJson({ schema: 'heirloom-license-identify/1', files: answers }));
  } else
    for (const one of tried) {
      if ('error' in one) continue;
      if (one.answer.length === 0) runtime.print(`${cleanText(one.input)}: no license recognized\n`);
      for (const match of one.answer) {
        const changes = match.differs.length;
        const state = match.modified
          ? `modified, ${changes} ${changes === 1 ? 'change' : 'changes'}`
          : `${Math.round(100 * match.coverage)} % of its text`;
        runtime.print(`${cleanText(one.input)}: ${match.id} (by ${match.by}, ${match.by === 'text' ? state : 'not its full text'})\n`);
        for (const { kind, catalog, found } of match.differs)
          runtime.print(`  ${kind}: ${cleanText([catalog && `"${catalog}"`, found && `"${found}"`].filter(Boolean).join(' → '), 200)}\n`);
      }
    }
  process.exitCode = exitCodeOf(tried, () => false);
}

interface DutiesOptions {
  readonly as?: string;
  readonly register?: string;
  readonly json?: true;
}

async function duties(model: string, options: DutiesOptions, command: Command, runtime: Runtime): Promise<void> {
  const acts = options.as?.split(',').map((act) => act.trim());
  if (acts) await refuseUnknown(acts, command);
  const { checkModel } = await import('../../register/index.ts');
  const { cleanText, renderFindings, toJson } = await import('../../report/index.ts');
  const register = await openNamedRegister(options.register, runtime);
  const { assessment, skipped } = await checkModel(register, model, { ...runtime.watch, version: readVersion() });
  runtime.settle();
  noteSkipped(runtime, skipped);
  const { name, digest, digestCovers } = assessment.subject;
  const { license } = assessment;
  const wanted = license.duties.filter((duty) => !acts || duty.when.some((act) => acts.includes(act)));
  const findings = [...license.conflicts, ...license.findings];
  if (options.json)
    runtime.print(toJson({ schema: 'heirloom-license-duties/1', subject: { name, digest, digestCovers }, ...license, duties: wanted }));
  else {
    runtime.print(
      `${cleanText(name)}: ${license.effective.ids.map((id) => cleanText(id)).join(', ') || 'no license found'} (${cleanText(license.effective.why)})\n`,
    );
    for (const duty of wanted) runtime.print(dutyLines(duty, cleanText));
    for (const drift of license.drift.filter(isAnswerable)) runtime.print(`label    ${cleanText(drift.what)}\n`);
    runtime.print(renderFindings(findings, runtime.style));
  }
  const open = wanted.some((duty) => duty.status === 'unmet') || license.drift.some(isAnswerable) || hasWork(findings);
  process.exitCode = open ? EXIT.findings : EXIT.clear;
}

/** A mistyped act would leave no duty over, and read as if nothing were asked for. */
async function refuseUnknown(acts: readonly string[], command: Command): Promise<void> {
  const { dutyActs } = await import('../../license/index.ts');
  const known = await dutyActs();
  const unknown = acts.find((act) => !known.includes(act));
  if (unknown !== undefined) command.error(`heirloom: no duty is bound to the act "${unknown}"; acts are ${known.join(', ')}`);
}

function dutyLines(duty: Duty, clean: (text: string) => string): string {
  const source = `${duty.from.license} ${duty.from.section}`.trim();
  return `${duty.status.padEnd(8)} ${clean(duty.what)} (${clean(source)}; ${clean(duty.because)})\n`;
}

/** A label that asks for less than what binds the model, or says nothing. */
function isAnswerable(drift: Drift): boolean {
  return drift.kind === 'loosened' || drift.kind === 'relabelled' || drift.kind === 'dropped';
}
