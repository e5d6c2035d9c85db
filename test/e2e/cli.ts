/** Runs the built program as a user would. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
const SHARED: string = fileURLToPath(new URL('../../../shared/', import.meta.url));
const PROGRAM = join(ROOT, 'bin', 'heirloom.js');

if (process.env['HEIRLOOM_BUILD_FAILED'] === '1') throw new Error('the program could not be built: see `npm run build`');

/** A path of the corpora beside the project. @throws when it is missing: these tests never skip. */
export function shared(path: string): string {
  const full = join(SHARED, path);
  if (!existsSync(full)) throw new Error(`${full} is missing: the end-to-end tests need ../shared beside the project`);
  return full;
}

/** A folder that is gone after the file's tests. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'heirloom-e2e-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** @throws when stdout is not exactly one JSON value. */
  readonly json: () => any; // oxlint-disable-line typescript/no-explicit-any -- tests look into answers of every shape
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly cwd?: string;
  /** Called with the child once it runs. */
  readonly during?: (child: import('node:child_process').ChildProcess) => void;
}

/** A register of nobody's: tests must not see the user's own. */
const NO_REGISTER = join(tmpdir(), 'heirloom-e2e-no-such-register');

export function heirloom(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: tmpdir(), HEIRLOOM_REGISTER: NO_REGISTER, ...options.env };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { env, cwd: options.cwd ?? ROOT, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, json: () => JSON.parse(stdout) as unknown }));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    options.during?.(child);
  });
}
