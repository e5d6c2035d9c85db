/**
 * Many comparisons in one run: JSON lines in, JSON lines out, in order. A pair that fails is a line that says so.
 * @module
 */
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { HeirloomError, type JsonValue, parseJson, SourceError } from '../base/index.ts';
import { type Comparer, makeComparer } from '../register/index.ts';
import { toJson } from '../report/index.ts';
import { failureAnswer } from './failure.ts';
import { boundedLines } from './lines.ts';
import type { Runtime } from './runtime.ts';

/** Two paths and an id; a longer line is something else. (CWE-770) */
const MAX_LINE = 64 * 1024;

/** Lines under way for each comparison that runs: enough that a slow one seldom holds up the others, few enough to keep. */
const AHEAD = 4;

/**
 * Several pairs at once; each answer waits for its turn.
 * @returns how many pairs failed. @throws SourceError when the list cannot be read; the signal's reason.
 */
export async function comparePairs(
  file: string,
  runtime: Runtime,
  options: { readonly jobs?: number | undefined; readonly full?: boolean | undefined } = {},
): Promise<number> {
  const comparer = makeComparer(runtime.watch, { jobs: options.jobs ?? availableParallelism(), full: options.full === true });
  const { signal } = runtime.watch;
  const ahead: Promise<{ line: string; failed: boolean }>[] = [];
  let failed = 0;
  let number = 0;
  let pairs = 0;
  const printNext = async (): Promise<void> => {
    const next = await ahead.shift()!;
    if (next.failed) failed++;
    runtime.print(next.line);
  };
  try {
    for await (const line of linesOf(file)) {
      number++;
      if (line?.trim() === '') continue;
      pairs++;
      signal?.throwIfAborted();
      const answer = answerOf(line, file, number, comparer.compare, signal);
      // Handled here too: whoever waits for its turn may end before.
      answer.catch(() => {});
      ahead.push(answer);
      if (ahead.length >= (comparer.jobs === 1 ? 1 : comparer.jobs * AHEAD)) await printNext();
    }
    while (ahead.length > 0) await printNext();
  } finally {
    await comparer.close();
  }
  runtime.settle();
  if (failed > 0) runtime.note(`heirloom: ${failed} of ${pairs} pairs could not be compared`);
  return failed;
}

/** One line of the answer. @throws the signal's reason only. */
async function answerOf(
  line: string | null,
  file: string,
  number: number,
  compare: Comparer['compare'],
  signal: AbortSignal | undefined,
): Promise<{ line: string; failed: boolean }> {
  let id: JsonValue | undefined;
  try {
    const value = readLine(line, file, number);
    id = value['id'];
    const pair = pairOf(value, file, number);
    const started = performance.now();
    const { relation, read } = await compare(pair.a, pair.b);
    const ms = Math.round(performance.now() - started);
    return { line: oneLine({ ...(id !== undefined && { id }), ...relation, read, ms }), failed: false };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { line: oneLine({ ...(id !== undefined && { id }), error: await failureAnswer(error) }), failed: true };
  }
}

function readLine(line: string | null, file: string, number: number): { readonly [key: string]: JsonValue } {
  if (line === null) throw invalid(file, number, `over ${MAX_LINE} characters`);
  const value = parseLine(line, file, number);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid(file, number, 'not an object');
  return value;
}

/** @throws HeirloomError whose `where` is the list and its line, as of every other mistake in it. */
function parseLine(line: string, file: string, number: number): JsonValue {
  try {
    return parseJson(new TextEncoder().encode(line), `${file}, line ${number}`);
  } catch (cause) {
    if (!(cause instanceof HeirloomError)) throw cause;
    throw new HeirloomError(cause.code, cause.message, { where: { file, field: `line ${number}` }, cause });
  }
}

function pairOf({ a, b }: { readonly [key: string]: JsonValue }, file: string, number: number): { readonly a: string; readonly b: string } {
  if (typeof a !== 'string' || typeof b !== 'string' || a === '' || b === '')
    throw invalid(file, number, 'a pair is {"id"?, "a", "b"} with two locators');
  return { a, b };
}

function invalid(file: string, number: number, what: string): HeirloomError {
  return new HeirloomError('PAIR_INVALID', `${file}, line ${number}: ${what}`, { where: { file, field: `line ${number}` } });
}

/** @throws SourceError when the list cannot be opened or read to its end. */
async function* linesOf(file: string): AsyncIterable<string | null> {
  try {
    const input = file === '-' ? process.stdin : (await open(file)).createReadStream();
    yield* boundedLines(input, MAX_LINE);
  } catch (cause) {
    if (typeof (cause as NodeJS.ErrnoException).syscall !== 'string') throw cause;
    throw new SourceError('SOURCE_UNREADABLE', `${file} cannot be read: ${(cause as Error).message}`, { where: { file }, cause });
  }
}

function oneLine(value: object): string {
  return `${JSON.stringify(JSON.parse(toJson(value)))}\n`;
}
