import type { Command } from 'commander';
import type { AuditEntry, AuditRow } from '../../credit/index.ts';
import type { Model } from '../../model/index.ts';
import { HeirloomError } from '../../base/index.ts';
import { EXIT } from '../exit.ts';
import { openNamedRegister } from '../register-option.ts';
import type { Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';

interface Options {
  readonly register?: string;
  readonly json?: true;
  readonly csv?: true;
  readonly html?: string;
}

/** Rows told on the terminal and in the page; JSON and CSV have all. */
const MAX_TOLD = 200;

export function addLicenseAudit(group: Command, runtime: Runtime): void {
  group
    .command('audit')
    .description('hold the licenses that very many models declare against those of the bases they name')
    .argument('<path>', 'a folder of model folders or cards, or a list: one path a line, or one {"name", "license", "base_model"} a line')
    .option('--register <dir>', 'where further bases are looked up (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)')
    .option('--csv', 'print one line per model as CSV')
    .option('--html <file>', 'also write a page with a drawing of the flows from declared to effective')
    .option('--json', 'print every model and the counts as JSON')
    .action((path: string, options: Options, command: Command) => {
      if (options.csv && options.json) command.error('heirloom: give one of --csv and --json');
      return audit(path, options, runtime);
    });
}

async function audit(path: string, options: Options, runtime: Runtime): Promise<void> {
  const { AuditCounter, auditEntry, auditIndex, auditRow, brokenRow, entryOf } = await import('../../credit/index.ts');
  const { AUDIT_CSV_HEAD, auditCsv, auditRowText, cleanText, renderAuditHtml, renderAuditSummary } = await import('../../report/index.ts');
  const { publishedName } = await import('../../assess/index.ts');
  const { auditInputs } = await import('../audit-inputs.ts');
  // What its card calls it is what its descendants' cards name.
  const nameOf = (model: Model, given: string): string => {
    const published = publishedName(model);
    return published === model.name ? given : published;
  };
  const { watch } = runtime;
  const register = await openNamedRegister(options.register, runtime);
  const registered: AuditEntry[] = [];
  for (const one of (await register.list()).entries)
    registered.push(await entryOf(one.name, one.locator, one.licenses, one.baseModels ?? []));

  // Twice over all: what a base states is known only when it has been read, and it may stand further down.
  const entries: (AuditEntry | HeirloomError)[] = [];
  for await (const input of auditInputs(path)) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: `read labels (${entries.length})`, done: 0, total: 0 });
    entries.push(await input.use({}, (model) => auditEntry(model, nameOf(model, input.name), input.from)).catch(typed));
  }
  if (entries.length === 0) throw new HeirloomError('AUDIT_INPUT', `${path} holds no models and no cards`, { where: { file: path } });
  const index = auditIndex(
    entries.filter((entry): entry is AuditEntry => !(entry instanceof HeirloomError)),
    registered,
  );

  const counter = new AuditCounter();
  const told: AuditRow[] = [];
  let open = 0;
  let at = 0;
  if (options.json) runtime.print('{\n  "schema": "heirloom-license-audit/1",\n  "models": [');
  else if (options.csv) runtime.print(AUDIT_CSV_HEAD);
  for await (const input of auditInputs(path)) {
    watch.signal?.throwIfAborted();
    watch.onProgress?.({ what: 'hold labels against bases', done: at, total: entries.length });
    const entry = entries[at++];
    const row = await rowOf(entry, input.name, input.from, (known) => input.use({}, (model) => auditRow(model, known, index)));
    counter.add(row);
    if (options.json) runtime.print(`${at === 1 ? '' : ','}\n    ${JSON.stringify(row)}`);
    else if (options.csv) runtime.print(auditCsv(row));
    const text = auditRowText(row);
    if (text === '') continue;
    open++;
    if (told.length < MAX_TOLD) told.push(row);
    if (!options.json && !options.csv && open <= MAX_TOLD) runtime.print(text);
  }
  runtime.settle();
  const summary = counter.summary();
  if (options.json) runtime.print(`\n  ],\n  "summary": ${JSON.stringify(summary, null, 2).replaceAll('\n', '\n  ')}\n}\n`);
  else if (!options.csv) {
    if (open > MAX_TOLD) runtime.print(`… and ${open - MAX_TOLD} more; --csv prints all\n`);
    runtime.print(`${open > 0 ? '\n' : ''}${renderAuditSummary(summary, runtime.style)}`);
  }
  if (options.html !== undefined) {
    const { writeOutput } = await import('../output.ts');
    await writeOutput(options.html, renderAuditHtml(summary, told, `heirloom ${readVersion()}`));
    runtime.note(`wrote ${cleanText(options.html)}`);
  }
  process.exitCode = open > 0 ? EXIT.findings : EXIT.clear;

  async function rowOf(
    entry: AuditEntry | HeirloomError | undefined,
    name: string,
    from: string,
    look: (known: AuditEntry) => Promise<AuditRow>,
  ): Promise<AuditRow> {
    const moved = new HeirloomError('AUDIT_CHANGED', 'the folder or list changed while it was read');
    const error = entry === undefined ? moved : entry instanceof HeirloomError ? entry : undefined;
    if (error) return brokenRow(name, from, error);
    const row = await look(entry as AuditEntry).catch(typed);
    return row instanceof HeirloomError ? brokenRow(name, from, row) : row;
  }
}

/** What is wrong with one model is a row; our own bugs and interruptions are not. */
function typed(error: unknown): HeirloomError {
  if (error instanceof HeirloomError) return error;
  throw error;
}
