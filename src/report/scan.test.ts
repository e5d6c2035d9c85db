import { describe, expect, test } from 'vitest';
import type { FileSafety } from '../safety/index.ts';
import { renderScan } from './index.ts';
import { finding } from './testing/parts.ts';
import { DRIVES } from './testing/hostile.ts';
import { displayWidth } from './text.ts';

const plain = { color: false, columns: 80 };
const clean = (path: string): FileSafety => ({ path, format: 'json', verdict: 'clean', findings: [] });
const call = (path: string, byte: number): FileSafety['findings'][number] => ({
  rule: 'safety/pickle-dangerous-global',
  severity: 'error',
  where: { file: `${path}!m/data.pkl`, byte },
  what: 'the pickle calls posix.system, which runs programs',
  why: 'loading the file gives its author the rights of whoever loads it',
  fix: 'do not load the file',
  source: 'CWE-502',
  evidence: { opcode: 'REDUCE', callable: 'posix.system', argument: '("id")', member: 'm/data.pkl' },
});
const bad = (path: string): FileSafety => ({ path, format: 'pytorch', verdict: 'malicious', findings: [call(path, 7), call(path, 90)] });

describe('a scan on the terminal', () => {
  test('counts, then tells the gravest files first and what a rule means once', () => {
    expect(renderScan([clean('a.json'), bad('b.pt'), bad('c.pt')], [], plain)).toBe(`3 files: 2 malicious, 1 clean

malicious  b.pt (pytorch)
  error safety/pickle-dangerous-global
    m/data.pkl, byte 7, REDUCE: The pickle calls posix.system, which runs
    programs. Given: ("id")
    m/data.pkl, byte 90, REDUCE: The pickle calls posix.system, which runs
    programs. Given: ("id")
    why: Loading the file gives its author the rights of whoever loads it.
    fix: do not load the file
    source: CWE-502

malicious  c.pt (pytorch)
  error safety/pickle-dangerous-global
    m/data.pkl, byte 7, REDUCE: The pickle calls posix.system, which runs
    programs. Given: ("id")
    m/data.pkl, byte 90, REDUCE: The pickle calls posix.system, which runs
    programs. Given: ("id")

clean      a.json (json)
`);
  });

  test('counts clean files when there are many, and keeps within its bounds', () => {
    const many = Array.from({ length: 300 }, (_, i) => clean(`folder/${i}.json`));
    expect(renderScan(many, [], plain)).toBe('300 files: 300 clean\n');
    expect(renderScan([bad('b.pt'), ...many], [], plain)).toMatch(/\n\nclean      300 files with nothing to tell\n$/);
    expect(renderScan([], [], plain)).toBe('0 files\n');
    const grave = Array.from({ length: 5000 }, (_, i) => bad(`${i}.pt`));
    expect(renderScan(grave, [], plain).split('\n').length).toBeLessThan(2000);
  });

  test('of 40 columns is 40 columns wide and never drives the terminal', () => {
    const hostile = `models/\u001b[31m${'very-long-name-'.repeat(9)}\u202e.pt`;
    const error = { code: 'SOURCE_HTTP', message: `${hostile}: no answer`, hint: 'try again later' };
    const files = [bad(hostile), { ...clean(hostile), verdict: 'unreadable' as const, error }];
    const out = renderScan(files, [finding()], { color: false, columns: 40 });
    expect(out).not.toMatch(DRIVES);
    expect(out.split('\n').filter((line) => displayWidth(line) > 40)).toEqual([]);
  });
});
