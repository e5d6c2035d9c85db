import { expect, test } from 'vitest';
import { SourceError } from '../base/index.ts';
import { exitCodeOf, machineAnswer, tryEach } from './inputs.ts';
import type { Runtime } from './runtime.ts';

function quiet(signal: AbortSignal = new AbortController().signal): { runtime: Runtime; notes: string[] } {
  const notes: string[] = [];
  const runtime = {
    watch: { signal },
    style: { color: false, columns: 80 },
    print: () => {},
    note: (text: string) => void notes.push(text),
    settle: () => {},
  };
  return { runtime, notes };
}

test('one input that fails is told and does not stop the others', async () => {
  const { runtime, notes } = quiet();
  const tried = await tryEach(['a', 'bad', 'c'], runtime, async (input) => {
    if (input === 'bad') throw new SourceError('SOURCE_NOT_FOUND', '"bad" does not exist', { hint: 'look again' });
    return { letter: input };
  });
  expect(notes).toEqual(['heirloom: "bad" does not exist\n  hint: look again']);
  expect(machineAnswer('s/1', 'path', tried, (answer) => answer)).toEqual({
    schema: 's/1',
    files: [
      { letter: 'a' },
      { path: 'bad', error: { code: 'SOURCE_NOT_FOUND', message: '"bad" does not exist', hint: 'look again' } },
      { letter: 'c' },
    ],
  });
  expect(exitCodeOf(tried, () => true)).toBe(2);
});

test('an answer to one input is an object of its own', async () => {
  const { runtime } = quiet();
  const tried = await tryEach(['a'], runtime, async () => ({ schema: 'own/1' }));
  expect(machineAnswer('s/1', 'path', tried, (answer) => answer)).toEqual({ schema: 'own/1' });
  expect([exitCodeOf(tried, () => true), exitCodeOf(tried, () => false)]).toEqual([1, 0]);
});

test('a mistake of ours is called one', async () => {
  const { runtime, notes } = quiet();
  const [one] = await tryEach(['a'], runtime, () => Promise.reject(new TypeError('x is undefined')));
  expect(one).toMatchObject({ error: { code: 'INTERNAL', message: 'something is wrong in Heirloom itself: x is undefined' } });
  expect(notes[0]).toContain('HEIRLOOM_DEBUG=1');
});

test('an interruption ends the run', async () => {
  const stop = new AbortController();
  const { runtime } = quiet(stop.signal);
  const seen: string[] = [];
  const work = (input: string): Promise<never> => {
    seen.push(input);
    stop.abort(new Error('interrupted'));
    return Promise.reject(stop.signal.reason as Error);
  };
  await expect(tryEach(['a', 'b'], runtime, work)).rejects.toThrow('interrupted');
  expect(seen).toEqual(['a']);
});
