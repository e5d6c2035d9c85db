/**
 * The command line. Commands are declared in `commands/`, one per file; what they call is imported when they run,
 * so that `heirloom --help` loads a parser and nothing else.
 * @module
 */
import { Command } from 'commander';
import { EXIT } from './exit.ts';
import { readVersion } from './version.ts';

/** Runs the program and sets `process.exitCode`; never throws. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('heirloom')
    .description('Says what an open AI model is, what it descends from, what license binds it and whether it is safe.')
    .version(readVersion())
    .exitOverride();
  try {
    await program.parseAsync(argv);
  } catch {
    process.exitCode = EXIT.failed;
  }
}
