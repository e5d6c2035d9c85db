import { describe, expect, test } from 'vitest';
import { heirloom } from './cli.ts';

describe('heirloom license show', () => {
  test('says what a license asks, with section and words, and that it is no legal advice', async () => {
    const { code, stdout, stderr } = await heirloom(['license', 'show', 'llama3.1'], { env: { COLUMNS: '100' } });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Llama 3.1 Community License Agreement');
    expect(stdout).toMatch(/^ {2}1\.b\.i {7}must begin the model name with these words: "Llama"/m);
    expect(stdout).toMatch(/^What the text does not say$/m);
    expect(stdout.match(/not legal advice/g)).toHaveLength(1);
    const ours = stdout.replace(/“[\s\S]*?”\n/g, '');
    expect(ours).not.toMatch(/violat|illegal|thief|open source/i);
  });

  test('of a name that several licenses share lists them and ends with 2', async () => {
    const { code, stdout } = await heirloom(['license', 'show', 'gemma']);
    expect(code).toBe(2);
    expect(stdout).toContain('· gemma-2025-03-24');
  });

  test('of an unknown name says so on stderr, without driving the terminal', async () => {
    const { code, stdout, stderr } = await heirloom(['license', 'show', 'llama\u001b[31m9']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('no license is known as');
    expect(stderr).not.toContain('\u001b');
  });

  test('of a text without recorded terms says that', async () => {
    const { code, stdout } = await heirloom(['license', 'show', 'isc']);
    expect(code).toBe(0);
    expect(stdout).toContain('what it says is not recorded');
  });

  test('--odrl prints a JSON-LD policy', async () => {
    const policy = (await heirloom(['license', 'show', 'apache-2.0', '--odrl'])).json();
    expect(policy).toMatchObject({ '@type': 'Set', profile: 'urn:heirloom:odrl:profile:1', title: 'Apache License 2.0' });
  });
});

describe('heirloom license diff', () => {
  test('says what only one of them asks, and which words differ', async () => {
    const { code, stdout } = await heirloom(['license', 'diff', 'gemma-2024-02-21', 'gemma-2024-04-01']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Only gemma-2024-02-21\n {2}4\.1 {9}make reasonable efforts/m);
    expect(stdout).toContain('[−february 21−] [+april 1+]');
  });

  test('of texts without recorded terms says so and compares the words', async () => {
    const { code, stdout } = await heirloom(['license', 'diff', 'bsd-3-clause', 'BSD-3-Clause-Clear']);
    expect(code).toBe(0);
    expect(stdout).toContain('What BSD-3-Clause-Clear says is not recorded, so only the words are compared.');
    expect(stdout.replace(/\s+/g, ' ')).toContain('[+no express or implied licenses to any partys patent rights are granted');
  });

  test('of a shared name lists what it may mean', async () => {
    const { code, stdout } = await heirloom(['license', 'diff', 'gemma', 'mit']);
    expect(code).toBe(2);
    expect(stdout).toContain('· gemma-2024-04-01');
  });
});
