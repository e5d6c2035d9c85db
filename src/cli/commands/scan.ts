import type { Command } from 'commander';
import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { type Finding, HeirloomError } from '../../base/index.ts';
import type { Policy } from '../../safety/index.ts';
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
      const { cleanText, renderFindings, toJson, toScanSarif } = await import('../../report/index.ts');
      const policy = await readPolicy(options.policy, paths, runtime);
      const tried = await tryEach(paths, runtime, async (path) => {
        const tree = await openTree(path, runtime.watch);
        try {
          const { files } = await scanTree(tree, runtime.watch);
          const named = files.map((file) => ({ ...file, path: tree.kind === 'file' ? path : `${path.replace(/\/+$/, '')}/${file.path}` }));
          return { files: named, findings: tree.findings };
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
      if (options.sarif) runtime.print(toJson(toScanSarif(readVersion(), files, listing)));
      else if (options.json) runtime.print(toJson({ schema: 'heirloom-scan/1', files, findings: listing }));
      else {
        for (const file of files) {
          runtime.print(`${file.verdict.padEnd(10)} ${cleanText(file.path)}\n${renderFindings(file.findings, runtime.style)}`);
          for (const { finding, reason, expires } of file.accepted ?? [])
            runtime.print(`  accepted until ${expires}: ${finding.rule}, ${cleanText(finding.what)} (${cleanText(reason)})`);
        }
        if (listing.length > 0) runtime.print(renderFindings(listing, runtime.style));
      }
      const fails = files.some((file) => (policy ? failsPolicy(file, policy) : file.verdict !== 'clean' || hasWork(file.findings)));
      process.exitCode = exitCodeOf(tried, (answer) => hasWork(answer.findings) || fails);
    });
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
