import type { Command } from 'commander';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { type FileTree, type Finding, HeirloomError } from '../../base/index.ts';
import type { Policy } from '../../safety/index.ts';
import { EXIT } from '../exit.ts';
import { exitCodeOf, tryEach } from '../inputs.ts';
import { hasWork, type Runtime } from '../runtime.ts';
import { readVersion } from '../version.ts';

export function addScan(program: Command, runtime: Runtime): void {
  program
    .command('scan')
    .description('say whether loading a file runs code, hides code, or exhausts the machine')
    .argument('<path...>', 'file, folder, URL or hf:owner/name')
    .option('--json', 'print the findings as JSON')
    .option('--sarif', 'print the findings as SARIF 2.1.0, for code hosts')
    .option('--policy <file>', 'what your team accepts and refuses (default: heirloom-policy.json here, if there is one)')
    .action(async (paths: string[], options: { json?: true; sarif?: true; policy?: string }) => {
      const { applyPolicy, failsPolicy, scanTree } = await import('../../safety/index.ts');
      const { openTree } = await import('../../sources/index.ts');
      const { renderScan, toJson, toScanSarif } = await import('../../report/index.ts');
      const policy = await readPolicy(options.policy, paths, runtime);
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
      if (options.sarif) {
        const placed = files.map((file) => ({ ...file, path: fromHere(file.path) }));
        runtime.print(toJson(toScanSarif({ version: readVersion(), files: placed, listing, page: rulePage })));
      } else if (options.json) runtime.print(toJson({ schema: 'heirloom-scan/1', files, findings: listing }));
      else runtime.print(renderScan(files, listing, runtime.style));
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

/** A policy found by itself must not come with what is scanned: a model would then say what is accepted of it. */
async function readPolicy(given: string | undefined, paths: readonly string[], runtime: Runtime): Promise<Policy | undefined> {
  const file = given ?? POLICY_FILE;
  if (given === undefined) {
    if (!existsSync(file)) return undefined;
    const real = realpathSync(file);
    const inside = paths.some(
      (path) => existsSync(path) && `${real}${sep}`.startsWith(`${realpathSync(resolve(path)).replace(/[\\/]$/, '')}${sep}`),
    );
    if (inside) {
      runtime.note(`heirloom: ${file} stands in what is scanned and was not followed; to follow it, give --policy ${file}\n`);
      return undefined;
    }
  }
  const { parsePolicy } = await import('../../safety/index.ts');
  try {
    return parsePolicy(await readFile(file), file);
  } catch (error) {
    if (error instanceof HeirloomError) throw error;
    throw new HeirloomError('SAFETY_POLICY', `the policy ${file} cannot be read`, { where: { file } });
  }
}
