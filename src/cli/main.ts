/**
 * The command line. Commands are declared in `commands/`, one per file; what they call is imported when they run,
 * so that `heirloom --help` loads a parser and nothing else.
 * @module
 */
import { Command, CommanderError } from 'commander';
import { addCheck } from './commands/check.ts';
import { addCompare } from './commands/compare.ts';
import { addConvert } from './commands/convert.ts';
import { addCredit } from './commands/credit.ts';
import { addLicense } from './commands/license.ts';
import { addRegister } from './commands/register.ts';
import { addScan } from './commands/scan.ts';
import { addSketch } from './commands/sketch.ts';
import { addTree } from './commands/tree.ts';
import { EXIT } from './exit.ts';
import { failureAnswer, failureText } from './failure.ts';
import { progressLine, type Runtime, styleOf } from './runtime.ts';
import { readVersion } from './version.ts';

/** Runs the program and sets `process.exitCode`; never throws. */
export async function run(argv: readonly string[]): Promise<void> {
  const stop = new AbortController();
  const interrupt = (): void => {
    // Asked twice: whatever is being written is a temporary file, so leaving at once harms nothing.
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    stop.abort(new Error('interrupted'));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? (process.exitCode ?? EXIT.clear) : EXIT.failed),
  );
  // Node would end with 1, which here says "findings".
  process.on('uncaughtException', (error) => {
    process.stderr.write(`heirloom: something is wrong in Heirloom itself: ${error.stack ?? error.message}\n`);
    process.exit(EXIT.failed);
  });
  const progress = progressLine(
    (text) => process.stderr.write(text),
    process.stderr.isTTY,
    () => performance.now(),
  );
  const runtime: Runtime = {
    watch: { signal: stop.signal, onProgress: progress.onProgress },
    style: styleOf(process.env, process.stdout),
    print: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(`${text}\n`),
    settle: progress.settle,
  };
  try {
    await makeProgram(runtime).parseAsync(argv);
  } catch (error) {
    progress.settle();
    process.exitCode = stop.signal.aborted ? EXIT.interrupted : EXIT.failed;
    if (stop.signal.aborted) runtime.note('heirloom: interrupted; nothing was left half-written');
    else if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.clear : EXIT.failed;
    else {
      runtime.note((await failureText(error, process.env)).trimEnd());
      if (argv.includes('--json'))
        runtime.print(`${JSON.stringify({ schema: 'heirloom-error/1', error: await failureAnswer(error) }, null, 2)}\n`);
    }
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function makeProgram(runtime: Runtime): Command {
  const program = new Command('heirloom')
    .description('Says what an open AI model is, what it descends from, what license binds it and whether it is safe.')
    .version(readVersion())
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'heirloom: ')) })
    .showHelpAfterError('  hint: see --help')
    .addHelpText('after', '\nExit codes: 0 nothing to act on, 1 findings, 2 could not do it (usage, unreadable input).\n');
  for (const add of [addCheck, addCompare, addTree, addSketch, addRegister, addLicense, addScan, addConvert, addCredit])
    add(program, runtime);
  return program;
}
