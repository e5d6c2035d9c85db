import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { SourceError } from '../../base/index.ts';
import type { OpenOptions } from '../options.ts';

/** `size` bytes that differ from place to place and repeat for nobody: byte i is a mix of i and `seed`. */
export function pattern(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (Math.imul(i ^ (seed << 20), 2654435761) >>> 24) & 0xff;
  return bytes;
}

/** The rejection of `promise`, which must be a SourceError. */
export async function failure(promise: Promise<unknown>): Promise<SourceError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SourceError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Options that wait for nothing and write down what they would have waited. */
export function patient(env: Record<string, string> = {}): OpenOptions & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    // A HOME without anything in it: no token, no cache of whoever runs the tests.
    env: { HOME: '/nonexistent', ...env },
    random: () => 0.5,
    sleep: async (ms) => void waits.push(ms),
  };
}

/** Sizes of this process's open temporary download files, which have no name any more. */
export function spillSizes(): number[] {
  const handles = readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`);
  return handles.filter((handle) => /heirloom-\w+\/download/.test(linkOf(handle))).map((handle) => statSync(handle).size);
}

/** The handle that lists the handles is gone by now. */
function linkOf(handle: string): string {
  try {
    return readlinkSync(handle);
  } catch {
    return '';
  }
}
