import { describe, expect, test } from 'vitest';
import { hasWork, progressLine, styleOf } from './runtime.ts';

describe('color', () => {
  const terminal = { isTTY: true, columns: 120 };
  const pipe = { isTTY: false };
  test.each([
    ['is on for a terminal', {}, terminal, true],
    ['is off for a pipe', {}, pipe, false],
    ['is off for a terminal under NO_COLOR', { NO_COLOR: '1' }, terminal, false],
    ['stays on when NO_COLOR is set to nothing', { NO_COLOR: '' }, terminal, true],
    ['is on for a pipe under FORCE_COLOR', { FORCE_COLOR: '1' }, pipe, true],
    ['is off for a terminal under FORCE_COLOR=0', { FORCE_COLOR: '0' }, terminal, false],
    ['follows FORCE_COLOR when both are set, as Node does', { FORCE_COLOR: '1', NO_COLOR: '1' }, terminal, true],
    ['is off for a terminal that knows none', { TERM: 'dumb' }, terminal, false],
  ])('%s', (_, env, stream, expected) => expect(styleOf(env, stream).color).toBe(expected));

  test('width is the terminal’s, else 80', () => {
    expect(styleOf({}, terminal).columns).toBe(120);
    expect(styleOf({}, { isTTY: true }).columns).toBe(80);
    expect(styleOf({}, { isTTY: false, columns: 200 }).columns).toBe(80);
  });
});

describe('progress', () => {
  function drawn(isTerminal: boolean, ticksMs: readonly number[]): string[] {
    let now = 0;
    const out: string[] = [];
    const line = progressLine(
      (text) => out.push(text),
      isTerminal,
      () => now,
    );
    for (const tick of ticksMs) {
      now = tick;
      line.onProgress({ what: 'hashing', done: tick, total: 20_000 });
    }
    line.settle();
    return out;
  }
  const every = (ms: number, until: number): number[] => Array.from({ length: Math.floor(until / ms) }, (_, i) => (i + 1) * ms);

  test('of work under a second is not shown', () => {
    expect(drawn(true, every(10, 990))).toEqual([]);
    expect(drawn(false, every(10, 990))).toEqual([]);
  });

  test('on a terminal is one line, redrawn at most ten times a second and wiped at the end', () => {
    const out = drawn(true, every(10, 3000));
    expect(out[0]).toBe('\r\u001b[2Khashing 5 %');
    expect(out.length).toBeLessThanOrEqual(22);
    expect(out.length).toBeGreaterThan(15);
    expect(out.at(-1)).toBe('\r\u001b[2K');
    expect(out.join('')).not.toContain('\n');
  });

  test('in a log is a line every ten seconds', () => {
    expect(drawn(false, every(100, 20_000))).toEqual(['heirloom: hashing 50 %\n', 'heirloom: hashing 100 %\n']);
  });
});

test('notes are nothing to act on', () => {
  const finding = { rule: 'a/b', where: {}, what: '', why: '', fix: '' };
  expect(hasWork([])).toBe(false);
  expect(hasWork([{ ...finding, severity: 'note' }])).toBe(false);
  expect(hasWork([{ ...finding, severity: 'warning' }])).toBe(true);
});
