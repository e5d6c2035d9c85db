import { homedir } from 'node:os';
import { join } from 'node:path';

/** `$HEIRLOOM_REGISTER`, else `~/.heirloom/register`. */
export function defaultRegisterDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env['HEIRLOOM_REGISTER'] || join(homedir(), '.heirloom', 'register');
}
