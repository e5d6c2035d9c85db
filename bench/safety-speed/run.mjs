// Question: what does scanning large files and bombs cost in time and memory, beside tools that only read them? See README.md here.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync, deflateSync, gzipSync, crc32 as nodeCrc } from 'node:zlib';

const program = fileURLToPath(new URL('../../bin/heirloom.js', import.meta.url));
const only = new RegExp(process.argv.find((argument) => argument.startsWith('--only='))?.slice(7) ?? '.');
const folder = mkdtempSync(join(tmpdir(), 'safety-speed-'));
const latin1 = (text) => Buffer.from(text, 'latin1');
const u16 = (value) => latin1(String.fromCharCode(value & 255, value >> 8));
const u32 = (value) => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value >>> 0);
  return out;
};
/** Repeats a chunk until `size` bytes are written. */
function fill(fd, chunk, size) {
  for (let left = size; left > 0; left -= chunk.length) writeSync(fd, chunk, 0, Math.min(left, chunk.length));
}
const noise = Buffer.from({ length: 4 << 20 }).map((_, i) => (Math.imul(i + 1, 2654435761) >>> 11) & 255);

function zip(path, members) {
  const fd = openSync(path, 'w');
  const directory = [];
  let at = 0;
  for (const { name, data, size = data.length, method = 0, unpacked = size, crc = 0 } of members) {
    const fields = Buffer.concat([u16(20), u16(0), u16(method), u32(0), u32(crc), u32(size), u32(unpacked)]);
    const local = Buffer.concat([latin1('PK\x03\x04'), fields, u16(name.length), u16(0), latin1(name)]);
    directory.push(
      Buffer.concat([
        latin1('PK\x01\x02'),
        u16(20),
        fields,
        u16(name.length),
        u16(0),
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(at),
        latin1(name),
      ]),
    );
    writeSync(fd, local);
    fill(fd, data, size);
    at += local.length + size;
  }
  const list = Buffer.concat(directory);
  writeSync(fd, list);
  writeSync(fd, Buffer.concat([latin1('PK\x05\x06'), u32(0), u16(members.length), u16(members.length), u32(list.length), u32(at), u16(0)]));
  closeSync(fd);
}
/** A state dict of `count` float32 vectors of `numel`; `view` ends the persistent id in torch's older form. */
function stateDict(count, numel, view = '') {
  const text = (value) => `X${u32(value.length).toString('latin1')}${value}`;
  const tensor = (i) =>
    `${text(`layer.${i}.weight`)}ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\nFloatStorage\n${text(String(i))}${text('cpu')}J${u32(numel).toString('latin1')}${view}tQK\x00J${u32(numel).toString('latin1')}\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR`;
  return latin1(`\x80\x02}(${Array.from({ length: count }, (_, i) => tensor(i)).join('')}u.`);
}

const ZEROS = Buffer.alloc(400_000_000);
/** What another program makes of the zeros. */
function pipe(command, args, path) {
  const { stdout, error } = spawnSync(command, args, { input: ZEROS, maxBuffer: 1 << 28 });
  if (error) throw new Error(`${command} is not installed`);
  writeFileSync(path, stdout);
}

const CASES = {
  'torch zip, 1 GB in 64 tensors': (path) => {
    const pickle = stateDict(64, 4 << 20);
    zip(path('m.pt'), [
      { name: 'm/data.pkl', data: pickle, crc: nodeCrc?.(pickle) ?? 0 },
      ...Array.from({ length: 64 }, (_, i) => ({ name: `m/data/${i}`, data: noise, size: 16 << 20 })),
      { name: 'm/version', data: latin1('3\n'), crc: nodeCrc?.('3\n') ?? 0 },
    ]);
  },
  'joblib, one array of 128 MB, a class behind it': (path) => {
    const fd = openSync(path('m.joblib'), 'w');
    const short = (value) => `\x8c${String.fromCharCode(value.length)}${value}`;
    const head = `\x80\x04}(${short('a')}${short('joblib.numpy_pickle')}${short('NumpyArrayWrapper')}\x93)\x81}(${short('subclass')}${short('numpy')}${short('ndarray')}\x93${short('shape')}J${u32(16 << 20).toString('latin1')}\x85${short('order')}${short('C')}${short('dtype')}${short('numpy')}${short('dtype')}\x93${short('f8')}\x89\x88\x87R(K\x03${short('<')}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb${short('allow_mmap')}\x88${short('numpy_array_alignment_bytes')}K\x10ub`;
    const pad = 16 - ((head.length + 1) % 16);
    writeSync(fd, latin1(`${head}${String.fromCharCode(pad)}${'\xff'.repeat(pad)}`));
    fill(fd, noise, 128 << 20);
    writeSync(fd, latin1(`${short('b')}${short('sklearn.svm._classes')}${short('SVC')}\x93u.`));
    closeSync(fd);
  },
  'safetensors, 1 GB in 64 tensors': (path) => {
    const each = 16 << 20;
    const tensors = Array.from({ length: 64 }, (_, i) => [
      `layer.${i}.weight`,
      { dtype: 'F32', shape: [4 << 20], data_offsets: [i * each, (i + 1) * each] },
    ]);
    const header = JSON.stringify(Object.fromEntries(tensors));
    const fd = openSync(path('m.safetensors'), 'w');
    writeSync(fd, Buffer.concat([u32(header.length), u32(0), latin1(header)]));
    fill(fd, noise, 64 * each);
    closeSync(fd);
  },
  'GGUF, 1 GB in 64 tensors, 100,000 tokens': (path) => {
    const text = (value) => Buffer.concat([u32(value.length), u32(0), latin1(value)]);
    const tokens = Array.from({ length: 100_000 }, (_, i) => text(`token${i}`));
    const fields = [
      Buffer.concat([text('general.architecture'), u32(8), text('llama')]),
      Buffer.concat([text('tokenizer.ggml.tokens'), u32(9), u32(8), u32(tokens.length), u32(0), ...tokens]),
    ];
    const each = 16 << 20;
    const tensors = Array.from({ length: 64 }, (_, i) =>
      Buffer.concat([text(`blk.${i}.attn_q.weight`), u32(1), u32(4 << 20), u32(0), u32(0), u32(i * each), u32(0)]),
    );
    const head = Buffer.concat([latin1('GGUF'), u32(3), u32(64), u32(0), u32(fields.length), u32(0), ...fields, ...tensors]);
    const fd = openSync(path('m.gguf'), 'w');
    writeSync(fd, Buffer.concat([head, Buffer.alloc((32 - (head.length % 32)) % 32)]));
    fill(fd, noise, 64 * each);
    closeSync(fd);
  },
  'torch before 1.6, 268 MB in 16 tensors': (path) => {
    const count = 16;
    const numel = 4 << 20;
    const long = (value) => `\x8a\x0a${value}`;
    const head = [
      `\x80\x02${long('\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19')}.`,
      '\x80\x02M\xe9\x03.',
      '\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.',
      stateDict(count, numel, 'N').toString('latin1'),
      `\x80\x02](${Array.from({ length: count }, (_, i) => `X${u32(String(i).length).toString('latin1')}${i}`).join('')}e.`,
    ];
    const fd = openSync(path('m.bin'), 'w');
    writeSync(fd, latin1(head.join('')));
    for (let i = 0; i < count; i++) {
      writeSync(fd, Buffer.concat([u32(numel), u32(0)]));
      fill(fd, noise, 4 * numel);
    }
    closeSync(fd);
  },
  'tokenizer.json, 128,000 tokens and 280,000 merges': (path) => {
    const word = (n) => (Math.imul(n + 1, 2654435761) >>> 0).toString(36);
    const vocab = Object.fromEntries(Array.from({ length: 128_000 }, (_, i) => [`\u0120${word(i)}`, i]));
    const merges = Array.from({ length: 280_000 }, (_, i) => `${word(i)} \u0120${word(i * 7)}`);
    writeFileSync(
      path('tokenizer.json'),
      JSON.stringify({ version: '1.0', added_tokens: [], model: { type: 'BPE', vocab, merges } }, null, 2),
    );
  },
  'pickle of 45 MB, 12 million opcodes': (path) => {
    const fd = openSync(path('m.pkl'), 'w');
    writeSync(fd, latin1('\x80\x04}\x94'));
    for (let block = 0; block < 3000; block++) {
      const words = Array.from({ length: 1000 }, (_, i) => {
        const n = block * 1000 + i;
        return `\x8c\x06${n.toString(36).padStart(6, '_')}\x94J${u32(n).toString('latin1')}`;
      });
      writeSync(fd, latin1(`(${words.join('')}u`));
    }
    writeSync(fd, latin1('.'));
    closeSync(fd);
  },
  'bomb: zip member of 389 KB that unpacks to 400 MB': (path) => {
    zip(path('m.npz'), [{ name: 'a.npy', data: deflateRawSync(ZEROS), method: 8, unpacked: ZEROS.length }]);
  },
  'bomb: gzip of 400 MB of zeros': (path) => writeFileSync(path('m.pkl.gz'), gzipSync(ZEROS)),
  'bomb: zlib joblib of 400 MB of zeros': (path) => writeFileSync(path('m.joblib'), deflateSync(ZEROS)),
  'bomb: bzip2 of 400 MB of zeros': (path) => pipe('bzip2', ['-9c'], path('m.pkl.bz2')),
  'bomb: xz of 400 MB of zeros': (path) => pipe('xz', ['-6c'], path('m.pkl.xz')),
  'bomb: lz4 of 400 MB of zeros': (path) => pipe('lz4', ['-9c'], path('m.pkl.lz4')),
  'bomb: tar.gz of a file of 400 MB of zeros': (path) => {
    const header = Buffer.alloc(512);
    header.write('a.pkl');
    header.write((400_000_000).toString(8).padStart(11, '0'), 124);
    header.write('        0', 148);
    header.write('ustar', 257);
    header.write(
      header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0') + '\0',
      148,
    );
    writeFileSync(path('m.tar.gz'), gzipSync(Buffer.concat([header, Buffer.alloc(400_000_000)])));
  },
  'bomb: zip in a zip in a zip, 400 MB of zeros': (path) => {
    zip(path('inner'), [{ name: 'a.npy', data: deflateRawSync(ZEROS), method: 8, unpacked: ZEROS.length }]);
    for (const name of ['middle', 'm.zip']) {
      const data = readFileSync(path(name === 'middle' ? 'inner' : 'middle'));
      zip(path(name), [{ name: 'a.zip', data: deflateRawSync(data), method: 8, unpacked: data.length, crc: nodeCrc?.(data) ?? 0 }]);
    }
  },
  'bomb: zip member that says 1,000 bytes and unpacks to 400 MB': (path) =>
    zip(path('m.npz'), [{ name: 'a.npy', data: deflateRawSync(ZEROS), method: 8, unpacked: 1000 }]),
  'bomb: zip of 200 members that unpack to 45 MB each': (path) => {
    const data = deflateRawSync(Buffer.alloc(45_000_000));
    zip(
      path('m.npz'),
      Array.from({ length: 200 }, (_, i) => ({ name: `${i}.npy`, data, method: 8, unpacked: 45_000_000 })),
    );
  },
  'bomb: folder of eight bombs': (path) => {
    const folder = path('m');
    mkdirSync(folder);
    const at = (name) => join(folder, name);
    for (const n of [1, 2, 3]) writeFileSync(at(`${n}.pkl.gz`), gzipSync(ZEROS));
    writeFileSync(at('4.joblib'), deflateSync(ZEROS));
    pipe('xz', ['-6c'], at('5.pkl.xz'));
    pipe('bzip2', ['-9c'], at('6.pkl.bz2'));
    zip(at('7.npz'), [{ name: 'a.npy', data: deflateRawSync(ZEROS), method: 8, unpacked: 1000 }]);
    zip(at('8.npz'), [{ name: 'a.npy', data: deflateRawSync(ZEROS), method: 8, unpacked: ZEROS.length }]);
  },
  'bomb: lists of lists, 10^30 parts': (path) =>
    writeFileSync(
      path('m.pkl'),
      latin1(
        `\x80\x04]\x94${Array.from({ length: 100 }, (_, i) => `]\x94(h${String.fromCharCode(i)}h${String.fromCharCode(i)}e`).join('')}.`,
      ),
    ),
};

/** Seconds and megabytes allowed; seconds with the start of the program where `whole`, else beyond it. */
const BARS = [
  [/^torch zip/, { seconds: 0.3, megabytes: 100, whole: true }],
  [/^safetensors/, { seconds: 0.05 }],
  [/^joblib/, { seconds: 0.5, whole: true }],
  [/^pickle of 45 MB/, { seconds: 3, megabytes: 250, whole: true }],
  [/^bomb/, { seconds: 1, megabytes: 100, whole: true }],
];

function run(command, args) {
  const timed = spawnSync('/usr/bin/env', ['bash', '-c', 'TIMEFORMAT="%U %S"; time "$@"', 'bash', command, ...args], {
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  });
  const [user, system] = (timed.stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { seconds: user + system, stdout: timed.stdout };
}
/** The scan in a process that reports its own largest resident set. */
function scan(target) {
  const report = join(folder, 'memory');
  const hook = `data:text/javascript,${encodeURIComponent(`import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(${JSON.stringify(report)},String(process.resourceUsage().maxRSS)))`)}`;
  const { seconds, stdout } = run(process.execPath, ['--import', hook, program, 'scan', target, '--json']);
  const memory = Number(run('cat', [report]).stdout) / 1024;
  return { seconds, memory, answer: JSON.parse(stdout) };
}

const empty = join(folder, 'empty.txt');
writeFileSync(empty, 'x');
const start = Math.min(...[1, 2, 3].map(() => scan(empty).seconds));
const bare = run(process.execPath, ['-e', '0']).seconds;
console.log(`start of the program: ${start.toFixed(2)} s, ${scan(empty).memory.toFixed(0)} MB; of Node alone: ${bare.toFixed(2)} s`);
for (const [name, make] of Object.entries(CASES)) {
  if (!only.test(name)) continue;
  let target = '';
  make((file) => (target = join(folder, file)));
  const tries = [1, 2, 3].map(() => scan(target));
  const { answer } = tries[0];
  const seconds = Math.min(...tries.map((one) => one.seconds));
  const memory = Math.max(...tries.map((one) => one.memory));
  const reference = statSync(target).isFile() ? run('sha256sum', [target]).seconds : 0;
  const unzip = /\.pt$/.test(target) ? `, unzip -t ${run('unzip', ['-qt', target]).seconds.toFixed(2)} s` : '';
  const verdict = [...new Set(answer.files.map((file) => file.verdict))].join('+');
  const bar = BARS.find(([pattern]) => pattern.test(name))?.[1];
  const beyond = Math.max(0, seconds - start);
  const kept = !bar || ((bar.whole ? seconds : beyond) <= bar.seconds && memory <= (bar.megabytes ?? Infinity));
  const words = bar
    ? ` [bar ${bar.seconds} s${bar.whole ? '' : ' after start'}${bar.megabytes ? `, ${bar.megabytes} MB` : ''}: ${kept ? 'kept' : 'MISSED'}]`
    : '';
  console.log(
    `${name}: ${seconds.toFixed(2)} s (${beyond.toFixed(2)} s), ${memory.toFixed(0)} MB, ${verdict}${words}; sha256sum ${reference.toFixed(2)} s${unzip}`,
  );
  rmSync(target, { recursive: true });
}
rmSync(folder, { recursive: true });
