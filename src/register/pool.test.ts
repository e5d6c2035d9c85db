import { describe, expect, test } from 'vitest';
import { HeirloomError } from '../base/index.ts';
import { makePool, type Pool, type PoolOptions, replyOf } from './pool.ts';

type Task = { readonly do: 'double'; readonly n: number } | { readonly do: 'fail' | 'crash' | 'exit' | 'hang' };

const worker = new URL('./testing/pool-worker.mjs', import.meta.url);
const here = (): Promise<number> => Promise.reject(new Error('not in this thread'));
const poolOf = (options: Partial<PoolOptions<Task, number>> = {}): Pool<Task, number> =>
  makePool<Task, number>({ worker, here, jobs: 2, ...options });

describe('a pool of threads', () => {
  test('answers each task with its own result', async () => {
    const pool = poolOf();
    const all = await Promise.all(Array.from({ length: 40 }, (_, n) => pool.run({ do: 'double', n })));
    expect(all).toEqual(Array.from({ length: 40 }, (_, n) => 2 * n));
    await pool.close();
  });

  test('lets a task that fails, throws out of turn or ends its thread fail alone', async () => {
    const pool = poolOf();
    const bad = (['fail', 'crash', 'exit'] as const).map((what) => pool.run({ do: what }));
    const good = [1, 2, 3, 4].map((n) => pool.run({ do: 'double', n }));
    const [failed, crashed, ended] = await Promise.allSettled(bad);
    expect(failed).toMatchObject({ reason: { code: 'TEST_FAILED', message: 'as asked', where: { file: 'f' }, hint: 'do not ask' } });
    expect((failed as PromiseRejectedResult).reason).toBeInstanceOf(HeirloomError);
    expect(crashed).toMatchObject({ reason: { message: 'out of turn' } });
    expect(ended).toMatchObject({ reason: { message: 'a worker ended with 3' } });
    expect(await Promise.all(good)).toEqual([2, 4, 6, 8]);
    await pool.close();
  });

  test('ends at once when aborted, with the reason, whatever a thread is at', async () => {
    const stop = new AbortController();
    const pool = poolOf({ signal: stop.signal });
    const tasks = Array.from({ length: 4 }, () => pool.run({ do: 'hang' }));
    stop.abort(new Error('interrupted'));
    for (const one of await Promise.allSettled(tasks)) expect(one).toMatchObject({ reason: { message: 'interrupted' } });
    await expect(pool.run({ do: 'double', n: 1 })).rejects.toThrow('interrupted');
    await pool.close();
  });

  test('of one job works in this thread, one task after another', async () => {
    let running = 0;
    let most = 0;
    const pool = poolOf({
      jobs: 1,
      async here() {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        return running--;
      },
    });
    await Promise.all([1, 2, 3].map((n) => pool.run({ do: 'double', n })));
    expect(most).toBe(1);
  });

  test('carries errors of ours across as ours, without a code', async () => {
    expect(await replyOf(() => Promise.reject(new TypeError('a bug')))).toEqual({ failure: { code: null, message: 'a bug' } });
  });
});
