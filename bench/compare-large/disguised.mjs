// Question: what does it cost to find a fully disguised 2 GB model, or to find nothing in a stranger, against hashing both? See README.md here.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const layers = Number(process.argv[2] ?? 16);
const folder = process.argv[3] ?? join(tmpdir(), 'heirloom-compare-disguised');
const cli = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'heirloom.js');
const [width, neurons, vocabulary, values] = [2048, 8192, 32_000, 512];
process.on('exit', () => process.env.HEIRLOOM_BENCH_KEEP || rmSync(folder, { recursive: true, force: true }));

writeModel('base', 1, (rows) => rows);
writeModel('stranger', 2, (rows) => rows);
writeModel('disguised', 1, disguise);
const files = (other) => ['base', other].map((name) => join(folder, name, 'model.safetensors'));
console.log(
  `bench/compare-large/disguised  node ${process.versions.node} · ${cpus().length} cores ${cpus()[0].model} · load ${loadavg()[0].toFixed(1)} · files of ${statSync(files('disguised')[0]).size} bytes`,
);
for (const other of ['disguised', 'stranger']) {
  const begun = performance.now();
  execFileSync('sha256sum', files(other));
  const hash = (performance.now() - begun) / 1000;
  const { seconds, peak, answer } = await compare(other);
  console.log(
    `${other.padEnd(10)} sha256sum a b ${hash.toFixed(1)} s   compare ${seconds.toFixed(1)} s   ${(seconds / hash).toFixed(1)} x, at most 15   peak ${(peak / 1024).toFixed(0)} MB, at most 600   ${answer.verdict}, matched ${answer.tests.find(({ test }) => test === 'neuron-agreement')?.statistic.value} neurons`,
  );
  if (seconds > 15 * hash || peak > 600 * 1024) process.exitCode = 1;
}

function compare(other) {
  return new Promise((resolve) => {
    const begun = performance.now();
    let [peak, out] = [0, ''];
    const child = spawn(process.execPath, [cli, 'compare', join(folder, 'base'), join(folder, other), '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.on('data', (chunk) => (out += chunk));
    const timer = setInterval(() => {
      try {
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
      } catch {}
    }, 20);
    child.on('close', () => {
      clearInterval(timer);
      resolve({ seconds: (performance.now() - begun) / 1000, peak, answer: JSON.parse(out) });
    });
  });
}

/** Normal numbers of one tensor: Irwin and Hall's sum of four, of a generator seeded by its place. */
function draw(seed, place, count) {
  let state = (Math.imul(seed, 2_654_435_761) ^ Math.imul(place + 1, 40_503)) >>> 0;
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let sum = -2;
    for (let k = 0; k < 4; k++) sum += (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296;
    out[i] = 0.05 * sum;
  }
  return out;
}

/** Rows in the hidden space, mixed by 45 degrees at distances 1 to 1,024: every channel ends up in every other. */
function turn(rows) {
  for (let step = 1; step < width; step *= 2)
    for (let at = 0; at < rows.length; at++) {
      if (at & step) continue;
      const [x, y] = [rows[at], rows[at + step]];
      rows[at] = (x - y) * Math.SQRT1_2;
      rows[at + step] = (x + y) * Math.SQRT1_2;
    }
  return rows;
}

/** The hidden space rotated, neurons in another order, up- and down-projections scaled against each other, and every value moved. */
function disguise(rows, role, block) {
  const moved = draw(77, block * 10 + role.length, rows.length);
  for (let i = 0; i < rows.length; i++) rows[i] += 0.1 * moved[i];
  turn(rows);
  if (!['gate', 'up', 'down'].includes(role)) return rows;
  const out = new Float32Array(rows.length);
  for (let i = 0; i < neurons; i++) {
    // 5,003 has no factor in common with 8,192: every neuron gets a place of its own.
    const from = (i * 5003 + 17 * block) % neurons;
    const scale = role === 'up' ? 1 + (i % 7) / 4 : role === 'down' ? 1 / (1 + (i % 7) / 4) : 1;
    for (let j = 0; j < width; j++) out[i * width + j] = rows[from * width + j] * scale;
  }
  return out;
}

/** A Llama-shaped model, tied head, gains of one. `change` sees every matrix as rows in the hidden space. */
function writeModel(name, seed, change) {
  mkdirSync(join(folder, name), { recursive: true });
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: width,
    intermediate_size: neurons,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    head_dim: 64,
    num_hidden_layers: layers,
    vocab_size: vocabulary,
    tie_word_embeddings: true,
  };
  writeFileSync(join(folder, name, 'config.json'), JSON.stringify(config));
  const list = [['model.embed_tokens', 'embed', 0, vocabulary]];
  for (let i = 0; i < layers; i++)
    for (const [part, role, rows] of [
      ['input_layernorm', 'gain', 1],
      ['mlp.gate_proj', 'gate', neurons],
      ['mlp.up_proj', 'up', neurons],
      ['mlp.down_proj', 'down', neurons],
      ['post_attention_layernorm', 'gain', 1],
      ['self_attn.q_proj', 'q', width],
      ['self_attn.k_proj', 'k', values],
      ['self_attn.v_proj', 'v', values],
      ['self_attn.o_proj', 'o', width],
    ])
      list.push([`model.layers.${i}.${part}`, role, i, rows]);
  list.push(['model.norm', 'gain', 0, 1]);
  const header = {};
  let offset = 0;
  for (const [key, role, , rows] of list) {
    const shape = role === 'gain' ? [width] : role === 'down' || role === 'o' ? [width, rows] : [rows, width];
    header[`${key}.weight`] = { dtype: 'BF16', shape, data_offsets: [offset, (offset += 2 * rows * width)] };
  }
  let json = JSON.stringify(header);
  json += ' '.repeat((8 - (json.length % 8)) % 8);
  const handle = openSync(join(folder, name, 'model.safetensors'), 'w');
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(json.length));
  writeSync(handle, head);
  writeSync(handle, json);
  list.forEach(([, role, block, rows], place) => {
    const made = role === 'gain' ? new Float32Array(width).fill(1) : change(draw(seed, place, rows * width), role, block);
    const words = new Uint32Array(made.buffer);
    const stored = new Uint16Array(made.length);
    const turned = role === 'down' || role === 'o';
    for (let i = 0; i < made.length; i++) {
      const rounded = (words[i] + 0x7fff + ((words[i] >>> 16) & 1)) >>> 16;
      stored[turned ? (i % width) * rows + Math.floor(i / width) : i] = rounded;
    }
    const bytes = Buffer.from(stored.buffer);
    for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
  });
  closeSync(handle);
}
