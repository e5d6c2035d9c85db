/** One input tried and measured. */
import { type Answer, type Input, runInput } from './readers.ts';

/** Processor time of one input. */
export const MAX_MS = 1000;
/** Resident memory of the process that tries inputs, with Node and all catalogs in it. */
export const MAX_MIB = 256;

/** `what` names a finding: the same for every input that fails at the same place. */
export interface Outcome {
  readonly what: string | null;
  readonly answer: Answer | null;
  readonly ms: number;
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${typeof error}`;
  const at = /\/(src\/[\w/.-]+:\d+)/.exec(error.stack ?? '')?.[1] ?? 'outside src';
  return `${error.name}: ${error.message.replace(/\d+/g, 'N').slice(0, 80)} at ${at}`;
}

/** Most memory that this process has had, in MiB. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS / 1024;
}

export async function attempt(input: Input): Promise<Outcome> {
  const before = process.cpuUsage();
  let what: string | null = null;
  let answer: Answer | null = null;
  try {
    answer = await runInput(input);
  } catch (error) {
    what = `${input.unit}: ${nameOf(error)}`;
  }
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  if (!what && ms > MAX_MS) what = `${input.unit}: slow`;
  return { what, answer, ms };
}
