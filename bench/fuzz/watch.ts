/** A process under watch: one that does not come to an end of an input is ended, and the input named. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_MS } from './attempt.ts';
import type { Input } from './readers.ts';
import type { Message, Task } from './worker.ts';

const POLL_MS = 200;
/** Of one input. Slow ones are told by themselves: this is for what never ends. */
const HANG_MS = 4 * MAX_MS;
/** The heap alone; resident memory is measured. */
const HEAP = ['--max-old-space-size=160', '--max-semi-space-size=8'];

export interface Ended {
  /** `null`: the process did what it was asked. */
  readonly why: 'hang' | 'memory' | 'crash' | null;
  readonly index: number;
}
interface Watched {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** A process that waits for a message does not hang. */
  busy: boolean;
}

/** Processor time of a process in ms, so that a busy machine is no hang; by the clock where /proc is missing. (proc_pid_stat(5), 14 and 15) */
function timeOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return performance.now();
  }
}

/** @param onMessage hears the process. */
export function watchWorker(task: Omit<Task, 'at'>, onMessage: (message: Message) => void): Watched {
  const folder = mkdtempSync(join(tmpdir(), 'heirloom-fuzz-at-'));
  const at = join(folder, 'at');
  const child = fork(new URL('./worker.ts', import.meta.url), [JSON.stringify({ ...task, at } satisfies Task)], {
    execArgv: [...HEAP, '--import', 'tsx/esm'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let finish: (ended: Ended) => void = () => {};
  const ended = new Promise<Ended>((resolve) => {
    finish = resolve;
  });
  const watched: Watched = { process: child, ended, busy: false };
  let done = false;
  let hangs = false;
  let said = '';
  child.stderr!.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4000)));
  const index = (): number => {
    try {
      return readFileSync(at).readDoubleLE(0);
    } catch {
      return -1;
    }
  };
  let seen = -2;
  let since = 0;
  const timer = setInterval(() => {
    const now = index();
    const spent = timeOf(child.pid!);
    if (!watched.busy || now !== seen || now < 0) {
      seen = now;
      since = spent;
    } else if (spent - since > HANG_MS) {
      hangs = true;
      child.kill('SIGKILL');
    }
  }, POLL_MS);
  child.on('message', (message: Message) => {
    if (message.kind === 'tried' || message.kind === 'done') watched.busy = false;
    if (message.kind === 'ready') watched.busy = task.to > task.from;
    done ||= message.kind === 'done';
    onMessage(message);
  });
  child.on('exit', () => {
    clearInterval(timer);
    const last = index();
    rmSync(folder, { recursive: true, force: true });
    const memory = /heap out of memory|heap limit/.test(said);
    if (!done && !hangs && !memory && said) console.error(said);
    finish({ why: done ? null : hangs ? 'hang' : memory ? 'memory' : 'crash', index: last });
  });
  return watched;
}

/** What becomes of single inputs, each in a process that lives as long as its inputs let it. */
export class Prober {
  private watched: Watched | null = null;
  private answer: (what: string | null) => void = () => {};

  async try(input: Input): Promise<string | null> {
    this.watched ??= await this.start(input.unit);
    const watched = this.watched;
    const answered = new Promise<string | null>((resolve) => {
      this.answer = resolve;
    });
    watched.busy = true;
    watched.process.send(input);
    const dead = watched.ended.then(({ why }) => {
      this.watched = null;
      return `${input.unit}: ${why}`;
    });
    const what = await Promise.race([answered, dead]);
    // Its memory has been had.
    if (what?.endsWith('MiB')) this.close();
    return what;
  }

  private start(unit: string): Promise<Watched> {
    return new Promise((resolve) => {
      const watched = watchWorker({ seed: 0, unit, from: 0, to: 0 }, (message) => {
        if (message.kind === 'ready') resolve(watched);
        if (message.kind === 'tried') this.answer(message.what);
      });
    });
  }

  close(): void {
    this.watched?.process.kill();
    this.watched = null;
  }
}
