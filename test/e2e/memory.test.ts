import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { joinBytes, latin1, le, safetensorsHeader, zipBytes } from '../../src/weights/testing/index.ts';

/** What the process takes with everything loaded, and what files may make it take besides. */
const BASE = 110;
const ALLOWED = 256;

const folder = mkdtempSync(join(tmpdir(), 'heirloom-memory-'));
const dist = pathToFileURL(join(import.meta.dirname, '../../dist')).href;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `head`, then zeros to `size`. */
function holes(name: string, head: Uint8Array, size: number): void {
  const handle = openSync(join(folder, name), 'w');
  writeSync(handle, head);
  ftruncateSync(handle, size);
  closeSync(handle);
}
const many = (unit: string, times: number): Uint8Array => Buffer.alloc(unit.length * times, unit, 'latin1');

const FILES: readonly (readonly [name: string, write: (name: string) => void])[] = [
  ['zeros.safetensors', (name) => holes(name, joinBytes(le(8, 99_000_000), latin1('{')), 100_000_000)],
  ['objects.safetensors', (name) => writeFileSync(join(folder, name), safetensorsHeader(`{"a":[${'{},'.repeat(2_000_000)}0]}`))],
  [
    'keys.safetensors',
    (name) =>
      writeFileSync(
        join(folder, name),
        safetensorsHeader(`{${Array.from({ length: 400_000 }, (_, i) => `"k${i}":{"q${i}":0}`).join(',')}}`),
      ),
  ],
  // An array of 100 million texts of no length.
  [
    'texts.gguf',
    (name) =>
      holes(name, joinBytes(latin1('GGUF'), le(4, 3), le(8, 0, 1), le(8, 1), latin1('k'), le(4, 9, 8), le(8, 100_000_000)), 800_000_100),
  ],
  ['tensors.gguf', (name) => holes(name, joinBytes(latin1('GGUF'), le(4, 3), le(8, 1_000_000, 0)), 64_000_000)],
  [
    'tuples.pkl',
    (name) => writeFileSync(join(folder, name), joinBytes(latin1('\x80\x02]('), many('K\x01K\x02\x86', 2_500_000), latin1('e.'))),
  ],
  ['memo.pkl', (name) => writeFileSync(join(folder, name), joinBytes(latin1('\x80\x04N'), many('\x94', 13_000_000), latin1('.')))],
  ['long.pkl', (name) => holes(name, latin1('\x80\x02X\xff\xff\xff\x7f'), 2 ** 31 + 10)],
  [
    'bomb.pt',
    (name) => {
      const data = deflateRawSync(new Uint8Array(60_000_000));
      writeFileSync(join(folder, name), zipBytes([{ name: 'a/data.pkl', data, method: 8, size: 60_000_000 }]));
    },
  ],
  [
    'members.pt',
    (name) =>
      writeFileSync(join(folder, name), zipBytes(Array.from({ length: 20_000 }, (_, i) => ({ name: `m${i}`, data: new Uint8Array(0) })))),
  ],
  [
    'huge.npy',
    (name) => {
      const header = "{'descr': '<f4', 'fortran_order': True, 'shape': (100000, 1000000), }\n";
      holes(name, joinBytes(latin1('\x93NUMPY\x01\x00'), le(2, header.length), latin1(header)), 400_000_100_000);
    },
  ],
  ['fields.onnx', (name) => writeFileSync(join(folder, name), joinBytes(Uint8Array.of(8, 8), many('\x3a\x00', 1_000_000)))],
  ['nodes.pb', (name) => writeFileSync(join(folder, name), many('\x0a\x00', 1_000_000))],
  ['layers.caffemodel', (name) => writeFileSync(join(folder, name), joinBytes(Uint8Array.of(10, 1, 97), many('\xa2\x06\x00', 1_000_000)))],
  ['holes.h5', (name) => holes(name, joinBytes(latin1('\x89HDF\r\n\x1a\n'), new Uint8Array(5), Uint8Array.of(8, 8, 0)), 2_000_000_000)],
  [
    'tokenizer.json',
    (name) =>
      writeFileSync(join(folder, name), `{"model":{"vocab":{${Array.from({ length: 1_500_000 }, (_, i) => `"t${i}":${i}`).join(',')}}}}`),
  ],
];
beforeAll(() => FILES.forEach(([name, write]) => write(name)));

const SCRIPT = `
  const { openTree } = await import('${dist}/sources/index.js');
  const { readModel } = await import('${dist}/model/index.js');
  const { scanTree } = await import('${dist}/safety/index.js');
  const answers = [];
  const attempt = async (work) => {
    try { return await work(); }
    catch (error) { if (!/^(WEIGHTS|MODEL|SOURCE|JSON)_/.test(error.code)) throw error; return error.code; }
  };
  for (const path of process.argv.slice(1)) {
    const started = process.cpuUsage();
    const tree = await openTree(path);
    const model = await attempt(async () => {
      const { checkpoint, tokens } = await readModel(tree);
      await tokens();
      for (const tensor of checkpoint?.tensors.slice(0, 3) ?? []) await checkpoint.readRows(tensor, 0, Math.min(1, tensor.shape[0] ?? 1));
      return 'read';
    });
    const scan = await attempt(async () => (await scanTree(tree)).verdict);
    await tree.close();
    const { user, system } = process.cpuUsage(started);
    answers.push({ name: tree.name, model, scan, seconds: (user + system) / 1e6, peak: process.resourceUsage().maxRSS / 1024 });
  }
  console.log(JSON.stringify(answers));
`;

test('files that claim or hold too much are read and scanned, in every format, in less than 256 MiB', () => {
  const files = FILES.map(([name]) => join(folder, name));
  const child = spawnSync(process.execPath, ['--max-old-space-size=256', '--input-type=module', '-e', SCRIPT, ...files], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(child.stderr).toBe('');
  const answers = JSON.parse(child.stdout) as { name: string; model: string; scan: string; seconds: number; peak: number }[];
  expect(answers.map((answer) => answer.name)).toEqual(FILES.map(([name]) => name));
  for (const { name, seconds, peak } of answers) {
    expect(peak, name).toBeLessThan(BASE + ALLOWED);
    expect(seconds, name).toBeLessThan(10);
  }
  // A lone tokenizer is a model's document; nothing else here is one.
  expect(answers.filter((answer) => answer.model === 'read').map((answer) => answer.name)).toEqual(['tokenizer.json']);
});
