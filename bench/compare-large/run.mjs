// Question: what does laying two large models over each other cost, against hashing them? See README.md here.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const gb = Number(process.argv[2] ?? 2);
const folder = process.argv[3] ?? join(tmpdir(), 'heirloom-compare-large');
const cli = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'heirloom.js');
const [hidden, inter, vocab, kv] = [2048, 5632, 32_000, 512];
const names = ['base', 'tuned'];
const files = names.map((name) => join(folder, name, 'model.safetensors'));
process.on('exit', () => process.env.HEIRLOOM_BENCH_KEEP || rmSync(folder, { recursive: true, force: true }));

const layers = writeModels();
console.log(
  `bench/compare-large  node ${process.versions.node} · ${cpus().length} cores ${cpus()[0].model} · load ${loadavg()[0].toFixed(1)} · 2 files of ${statSync(files[0]).size} bytes, ${layers} layers`,
);
const hash = median(3, () => execFileSync('sha256sum', files));
const times = [];
let peak = 0;
let answer;
for (let i = 0; i < 3; i++) {
  const begun = performance.now();
  const run = await measured([cli, 'compare', join(folder, 'base'), join(folder, 'tuned'), '--full', '--json']);
  times.push((performance.now() - begun) / 1000);
  peak = Math.max(peak, run.peak);
  answer = JSON.parse(run.out);
}
const wall = times.sort((a, b) => a - b)[1];
const pass = answer.tests.find(({ test }) => test === 'full-comparison');
console.log(`sha256sum a b        ${hash.toFixed(2)} s   (median of 3)`);
console.log(
  `heirloom compare     ${wall.toFixed(2)} s   (median of 3)   ${(wall / hash).toFixed(2)} x sha256sum, at most 3   peak ${(peak / 1024).toFixed(0)} MB, at most 600`,
);
console.log(
  `  ${answer.verdict}, ${answer.kind.name}, change ${answer.kind.relativeChange?.toFixed(4)}; ${pass?.details.values} values in ${pass?.n} tensors, read ${answer.read.bytes} bytes`,
);
process.exitCode = wall <= 3 * hash && peak <= 600 * 1024 && pass?.details.shareRead === 1 ? 0 : 1;

/** Standard output, and peak resident size in KiB from the kernel's own account of the process. */
function measured(args) {
  return new Promise((resolve) => {
    let [peakSize, out] = [0, ''];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', (chunk) => (out += chunk));
    const timer = setInterval(() => {
      try {
        peakSize = Math.max(peakSize, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
      } catch {}
    }, 5);
    child.on('close', () => (clearInterval(timer), resolve({ peak: peakSize, out })));
  });
}

function median(runs, work) {
  const seconds = [];
  for (let i = 0; i < runs; i++) {
    const begun = performance.now();
    work();
    seconds.push((performance.now() - begun) / 1000);
  }
  return seconds.sort((a, b) => a - b)[runs >> 1];
}

/** A llama-shaped model of `gb` GB in bfloat16, and the same with every value moved by a few percent. No tokenizer. */
function writeModels() {
  const layerBytes = 2 * (3 * hidden * inter + 2 * hidden * hidden + 2 * hidden * kv + 2 * hidden);
  const count = Math.max(1, Math.round((gb * 1e9 - 4 * vocab * hidden) / layerBytes));
  const header = { __metadata__: { format: 'pt' } };
  let offset = 0;
  const add = (name, ...shape) => {
    header[`${name}.weight`] = { dtype: 'BF16', shape, data_offsets: [offset, (offset += 2 * shape.reduce((x, y) => x * y, 1))] };
  };
  add('lm_head', vocab, hidden);
  add('model.embed_tokens', vocab, hidden);
  for (let i = 0; i < count; i++) {
    const p = `model.layers.${i}.`;
    add(`${p}input_layernorm`, hidden);
    add(`${p}mlp.down_proj`, hidden, inter);
    add(`${p}mlp.gate_proj`, inter, hidden);
    add(`${p}mlp.up_proj`, inter, hidden);
    add(`${p}post_attention_layernorm`, hidden);
    for (const [name, rows] of [
      ['k', kv],
      ['o', hidden],
      ['q', hidden],
      ['v', kv],
    ])
      add(`${p}self_attn.${name}_proj`, rows, hidden);
  }
  add('model.norm', hidden);
  let json = JSON.stringify(header);
  json += ' '.repeat((8 - (json.length % 8)) % 8);
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: hidden,
    intermediate_size: inter,
    num_attention_heads: 32,
    num_key_value_heads: (32 * kv) / hidden,
    num_hidden_layers: count,
    vocab_size: vocab,
  };
  // Blocks of a length prime to every row, repeated: no two tensors hold the same values in the same places.
  const length = 33_554_393;
  const [base, tuned] = [new Uint16Array(length), new Uint16Array(length)];
  const word = new Float32Array(1);
  const bits = new Uint32Array(word.buffer);
  const round = (value) => ((word[0] = value), (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16);
  let state = 1;
  const normal = () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296;
    return sum;
  };
  for (let i = 0; i < length; i++) {
    const value = 0.08 * normal();
    base[i] = round(value);
    tuned[i] = round(value + 0.004 * normal());
  }
  names.forEach((name, side) => {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'config.json'), JSON.stringify(config));
    const handle = openSync(files[side], 'w');
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(json.length));
    writeSync(handle, head);
    writeSync(handle, json);
    const block = Buffer.from((side === 0 ? base : tuned).buffer);
    for (let left = offset; left > 0;) left -= writeSync(handle, block, 0, Math.min(left, block.length));
    closeSync(handle);
  });
  return count;
}
