import type { Command } from 'commander';
import type { RailReading } from '../../license/index.ts';
import { exitCodeOf, tryEach } from '../inputs.ts';
import type { Runtime } from '../runtime.ts';
import { addLicenseAudit } from './license-audit.ts';
import { addLicenseCan } from './license-can.ts';
import { addLicenseCompat } from './license-compat.ts';
import { addLicenseCompose } from './license-compose.ts';
import { addLicenseDuties } from './license-duties.ts';
import { addLicenseWhatIf } from './license-what-if.ts';
import { addLicenseDiff } from './license-diff.ts';
import { addLicenseShow } from './license-show.ts';

export function addLicense(program: Command, runtime: Runtime): void {
  const group = program.command('license').description('which license a text is, and what binds a model');
  group
    .command('identify')
    .description('say which license a text is, and where it departs from it')
    .argument('<file...>', 'license files, or any text that may hold one')
    .option('--json', 'print the licenses as JSON')
    .action((files: string[], options: { json?: true }) => identify(files, options, runtime));
  addLicenseDuties(group, runtime);
  addLicenseCan(group, runtime);
  addLicenseCompat(group, runtime);
  addLicenseWhatIf(group, runtime);
  addLicenseShow(group, runtime);
  addLicenseDiff(group, runtime);
  addLicenseCompose(group, runtime);
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
        if (match.rail) runtime.print(`  ${railLine(match.rail)}\n`);
        for (const { kind, catalog, found } of match.differs)
          runtime.print(`  ${kind}: ${cleanText([catalog && `"${catalog}"`, found && `"${found}"`].filter(Boolean).join(' → '), 200)}\n`);
      }
    }
  process.exitCode = exitCodeOf(tried, () => false);
}

const ARTIFACTS = { D: 'data', A: 'application', M: 'model', S: 'source code' } as const;

/** What a license of the RAIL family says, in one line. */
function railLine({ artifacts, type, version, restrictions }: RailReading): string {
  const of = artifacts.map((letter) => ARTIFACTS[letter]).join(', ') || 'the text does not say what';
  return `use restrictions; for: ${of}; type: ${type}${version === null ? '' : `; version ${version}`}; excludes: ${restrictions.join(', ')}`;
}
