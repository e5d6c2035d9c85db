import { InvalidArgumentError } from 'commander';

/** More threads than any machine of today has cores. (CWE-770) */
const MAX_JOBS = 256;

/** `--jobs N`. @throws InvalidArgumentError for anything but a whole number from 1 to 256. */
export function jobsOption(text: string): number {
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs < 1 || jobs > MAX_JOBS) throw new InvalidArgumentError(`a whole number from 1 to ${MAX_JOBS} is needed.`);
  return jobs;
}
