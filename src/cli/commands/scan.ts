import type { Command } from 'commander';
import type { Finding } from '../../base/index.ts';
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
    .action(async (paths: string[], options: { json?: true; sarif?: true }) => {
      const { scanTree } = await import('../../safety/index.ts');
      const { openTree } = await import('../../sources/index.ts');
      const { cleanText, renderFindings, toJson, toScanSarif } = await import('../../report/index.ts');
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
      const files = tried.flatMap((one) =>
        'error' in one
          ? [{ path: one.input, format: 'unknown', verdict: 'unreadable' as const, findings: [], error: one.error }]
          : one.answer.files,
      );
      if (options.sarif) runtime.print(toJson(toScanSarif(readVersion(), files, listing)));
      else if (options.json) runtime.print(toJson({ schema: 'heirloom-scan/1', files, findings: listing }));
      else {
        for (const file of files)
          runtime.print(`${file.verdict.padEnd(10)} ${cleanText(file.path)}\n${renderFindings(file.findings, runtime.style)}`);
        if (listing.length > 0) runtime.print(renderFindings(listing, runtime.style));
      }
      process.exitCode = exitCodeOf(
        tried,
        (answer) => hasWork(answer.findings) || answer.files.some((file) => file.verdict !== 'clean' || hasWork(file.findings)),
      );
    });
}
