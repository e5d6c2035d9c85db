import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeHub, startFakeHub } from '../../src/sources/testing/index.ts';
import { dictPickle, latin1, safetensorsHeader, sparseRange, torchZip, writeGguf } from '../../src/weights/testing/index.ts';
import { heirloom, type Outcome, type RunOptions } from './cli.ts';

const GIB = 2 ** 30;
const header = safetensorsHeader({ w: { dtype: 'F32', shape: [GIB / 4], data_offsets: [0, GIB] } });
const giant = { size: header.length + GIB, pieces: [[0, header]] as const };
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const tensor = { name: 'w', key: '0', numel: 4, shape: [4], stride: [1] };
const files = {
  'config.json': text('{"model_type": "llama"}'),
  'evil.pkl': latin1("cposix\nsystem\n(S'true'\ntR."),
  'model.gguf': writeGguf({}),
  'model.safetensors': { size: giant.size, range: (start: number, end: number) => sparseRange(giant, start, end - start) },
  'pytorch_model.bin': torchZip(dictPickle([tensor]), { 0: new Uint8Array(16) }),
  'tokenizer.json': text('{"version": "1.0", "added_tokens": [], "model": {"vocab": {"a": 0}, "merges": []}}'),
};

let hub: FakeHub;
beforeAll(async () => {
  hub = await startFakeHub({ 'lab/model': files });
});
afterAll(() => hub.close());

const scan = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  heirloom(['scan', ...args], { ...options, env: { HF_ENDPOINT: hub.endpoint, HF_HOME: '/nonexistent' } });

describe('a repository on a hub', () => {
  test('is scanned file by file, by headers alone', async () => {
    hub.sent.bytes = 0;
    const { code, json } = await scan(['hf:lab/model', '--json']);
    expect(code).toBe(1);
    const verdicts = json().files.map(({ path, format, verdict }: Record<string, string>) => [path, format, verdict]);
    expect(verdicts).toEqual([
      ['hf:lab/model/config.json', 'json', 'clean'],
      ['hf:lab/model/evil.pkl', 'pickle', 'malicious'],
      ['hf:lab/model/model.gguf', 'gguf', 'clean'],
      ['hf:lab/model/model.safetensors', 'safetensors', 'clean'],
      ['hf:lab/model/pytorch_model.bin', 'pytorch', 'clean'],
      ['hf:lab/model/tokenizer.json', 'json', 'clean'],
    ]);
    expect(hub.sent.bytes).toBeLessThan(200_000);
  });

  test('gives SARIF with addresses', async () => {
    const { code, json } = await scan(['hf:lab/model', '--sarif']);
    expect(code).toBe(1);
    const [result, ...others] = json().runs[0].results;
    expect(others).toEqual([]);
    expect(result.locations[0].physicalLocation.artifactLocation.uri).toBe('hf:lab/model/evil.pkl');
  });

  test('one file of which is not to be had: the others are judged, the answer is 2 and says which', async () => {
    hub.repos['lab/gap'] = { ...files };
    const lost = `/lab/gap/resolve/${hub.commit('lab/gap')}/config.json`;
    hub.routes.set(lost, (_, response) => void response.writeHead(404).end());
    const { code, json, stderr } = await scan(['hf:lab/gap', '--json']);
    expect(code).toBe(2);
    expect(stderr).toContain('1 of 6 files could not be read');
    expect(json().files[0]).toMatchObject({
      verdict: 'unreadable',
      findings: [{ rule: 'safety/unavailable', what: expect.stringContaining('404') }],
      error: { code: 'SOURCE_NOT_FOUND' },
    });
    expect(json().files[1]).toMatchObject({ verdict: 'malicious' });
    const sarif = await scan(['hf:lab/gap', '--sarif']);
    expect(sarif.json().runs[0].invocations[0].executionSuccessful).toBe(false);
    expect((await scan(['hf:lab/gap'])).stdout).toContain('unreadable hf:lab/gap/config.json');
  });

  test('is not checked to the end when a file beside the weights is not to be had', async () => {
    hub.repos['lab/hole'] = { 'model.safetensors': files['model.safetensors'], 'tool.py': text('x = 1') };
    hub.routes.set(`/lab/hole/resolve/${hub.commit('lab/hole')}/tool.py`, (_, response) => void response.writeHead(404).end());
    const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: '/nonexistent', HEIRLOOM_REGISTER: '' };
    const { code, json } = await heirloom(['check', 'hf:lab/hole', '--json'], { env });
    expect([code, json().safety.verdict]).toEqual([2, 'unreadable']);
  });

  test('that a server gives nothing of is told in words, never with 0', async () => {
    for (const [fault, words] of [
      [{ status: { n: Infinity, code: 403 } }, 'does not let us read it'],
      [{ wrongRange: true }, 'asked for bytes'],
      [{ noRange: true }, 'content-range "none"'],
      [{ compressed: true }, 'compressed its answer'],
      [{ access: 'gated' }, 'accept its terms'],
    ] as const) {
      const sound = { ...hub.faults };
      Object.assign(hub.faults, fault);
      const { code, stdout } = await scan(['hf:lab/model']);
      Object.assign(hub.faults, sound);
      expect(code, words).toBe(2);
      expect(stdout.replace(/\s+/g, ' ').toLowerCase()).toContain(words);
    }
  });
});

describe('a file at an address', () => {
  test('is shown by its address', async () => {
    const url = hub.fileUrl('lab/model', 'evil.pkl');
    const { code, json } = await scan([url, '--json']);
    expect(code).toBe(1);
    expect(json().files).toMatchObject([{ path: url, verdict: 'malicious' }]);
    expect((await scan([url, '--sarif'])).json().runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri).toBe(url);
  });

  test('that is not there, or that no server serves, gives 2', async () => {
    expect(await scan([`${hub.endpoint}/lab/model/resolve/main/none.bin`])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('404'),
    });
    expect(await scan(['http://127.0.0.1:1/model.bin'])).toMatchObject({ code: 2, stderr: expect.stringContaining('no answer') });
  });

  test('is given up by Ctrl-C, with nothing said', async () => {
    hub.faults.silent = 1;
    const interrupt: RunOptions['during'] = (child) => {
      const timer = setInterval(() => {
        if (hub.faults.silent > 0) return;
        clearInterval(timer);
        child.kill('SIGINT');
      }, 20);
    };
    const { code, stdout, stderr } = await scan([hub.fileUrl('lab/model', 'model.safetensors')], { during: interrupt });
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain('interrupted');
  });
});
