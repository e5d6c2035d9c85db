import type { Command } from 'commander';
import type { Runtime } from '../runtime.ts';

export function addSketch(program: Command, runtime: Runtime): void {
  program
    .command('sketch')
    .description('write the fingerprint of a model, to be compared elsewhere')
    .argument('<model>', 'file, folder, URL or hf:owner/name')
    .requiredOption('-o, --output <file>', 'where to write it')
    .option('--salt-file <file>', 'sketch at the positions of a salt, 16 to 4096 bytes in this file, instead of the public ones')
    .option('--json', 'print what was made as JSON')
    .action(async (model: string, options: { output: string; saltFile?: string; json?: true }) => {
      const { readSaltFile, sketchOf } = await import('../../register/index.ts');
      const { writeOutput } = await import('../output.ts');
      const { encodeSketch, sketchDigest } = await import('../../lineage/index.ts');
      const { humanBytes, toJson } = await import('../../report/index.ts');
      const started = performance.now();
      const { sketch, read } = await sketchOf(model, {
        ...runtime.watch,
        ...(options.saltFile !== undefined && { salt: await readSaltFile(options.saltFile) }),
      });
      const bytes = encodeSketch(sketch);
      runtime.watch.signal?.throwIfAborted();
      await writeOutput(options.output, bytes);
      runtime.settle();
      const ms = Math.round(performance.now() - started);
      const { name, digest, digestCovers, format, parameters } = sketch.subject;
      const subject = { name, digest, digestCovers, format, parameters };
      runtime.print(
        options.json
          ? toJson({
              schema: 'heirloom-sketch-made/1',
              subject,
              output: options.output,
              sketchBytes: bytes.length,
              sketchDigest: sketchDigest(bytes),
              ...(sketch.salt !== '' && { salt: sketch.salt }),
              read,
              ms,
            })
          : `${options.output}: ${humanBytes(bytes.length)}, from ${humanBytes(read.bytes)} read in ${read.requests} reads\n`,
      );
    });
}
