/** One input tried and measured. */
import { type Input, runInput } from './readers.ts';

/** Processor time of one input. */
export const MAX_MS = 1000;
/** Heap, and what one input may ask for in typed arrays, which lie outside the heap. */
export const MAX_MIB = 256;

/** `what` names a finding: the same for every input that fails at the same place. */
export interface Outcome {
  readonly what: string | null;
  readonly ms: number;
}

let asked = 0;
/** Counts the bytes of typed arrays made by length: they are not part of the heap that a worker's limit holds. */
export function countAllocations(): void {
  const scope = globalThis as unknown as Record<string, { new (...values: unknown[]): ArrayBufferView; BYTES_PER_ELEMENT: number }>;
  for (const name of ['Uint8Array', 'Int8Array', 'Uint16Array', 'Int16Array', 'Uint32Array', 'Int32Array', 'Float32Array', 'Float64Array'])
    scope[name] = new Proxy(scope[name]!, {
      construct(target, values, newTarget) {
        if (typeof values[0] === 'number') asked += values[0] * target.BYTES_PER_ELEMENT;
        return Reflect.construct(target, values, newTarget) as object;
      },
    });
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${typeof error}`;
  const at = /\/(src\/[\w/.-]+:\d+)/.exec(error.stack ?? '')?.[1] ?? 'outside src';
  return `${error.name}: ${error.message.replace(/\d+/g, 'N').slice(0, 80)} at ${at}`;
}

export async function attempt(input: Input): Promise<Outcome> {
  asked = 0;
  const before = process.cpuUsage();
  let what: string | null = null;
  try {
    await runInput(input);
  } catch (error) {
    what = `${input.reader}: ${nameOf(error)}`;
  }
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  if (!what && ms > MAX_MS) what = `${input.reader}: slow`;
  if (!what && asked > MAX_MIB * 2 ** 20) what = `${input.reader}: over ${MAX_MIB} MiB of arrays`;
  return { what, ms };
}
