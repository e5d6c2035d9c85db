// Question: what does a sketch of a large model cost? See README.md here.
import { execFileSync, spawn } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync, closeSync } from 'node:fs';
import { createServer } from 'node:http';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const gib = Number(process.argv[2] ?? 8);
const folder = process.argv[3] ?? join(tmpdir(), 'heirloom-bench');
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const cli = join(root, 'bin', 'heirloom.js');
const file = join(folder, `synthetic-${gib}gib.safetensors`);
mkdirSync(folder, { recursive: true });
if (!existsSync(file)) writeModel(file, gib);

console.log(
  `bench/sketch-large  node ${process.versions.node} · ${cpus().length} cores ${cpus()[0].model} · load ${loadavg()[0].toFixed(1)} · file ${statSync(file).size} bytes`,
);
const out = join(folder, 'out.sketch');
const startup = median(5, () => execFileSync(process.execPath, ['-e', '0']));
const hash = median(3, () => execFileSync('sha256sum', [file]));
let answer;
const sketch = median(
  5,
  () => (answer = JSON.parse(execFileSync(process.execPath, [cli, 'sketch', file, '-o', out, '--json'], { encoding: 'utf8' }))),
);
const peak = await peakMemory([cli, 'sketch', file, '-o', out, '--json']);
const size = statSync(file).size;
console.log(`node -e 0            ${startup.toFixed(3)} s`);
console.log(`sha256sum            ${hash.toFixed(3)} s`);
console.log(
  `heirloom sketch      ${sketch.toFixed(3)} s   (${((100 * sketch) / hash).toFixed(1)} % of sha256sum)   peak ${(peak / 1024).toFixed(0)} MB`,
);
console.log(
  `  local   read ${answer.read.bytes} bytes (${((100 * answer.read.bytes) / size).toFixed(3)} %) in ${answer.read.requests} reads; sketch ${answer.sketchBytes} bytes`,
);
await overHttp();

async function overHttp() {
  let requests = 0;
  let bytes = 0;
  const server = createServer((request, response) => {
    requests++;
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const [start, end] = range ? [Number(range[1]), Math.min(Number(range[2]), size - 1)] : [0, size - 1];
    const headers = { etag: '"bench"', 'accept-ranges': 'bytes', 'content-length': String(end - start + 1) };
    if (request.method === 'HEAD') return response.writeHead(200, { ...headers, 'content-length': String(size) }).end();
    bytes += end - start + 1;
    response.writeHead(range ? 206 : 200, range ? { ...headers, 'content-range': `bytes ${start}-${end}/${size}` } : headers);
    createReadStream(file, { start, end }).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/model.safetensors`;
  const begun = performance.now();
  const code = await new Promise((resolve) =>
    spawn(process.execPath, [cli, 'sketch', url, '-o', out, '--json'], { stdio: ['ignore', 'ignore', 'inherit'] }).on('exit', resolve),
  );
  const seconds = (performance.now() - begun) / 1000;
  console.log(
    `  by HTTP exit ${code}, ${requests} requests, ${bytes} bytes (${((100 * bytes) / size).toFixed(3)} %), ${seconds.toFixed(2)} s (counted by the server)`,
  );
  server.close();
}

/** Peak resident size in KiB, from the kernel's own account of the process. */
function peakMemory(args) {
  return new Promise((resolve) => {
    let peak = 0;
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const timer = setInterval(() => {
      try {
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
      } catch {}
    }, 5);
    child.on('exit', () => (clearInterval(timer), resolve(peak)));
  });
}

function median(runs, work) {
  const times = [];
  for (let i = 0; i < runs; i++) {
    const begun = performance.now();
    work();
    times.push((performance.now() - begun) / 1000);
  }
  return times.sort((a, b) => a - b)[runs >> 1];
}

function writeModel(path, size) {
  const [hidden, inter, vocab, kv] = [4096, 14336, 32000, 1024];
  const layerBytes = 2 * (hidden * inter * 3 + hidden * hidden * 2 + hidden * kv * 2 + 2 * hidden);
  const layers = Math.max(1, Math.round((size * 2 ** 30 - 4 * vocab * hidden) / layerBytes));
  const header = { __metadata__: { format: 'pt' } };
  let offset = 0;
  const add = (name, shape) => {
    const bytes = 2 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, (offset += bytes)] };
  };
  add('lm_head.weight', [vocab, hidden]);
  add('model.embed_tokens.weight', [vocab, hidden]);
  for (let i = 0; i < layers; i++) {
    const p = `model.layers.${i}.`;
    add(`${p}input_layernorm.weight`, [hidden]);
    add(`${p}mlp.down_proj.weight`, [hidden, inter]);
    add(`${p}mlp.gate_proj.weight`, [inter, hidden]);
    add(`${p}mlp.up_proj.weight`, [inter, hidden]);
    add(`${p}post_attention_layernorm.weight`, [hidden]);
    add(`${p}self_attn.k_proj.weight`, [kv, hidden]);
    add(`${p}self_attn.o_proj.weight`, [hidden, hidden]);
    add(`${p}self_attn.q_proj.weight`, [hidden, hidden]);
    add(`${p}self_attn.v_proj.weight`, [kv, hidden]);
  }
  add('model.norm.weight', [hidden]);
  let json = JSON.stringify(header);
  json += ' '.repeat((8 - (json.length % 8)) % 8);
  const handle = openSync(path, 'w');
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(json.length));
  writeSync(handle, head);
  writeSync(handle, json);
  // One 64 MiB block of bf16 noise, shifted a little each time it is written.
  const block = Buffer.alloc(64 << 20);
  for (let i = 0; i < block.length; i += 2)
    block.writeUInt16LE(((Math.random() < 0.5 ? 0x8000 : 0) | (0x3c00 + Math.floor(Math.random() * 0x180))) & 0xffff, i);
  for (let left = offset; left > 0;) left -= writeSync(handle, block, 0, Math.min(left, block.length));
  closeSync(handle);
  process.on('exit', () => process.env.HEIRLOOM_BENCH_KEEP || rmSync(path, { force: true }));
}
