/**
 * A command over one or several inputs: each is tried, one that fails does not stop the others.
 * @module
 */
import { EXIT } from './exit.ts';
import { failureAnswer, type FailureAnswer, failureText } from './failure.ts';
import type { Runtime } from './runtime.ts';

export type Tried<T> = { readonly input: string; readonly answer: T } | { readonly input: string; readonly error: FailureAnswer };

/**
 * Runs `work` for each input in turn; failures are told on stderr at once and set exit code 2.
 * @throws only when the user interrupted.
 */
export async function tryEach<T>(inputs: readonly string[], runtime: Runtime, work: (input: string) => Promise<T>): Promise<Tried<T>[]> {
  const out: Tried<T>[] = [];
  for (const input of inputs) {
    try {
      out.push({ input, answer: await work(input) });
    } catch (error) {
      if (runtime.watch.signal?.aborted) throw error;
      runtime.settle();
      runtime.note((await failureText(error, process.env)).trimEnd());
      out.push({ input, error: await failureAnswer(error) });
    }
  }
  return out;
}

/** 2 when an input failed, else 1 when one has something to act on, else 0. */
export function exitCodeOf<T>(tried: readonly Tried<T>[], hasWork: (answer: T) => boolean): number {
  if (tried.some((one) => 'error' in one)) return EXIT.failed;
  return tried.some((one) => 'answer' in one && hasWork(one.answer)) ? EXIT.findings : EXIT.clear;
}

/**
 * The machine answer: of one input its own object, of several `{schema, files}` in the order given.
 * A failed input is `{<key>: input, error}`.
 */
export function machineAnswer<T>(
  schema: string,
  key: string,
  tried: readonly Tried<T>[],
  shape: (answer: T, input: string) => object,
): object {
  const elements = tried.map((one) => ('error' in one ? { [key]: one.input, error: one.error } : shape(one.answer, one.input)));
  const [only, ...others] = elements;
  return only && others.length === 0 ? { schema, ...only } : { schema, files: elements };
}
