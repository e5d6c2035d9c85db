import type { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';
import { type FileTree, type Finding, HeirloomError } from '../../base/index.ts';
import type { Policy } from '../../safety/index.ts';
import { EXIT } from '../exit.ts';
import { exitCodeOf, tryEach } from '../inputs.ts';
import { writeOutput } from '../output.ts';
import { hasWork, type Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';

export function addScan(program: Command, runtime: Runtime): void {
  program
    .command('scan')
    .description('say whether loading a file runs code, hides code, or exhausts the machine')
    .argument('<path...>', 'file, folder, URL or hf:owner/name')
    .option('--json', 'print the findings as JSON')
    .option('--sarif', 'print the findings as SARIF 2.1.0, for code hosts')
    .option('-o, --output <file>', 'write the JSON or SARIF to a file, and the text here')
    .option('--policy <file>', 'what your team accepts and refuses; never looked for, since a model could bring its own')
    .action(async (paths: string[], options: { json?: true; sarif?: true; output?: string; policy?: string }, command: Command) => {
      if (options.json && options.sarif) command.error('heirloom: give one of --json and --sarif');
      if (options.output !== undefined && !options.json && !options.sarif) command.error('heirloom: --output is for --json or --sarif');
      const { applyPolicy, failsPolicy, scanTree } = await import('../../safety/index.ts');
      const { openTree } = await import('../../sources/index.ts');
      const { renderScan, toJson, toScanSarif } = await import('../../report/index.ts');
      const policy = await readPolicy(options.policy, runtime);
      const tried = await tryEach(paths, runtime, async (path) => {
        const tree = await openTree(path, runtime.watch);
        try {
          const { files } = await scanTree(tree, runtime.watch);
          const named = files.map((file) => ({ ...file, path: pathShown(tree.kind, path, file.path) }));
          const findings = tree.findings.map((one) => ({
            ...one,
            where: { ...one.where, file: pathShown(tree.kind, path, one.where.file ?? '') },
          }));
          return { files: named, findings };
        } finally {
          await tree.close();
        }
      });
      runtime.settle();
      const listing: Finding[] = tried.flatMap((one) => ('answer' in one ? one.answer.findings : []));
      const scanned = tried.flatMap((one) =>
        'error' in one
          ? [{ path: one.input, format: 'unknown', verdict: 'unreadable' as const, findings: [], error: one.error }]
          : one.answer.files,
      );
      const judged = policy && (await applyPolicy(scanned, policy, new Date().toISOString().slice(0, 10)));
      const files = judged?.files ?? scanned;
      listing.push(...(judged?.findings ?? []));
      const answer = options.sarif
        ? toScanSarif({
            version: readVersion(),
            files: files.map((file) => ({ ...file, path: fromHere(file.path) })),
            listing,
            page: rulePage,
          })
        : options.json && { schema: 'heirloom-scan/1', files, findings: listing };
      if (answer && options.output !== undefined) await writeOutput(options.output, toJson(answer));
      runtime.print(answer && options.output === undefined ? toJson(answer) : renderScan(files, listing, runtime.style));
      const missed = tried.flatMap((one) => ('answer' in one ? one.answer.files.filter((file) => file.error) : [])).length;
      if (missed > 0) runtime.note(`heirloom: ${missed} of ${files.length} files could not be read`);
      const fails = files.some((file) => (policy ? failsPolicy(file, policy) : file.verdict !== 'clean' || hasWork(file.findings)));
      process.exitCode = missed > 0 ? EXIT.failed : exitCodeOf(tried, (answer) => hasWork(answer.findings) || fails);
    });
}

/** A file or an address is shown as it was given, what is in a folder or repository below it. */
function pathShown(kind: FileTree['kind'], given: string, path: string): string {
  if (kind === 'file' || kind === 'url') return given;
  const below = given.replace(/\/+$/, '');
  return below === '.' ? path : `${below}/${path}`;
}

/** Code hosts look for files by their path from the root of the repository, where scans are run. */
function fromHere(path: string): string {
  if (!isAbsolute(path)) return path;
  const below = relative(process.cwd(), path);
  return below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below) ? path : below;
}

/** The page on a rule, as it is shipped with the package; rules of other rooms have none. */
function rulePage(rule: string): string | undefined {
  if (!/^safety\/[a-z-]+$/.test(rule)) return undefined;
  return readFileSync(new URL(`../../../docs/rules/${rule}.md`, import.meta.url), 'utf8');
}

const POLICY_FILE = 'heirloom-policy.json';

/**
 * A policy is followed when it is named. One that lies here may have come with the model: whoever steps into a downloaded folder
 * and scans a file there would let the model say what is accepted of it.
 */
async function readPolicy(file: string | undefined, runtime: Runtime): Promise<Policy | undefined> {
  if (file === undefined) {
    if (existsSync(POLICY_FILE)) runtime.note(`heirloom: ${POLICY_FILE} was not followed; if it is yours, give --policy ${POLICY_FILE}`);
    return undefined;
  }
  const { parsePolicy } = await import('../../safety/index.ts');
  try {
    return parsePolicy(await readFile(file), file);
  } catch (error) {
    if (error instanceof HeirloomError) throw error;
    throw new HeirloomError('SAFETY_POLICY', `the policy ${file} cannot be read`, { where: { file } });
  }
}
