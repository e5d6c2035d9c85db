import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string): unknown => parse(readFileSync(join(root, name), 'utf8'));
const run = promisify(execFile);
const dir = mkdtempSync(join(tmpdir(), 'heirloom-ci-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Step {
  readonly id?: string;
  readonly run?: string;
  readonly env?: Record<string, string>;
}
const action = read('action.yml') as { inputs: Record<string, { default: string }>; runs: { steps: Step[] } };

/** Runs the scanning step as the runner does: `bash -eo pipefail`, inputs as variables. */
async function runAction(inputs: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string; outputs: string }> {
  const step = action.runs.steps.find((one) => one.id === 'scan')!;
  const value = (text: string): string =>
    text
      .replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name: string) => inputs[name] ?? action.inputs[name]!.default)
      .replace('${{ github.action_path }}', root);
  const outputs = join(dir, 'outputs');
  writeFileSync(outputs, '');
  const env = Object.fromEntries(Object.entries(step.env!).map(([name, text]) => [name, value(text)]));
  const done = await run('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run!], {
    cwd: dir,
    env: { PATH: process.env['PATH'], GITHUB_OUTPUT: outputs, ...env },
  }).then(
    (answer) => ({ code: 0, ...answer }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  return { code: done.code, stdout: done.stdout, stderr: done.stderr, outputs: readFileSync(outputs, 'utf8') };
}

mkdirSync(join(dir, 'my models'));
writeFileSync(join(dir, 'my models', 'good.pkl'), 'I1\n.');
writeFileSync(join(dir, 'bad.pkl'), "cposix\nsystem\n(S'true'\ntR.");

describe('the GitHub Action', () => {
  test('passes on a folder with nothing in it to act on, and its log is one line a file', async () => {
    const { code, stdout, outputs } = await runAction({ paths: '\nmy models\n' });
    expect({ code, stdout, outputs }).toEqual({
      code: 0,
      stdout: '1 file: 1 clean\n\nclean      my models/good.pkl (pickle)\n',
      outputs: 'sarif=heirloom.sarif\n',
    });
    expect(JSON.parse(readFileSync(join(dir, 'heirloom.sarif'), 'utf8'))).toMatchObject({ version: '2.1.0' });
  });

  test('fails on findings with readable words, and writes SARIF with paths of the repository', async () => {
    const { code, stdout, outputs } = await runAction({ paths: 'my models\nbad.pkl\n', 'sarif-file': 'out.sarif' });
    expect(code).toBe(1);
    expect(stdout).toContain('The pickle calls posix.system');
    expect(outputs).toBe('sarif=out.sarif\n');
    const log = JSON.parse(readFileSync(join(dir, 'out.sarif'), 'utf8'));
    expect(log.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri).toBe('bad.pkl');
  });

  test('takes what is in its inputs for names, not for options or commands', async () => {
    const { code, stderr } = await runAction({ paths: '--help\n$(touch pwned)\n"; touch pwned; "' });
    expect(code).toBe(2);
    expect(stderr).toContain('"$(touch pwned)" does not exist');
    expect(existsSync(join(dir, 'pwned'))).toBe(false);
    expect(await runAction({ paths: 'bad.pkl', policy: 'no such policy.json' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such policy.json'),
    });
  });
});

describe('the pre-commit hook', () => {
  const [hook] = read('.pre-commit-hooks.yaml') as [{ files: string; entry: string }];
  test('is given models, templates and their configurations, and nothing else', () => {
    const files = new RegExp(hook.files);
    for (const name of ['m.pt', 'a/b.safetensors', 'x.pkl', 'config.json', 'a/tokenizer_config.json', 'chat.jinja', 'm.tar.gz'])
      expect(files.test(name), name).toBe(true);
    for (const name of ['README.md', 'a.py', 'package.json', 'tsconfig.json', 'a.ptx']) expect(files.test(name), name).toBe(false);
  });
  test('can be installed: `npm pack` prints the name of the file alone, which pre-commit takes for it', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run'], { cwd: root });
    expect(stdout).toMatch(/^heirloom-[\d.]+\.tgz\n$/);
  });
});
