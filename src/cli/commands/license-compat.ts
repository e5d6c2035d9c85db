import type { Command } from 'commander';
import type { LicenseGraph, LicenseNode } from '../../license/index.ts';
import { EXIT } from '../exit.ts';
import { addContextOptions, type ContextOptions, readContextOptions } from '../license-context.ts';
import { readSubject } from '../license-subject.ts';
import type { Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';

interface Options extends ContextOptions {
  readonly act: string;
  readonly declare?: string;
  readonly name?: string;
  readonly as?: string;
  readonly register?: string;
  readonly json?: true;
  readonly sarif?: true;
}

export function addLicenseCompat(group: Command, runtime: Runtime): void {
  const command = group
    .command('compat')
    .description('say whether models or licenses can go into one model, and what then binds it')
    .argument('<parents...>', 'models or license ids')
    .option('--act <act>', 'what is done to them: merge, finetune, adapter, quantize, train-on-outputs...', 'merge')
    .option('--declare <license>', 'the license you would put on the result')
    .option('--name <name>', 'the name you would give it')
    .option('--as <acts>', 'what you do with the result (default: it is published)')
    .option('--register <dir>', 'the models to compare with (default: $HEIRLOOM_REGISTER, else ~/.heirloom/register)');
  addContextOptions(command)
    .option('--json', 'print the answer as JSON')
    .option('--sarif', 'print what is open as SARIF 2.1.0')
    .addHelpText(
      'after',
      '\nExit codes: 0 they go together, 1 something is open, 2 could not do it.\nExample:\n  heirloom license compat llama-3.1 Apache-2.0 --act merge --declare llama-3.1 --name Llama-Mix\n',
    )
    .action((parents: string[], options: Options) => compat(parents, options, runtime));
}

async function compat(parents: string[], options: Options, runtime: Runtime): Promise<void> {
  const { loadReasoning, readActs, readEdgeAct, reasonOver } = await import('../../license/index.ts');
  const act = readEdgeAct(options.act);
  const context = {
    ...(await readContextOptions(options, runtime)),
    ...(options.as !== undefined && { acts: readActs(options.as.split(',')) }),
  };
  const result = options.name ?? 'the result';
  const declared = options.declare === undefined ? [] : [(await readSubject(options.declare, {}, options.register, runtime)).graph.subject];
  const nodes: Record<string, LicenseNode> = { [result]: { name: options.name ?? '', licenses: declared, yours: true } };
  const edges: LicenseGraph['edges'][number][] = [];
  for (const given of parents) {
    const { name, graph } = await readSubject(given, {}, options.register, runtime);
    // Two parents of one name, or one given twice, stay two models.
    let key = name;
    while (Object.hasOwn(nodes, key)) key += "'";
    for (const [other, node] of Object.entries(graph.nodes)) if (other !== graph.subject) nodes[other] ??= node;
    nodes[key] = graph.nodes[graph.subject]!;
    const renamed = (one: string): string => (one === graph.subject ? key : one);
    edges.push(...graph.edges.map((edge) => ({ ...edge, parent: renamed(edge.parent), child: renamed(edge.child) })));
    edges.push({ parent: key, child: result, act, because: 'asked' });
  }
  const { book, rules } = await loadReasoning();
  const reasoning = reasonOver({ nodes, edges, subject: result }, context, book, rules);
  const { renderReasoning, toJson, toSarif } = await import('../../report/index.ts');
  const title = `${parents.join(' + ')}, ${act}`;
  if (options.sarif)
    runtime.print(toJson(toSarif({ name: title, locator: '', version: readVersion(), reasoning, drift: [], findings: [] })));
  else if (options.json)
    runtime.print(toJson({ schema: 'heirloom-license-compat/1', parents, act, declared: declared[0] ?? null, context, ...reasoning }));
  else runtime.print(renderReasoning(title, reasoning, [], runtime.style));
  process.exitCode = reasoning.verdict === 'ok' || reasoning.verdict === 'ok-with-duties' ? EXIT.clear : EXIT.findings;
}
