import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withLock } from './lock.ts';
import { openRegister } from './register.ts';
import { madeUpEntry, madeUpSketch } from './testing/sketches.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'heirloom-lock-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const lock = (): string => join(dir, 'lock');
const deadOwner = async (): Promise<string> => {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.on('close', resolve));
  return JSON.stringify({ pid: child.pid, host: hostname(), nonce: 'x' });
};

function adder(prefix: string, count: number): { said: string[]; kill: () => void; done: Promise<unknown>; ended: () => boolean } {
  const script = fileURLToPath(new URL('testing/adder.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, dir, prefix, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  child.stdout.on('data', (data: Buffer) => said.push(...data.toString().split('\n').filter(Boolean)));
  return {
    said,
    kill: () => child.kill('SIGKILL'),
    done: new Promise((resolve) => child.on('close', resolve)),
    ended: () => child.exitCode !== null,
  };
}

describe('the lock', () => {
  test('lets one at a time in', async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside--;
    };
    await Promise.all(Array.from({ length: 12 }, () => withLock(lock(), work)));
    expect([most, inside, existsSync(lock())]).toEqual([1, 0, false]);
  });

  test('is let go when the work fails', async () => {
    await expect(withLock(lock(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(lock())).toBe(false);
  });

  test('of a dead owner is taken over at once, by one of many', async () => {
    writeFileSync(lock(), await deadOwner());
    const order: string[] = [];
    const started = performance.now();
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((who) =>
        withLock(lock(), async () => {
          order.push(`${who} in`);
          await new Promise((resolve) => setTimeout(resolve, 3));
          order.push(`${who} out`);
        }),
      ),
    );
    expect(performance.now() - started).toBeLessThan(5000);
    for (let i = 0; i < order.length; i += 2) expect(order[i]!.replace(' in', ' out')).toBe(order[i + 1]);
  });

  test.each(['', 'not json', '{"pid":-1}', '{"pid":1,"host":"elsewhere"}'])(
    'whose owner cannot be asked (%s) is taken over when it stands too long',
    async (text) => {
      writeFileSync(lock(), text);
      let done = false;
      await withLock(lock(), async () => void (done = true), { staleMs: 60 });
      expect(done).toBe(true);
    },
  );

  test('of a living owner is waited for, then named', async () => {
    const text = JSON.stringify({ pid: process.pid, host: hostname(), nonce: 'x' });
    writeFileSync(lock(), text);
    await expect(withLock(lock(), async () => {}, { giveUpMs: 60 })).rejects.toMatchObject({
      code: 'REGISTER_LOCKED',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    expect(readFileSync(lock(), 'utf8')).toBe(text);
  });

  test('is no longer waited for after Ctrl-C', async () => {
    writeFileSync(lock(), JSON.stringify({ pid: process.pid, host: hostname(), nonce: 'x' }));
    await expect(withLock(lock(), async () => {}, { signal: AbortSignal.timeout(40) })).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('several processes', () => {
  test('adding at once lose nothing', async () => {
    const adders = ['a', 'b', 'c'].map((prefix) => adder(prefix, 12));
    await Promise.all(adders.map((one) => one.done));
    const register = await openRegister(dir, { now: Date.now });
    const { entries, findings } = await register.list();
    expect(findings).toEqual([]);
    expect(entries).toHaveLength(36);
  });

  test('killed at any moment leave every model they acknowledged, and a register that takes the next', async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 4; round++) {
      const one = adder(`r${round}`, 10_000);
      while (one.said.length < 3 && !one.ended()) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, round * 7));
      one.kill();
      await one.done;
      expect(one.said.length).toBeGreaterThanOrEqual(3);
      acknowledged.push(...one.said);
    }
    const register = await openRegister(dir, { now: Date.now });
    await register.add(madeUpEntry('next'), madeUpSketch('next'));
    const known: string[] = [];
    const models = await register.known();
    for await (const { record } of models.entries()) known.push(record.name);
    expect(models.findings).toEqual([]);
    expect(known).toEqual(expect.arrayContaining([...acknowledged, 'next']));
  });
});
