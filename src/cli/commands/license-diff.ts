import type { Command } from 'commander';
import type { FoundLicense } from '../../license/index.ts';
import { EXIT } from '../exit.ts';
import type { Runtime } from '../runtime.ts';

export function addLicenseDiff(group: Command, runtime: Runtime): void {
  group
    .command('diff')
    .description('say where two licenses differ: term by term, act by act, and in their words')
    .argument('<a>', 'SPDX id, hub tag or name')
    .argument('<b>', 'the same, of the license to compare with')
    .option('--json', 'print the differences as JSON')
    .action((a: string, b: string, options: { json?: true }) => diff([a, b], options, runtime));
}

async function diff(names: readonly [string, string], options: { json?: true }, runtime: Runtime): Promise<void> {
  const { diffLicenses, findLicense } = await import('../../license/index.ts');
  const { cleanText, renderCandidates, renderLicenseDiff, toJson } = await import('../../report/index.ts');
  const [a, b] = await Promise.all([findLicense(names[0]), findLicense(names[1])]);
  const schema = 'heirloom-license-diff/1';
  if (!isOne(a) || !isOne(b)) {
    process.exitCode = EXIT.failed;
    const open = [a, b].flatMap((answer, k) => (isOne(answer) ? [] : [{ asked: names[k]!, ...answer }]));
    if (options.json) runtime.print(toJson({ schema, open }));
    else
      for (const one of open) {
        if (one.found === 'several') runtime.print(renderCandidates(one.asked, one.candidates, runtime.style));
        else if (one.found === 'none') runtime.note(notKnown(cleanText(one.asked, 80), one.near));
      }
    return;
  }
  const answer = await diffLicenses(a, b);
  if (options.json) runtime.print(toJson({ schema, ...answer }));
  else runtime.print(renderLicenseDiff(answer, runtime.style));
}

const isOne = (answer: FoundLicense): answer is FoundLicense & { found: 'record' | 'text' } =>
  answer.found === 'record' || answer.found === 'text';

function notKnown(asked: string, near: readonly string[]): string {
  const hint = near.length > 0 ? `; did you mean ${near.join(', ')}?` : '';
  return `heirloom: no license is known as "${asked}"${hint}\n`;
}
