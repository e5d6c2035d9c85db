import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import type { Runtime } from '../runtime.ts';

interface ShowOptions {
  readonly json?: true;
  readonly odrl?: true;
}

export function addLicenseShow(group: Command, runtime: Runtime): void {
  group
    .command('show')
    .description('say what a license lets you do, asks and forbids, each with its section and words')
    .argument('<id>', 'SPDX id, hub tag or name: llama3.1, CC-BY-NC-4.0, "Gemma Terms of Use"')
    .option('--json', 'print it as JSON')
    .option('--odrl', 'print it as an ODRL 2.2 policy (JSON-LD)')
    .action((id: string, options: ShowOptions) => show(id, options, runtime));
}

async function show(id: string, options: ShowOptions, runtime: Runtime): Promise<void> {
  const { findLicense, loadVocabulary, sheetOf, toOdrl } = await import('../../license/index.ts');
  const { cleanText, renderBareText, renderCandidates, renderLicenseSheet, toJson } = await import('../../report/index.ts');
  const answer = await findLicense(id);
  const schema = 'heirloom-license-show/1';
  if (answer.found === 'record') {
    const sheet = await sheetOf(answer.record);
    const { sameText } = answer;
    if (options.odrl) runtime.print(toJson(toOdrl(answer.record, await loadVocabulary())));
    else if (options.json) runtime.print(toJson({ schema, asked: id, found: 'record', ...(sameText && { sameText }), license: sheet }));
    else runtime.print(renderLicenseSheet(sheet, runtime.style, sameText));
    return;
  }
  if (answer.found === 'text' && !options.odrl) {
    if (options.json) runtime.print(toJson({ schema, asked: id, found: 'text', text: answer.entry }));
    else runtime.print(renderBareText(answer.entry, runtime.style));
    return;
  }
  process.exitCode = EXIT.failed;
  if (answer.found === 'several') {
    if (options.json || options.odrl) runtime.print(toJson({ schema, asked: id, found: 'several', candidates: answer.candidates }));
    else runtime.print(renderCandidates(id, answer.candidates, runtime.style));
    return;
  }
  if (options.json || options.odrl)
    runtime.print(toJson({ schema, asked: id, ...(answer.found === 'none' ? answer : { found: 'none', near: [] }) }));
  if (answer.found === 'text') runtime.note(`heirloom: what ${answer.entry.id} says is not recorded, so there is no policy to print\n`);
  else {
    const near =
      answer.near.length > 0 ? `; did you mean ${answer.near.join(', ')}?` : '; `heirloom license identify FILE` says what a text is';
    runtime.note(`heirloom: no license is known as "${cleanText(id, 80)}"${near}\n`);
  }
}
