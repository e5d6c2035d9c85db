import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heirloom, type Outcome, ROOT, scratch, shared } from './cli.ts';

const dir = scratch();
const model = (): string => shared('lineage-corpus/DA');

/** A made-up input of this name. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

describe('usage', () => {
  test('--help explains every command and exits 0', async () => {
    const { code, stdout, stderr } = await heirloom(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of ['check', 'compare', 'sketch', 'register', 'license', 'scan', 'credit']) {
      expect(stdout).toContain(`  ${command}`);
      const help = await heirloom([command, '--help']);
      expect([help.code, help.stderr]).toEqual([0, '']);
    }
  });

  test('--version is the package’s', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await heirloom(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  test.each([
    ['no command', []],
    ['an unknown command', ['chekc', 'x']],
    ['an unknown flag', ['check', 'x', '--jsno']],
    ['no model', ['check']],
    ['one model to compare', ['compare', 'x']],
    ['a third model to compare', ['compare', 'x', 'y', 'z']],
    ['two models and a list', ['compare', 'x', 'y', '--pairs', 'z']],
    ['a flag without its value', ['check', 'x', '--html']],
    ['a sketch without a place', ['sketch', 'x']],
    ['one name for two models', ['register', 'add', 'x', 'y', '--name', 'z']],
    ['an unknown subcommand', ['register', 'drop', 'x']],
    ['an act no license speaks of', ['license', 'duties', 'x', '--as', 'host,frobnicate']],
  ])('with %s is an error that exits 2 and prints nothing on stdout', async (_, args) => {
    const { code, stdout, stderr } = await heirloom(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toBe('');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('an input that cannot be read', () => {
  const header = (text: string): Uint8Array => {
    const bytes = new Uint8Array(8 + text.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(new TextEncoder().encode(text), 8);
    return bytes;
  };
  const inputs: [string, () => string][] = [
    ['a path that is not there', () => join(dir, 'nowhere')],
    ['a name that is no path', () => 'owner/name'],
    ['an empty name', () => ''],
    ['an empty file', () => file('empty.safetensors', '')],
    ['a web page saved as a model', () => file('model.onnx', '<!DOCTYPE html><html><body>Not found</body></html>')],
    ['a Git LFS pointer', () => file('pointer.safetensors', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n')],
    [
      'a header that is cut off',
      () => file('cut.safetensors', header('{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}').subarray(0, 30)),
    ],
    ['tensors beyond the end', () => file('short.safetensors', header('{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'))],
    ['an impossible header length', () => file('huge.safetensors', new Uint8Array(16).fill(255))],
    ['a GGUF that ends early', () => file('cut.gguf', new TextEncoder().encode('GGUF\u0003\u0000\u0000'))],
    ['text', () => file('notes.txt', 'hello')],
    [
      'a folder without a model',
      () => {
        mkdirSync(join(dir, 'nothing'), { recursive: true });
        return join(dir, 'nothing');
      },
    ],
    [
      'a link to nothing',
      () => {
        symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling'));
        return join(dir, 'dangling');
      },
    ],
    ['a device', () => '/dev/null'],
    ['a path through a file', () => join(file('plain.txt', 'x'), 'below')],
    ['a name too long for any disk', () => join(dir, 'x'.repeat(5000))],
    [
      'a pipe nobody writes to',
      () => {
        execFileSync('mkfifo', [join(dir, 'pipe')]);
        return join(dir, 'pipe');
      },
    ],
    [
      'a folder whose weights are such a pipe',
      () => {
        mkdirSync(join(dir, 'piped'));
        execFileSync('mkfifo', [join(dir, 'piped', 'model.safetensors')]);
        return join(dir, 'piped');
      },
    ],
    ['a model on a server that is not there', () => 'http://127.0.0.1:9/model.safetensors'],
  ];

  test.each(inputs)('(%s) is one or two lines on stderr, an error object with --json, and exit 2', async (_, make) => {
    const input = make();
    const person = await heirloom(['check', input]);
    expect([person.code, person.stdout]).toEqual([2, '']);
    expect(person.stderr).toMatch(/^heirloom: .+\n( {2}hint: .+\n)?$/);
    const machine = await heirloom(['check', input, '--json']);
    expect(machine.code).toBe(2);
    expect(machine.json()).toMatchObject({
      locator: input,
      error: { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) },
    });
    expect(machine.json().error.code).not.toBe('INTERNAL');
  });

  test('shows no control characters of a file name on the terminal', async () => {
    const { stderr } = await heirloom(['check', join(dir, 'a\u001b[31mred')]);
    expect(stderr).not.toContain('\u001b');
  });

  test('shows its stack under HEIRLOOM_DEBUG=1 only', async () => {
    const args = ['check', join(dir, 'nowhere')];
    expect((await heirloom(args, { env: { HEIRLOOM_DEBUG: '1' } })).stderr).toMatch(/^\s+at /m);
    expect((await heirloom(args)).stderr).not.toMatch(/^\s+at /m);
  });

  test('is an error object of commands over one model too', async () => {
    for (const args of [
      ['compare', model(), join(dir, 'nowhere')],
      ['sketch', join(dir, 'nowhere'), '-o', join(dir, 'x')],
      ['credit', join(dir, 'nowhere')],
    ]) {
      const { code, json } = await heirloom([...args, '--json']);
      expect([code, json().schema, json().error.code]).toEqual([2, 'heirloom-error/1', 'SOURCE_NOT_FOUND']);
    }
  });
});

describe('weights that were cut off', () => {
  test('are named as broken by compare, whatever documents lie beside them', async () => {
    const cut = join(dir, 'cut-off');
    mkdirSync(cut, { recursive: true });
    const whole = shared('lineage-corpus/DA');
    writeFileSync(join(cut, 'config.json'), readFileSync(join(whole, 'config.json')));
    writeFileSync(join(cut, 'model.safetensors'), readFileSync(join(whole, 'model.safetensors')).subarray(0, 60_000));
    const { code, json } = await heirloom(['compare', whole, cut, '--json']);
    expect(code).toBe(2);
    expect(json().error).toMatchObject({ code: expect.stringMatching(/^WEIGHTS_/), where: { file: 'model.safetensors' } });
    // Both files have the same name: the message says whose it is.
    expect(json().error.message).toContain(`second model (${cut})`);
    expect((await heirloom(['compare', cut, whole])).stderr).toContain(`first model (${cut})`);
  });
});

describe('a hub', () => {
  async function emptyHub(): Promise<{ server: Server; endpoint: string }> {
    const server = createServer((_, response) => {
      response
        .writeHead(404, { 'content-type': 'application/json', 'x-error-code': 'RepoNotFound' })
        .end('{"error":"Repository not found"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  test('that holds no such model is named in the error', async () => {
    const { server, endpoint } = await emptyHub();
    const { code, json } = await heirloom(['check', 'hf:nobody/nothing', '--json'], {
      env: { HF_ENDPOINT: endpoint, HF_HOME: join(dir, 'hf') },
    });
    server.close();
    expect(code).toBe(2);
    expect(json().error.message).toContain('nobody/nothing');
  });
});

describe('what reaches a terminal', () => {
  test('is colored only when asked for, and never as JSON', async () => {
    const colored = (outcome: Outcome): boolean => outcome.stdout.includes('\u001b[');
    expect(colored(await heirloom(['check', model()]))).toBe(false);
    expect(colored(await heirloom(['check', model()], { env: { FORCE_COLOR: '1' } }))).toBe(true);
    expect(colored(await heirloom(['check', model(), '--json'], { env: { FORCE_COLOR: '1' } }))).toBe(false);
  });

  test('fits 80 columns when nobody says otherwise', async () => {
    const { stdout } = await heirloom(['check', model()]);
    const prose = stdout.split('\n').filter((line) => !/\S{50}/.test(line));
    expect(prose.length).toBeGreaterThan(10);
    for (const line of prose) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('an interruption', () => {
  /** A server that says how large the file is and then never sends a byte of it; `asked` once the program wants one. */
  async function silentServer(): Promise<{ server: Server; url: string; asked: Promise<void> }> {
    let ask = (): void => {};
    const asked = new Promise<void>((resolve) => (ask = resolve));
    const server = createServer((request, response) => {
      ask();
      const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '');
      response.writeHead(range ? 206 : 200, {
        'accept-ranges': 'bytes',
        'content-length': range ? Number(range[2]) - Number(range[1]) + 1 : 1 << 30,
        ...(range && { 'content-range': `bytes ${range[1]}-${range[2]}/${1 << 30}` }),
      });
      response.flushHeaders();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors`, asked };
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('by %s exits 130 without waiting for an answer, and leaves no file behind', async (signal) => {
    const { server, url, asked } = await silentServer();
    const out = join(dir, `interrupted-${signal}`);
    mkdirSync(out);
    const outcome = await heirloom(['sketch', url, '-o', join(out, 'a.hlsk')], {
      during: (child) => void asked.then(() => child.kill(signal)),
    });
    server.closeAllConnections();
    server.close();
    expect([outcome.code, outcome.signal, outcome.stdout]).toEqual([130, null, '']);
    expect(outcome.stderr).toContain('interrupted');
    expect(readdirSync(out)).toEqual([]);
  });

  test('of the reader ends the program quietly', async () => {
    const list = file('many.jsonl', '');
    for (let i = 0; i < 40; i++) appendFileSync(list, `{"a":"${model()}","b":"${model()}"}\n`);
    const { stderr, code } = await heirloom(['compare', '--pairs', list], {
      during: (child) => child.stdout?.once('data', () => child.stdout?.destroy()),
    });
    expect([stderr, code]).toEqual(['', 0]);
  });
});

describe('other commands', () => {
  test('scan answers for each file, and a failing path is one of the answers', async () => {
    const missing = join(dir, 'gone');
    const { code, json } = await heirloom(['scan', join(model(), 'model.safetensors'), missing, '--json']);
    expect(code).toBe(2);
    expect(json().files).toMatchObject([
      { path: join(model(), 'model.safetensors'), format: 'safetensors', verdict: 'clean', findings: [] },
      { path: missing, verdict: 'unreadable', error: { code: 'SOURCE_NOT_FOUND' } },
    ]);
  });

  test('scan of a pickle that runs code exits 1', async () => {
    // protocol 0: os.system("true")
    const evil = file('evil.pkl', 'cos\nsystem\n(S"true"\ntR.');
    const { code, json } = await heirloom(['scan', evil, '--json']);
    expect(code).toBe(1);
    expect(json().files[0]).toMatchObject({ path: evil, verdict: 'malicious' });
    expect(json().files[0].findings.length).toBeGreaterThan(0);
  });

  test('license identify names this project’s own license, unmodified', async () => {
    const { code, json } = await heirloom(['license', 'identify', join(ROOT, 'LICENSE'), '--json']);
    expect(code).toBe(0);
    expect(json().schema).toBe('heirloom-license-identify/1');
    expect(json().files[0].licenses[0]).toMatchObject({ id: 'Apache-2.0', modified: false, by: 'text' });
  });

  test('license identify sees a changed word', async () => {
    // The copyright grant's "non-exclusive": a word that counts.
    const changed = file('LICENSE', readFileSync(join(ROOT, 'LICENSE'), 'utf8').replace('non-exclusive', 'exclusive'));
    const { json } = await heirloom(['license', 'identify', changed, join(dir, 'none'), '--json']);
    expect(json().files[0].licenses[0]).toMatchObject({ id: 'Apache-2.0', modified: true });
    expect(json().files[0].licenses[0].differs.length).toBeGreaterThan(0);
    expect(json().files[1].error.code).toBe('SOURCE_NOT_FOUND');
  });

  test('license duties and credit answer in one JSON object', async () => {
    const duties = await heirloom(['license', 'duties', model(), '--json']);
    expect(duties.json()).toMatchObject({
      schema: 'heirloom-license-duties/1',
      duties: expect.any(Array),
      conflicts: expect.any(Array),
      drift: expect.any(Array),
    });
    const hosting = await heirloom(['license', 'duties', model(), '--as', 'host', '--json']);
    for (const duty of hosting.json().duties) expect(duty.when).toContain('host');
    const credit = await heirloom(['credit', model(), '--json']);
    expect(credit.json()).toMatchObject({ schema: 'heirloom-credit/1', missing: expect.any(Array), written: [] });
  });
});
