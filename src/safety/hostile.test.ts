/**
 * Files made to crash, hang or fill what reads them: through the whole of model and scan, in every format.
 */
import { readFileSync } from 'node:fs';
import { deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileTree, HeirloomError, memoryTree, SourceError } from '../base/index.ts';
import { readModel } from '../model/index.ts';
import { rowCount, rowLength } from '../weights/index.ts';
import {
  ggufText,
  joinBytes,
  latin1,
  le,
  mutations,
  safetensorsFile,
  sharedBytes,
  tarBytes,
  u32,
  writeGguf,
  zipBytes,
} from '../weights/testing/index.ts';
import { scanTree, type SafetyReport } from './index.ts';
import { flatBuffer, PACKED_SEVEN_ZIP, SEVEN_ZIP } from './testing/made.ts';

/** Processor time a damaged file of a few kilobytes may take. */
const MAX_CPU_MS = 2000;
const TENSORS_READ = 40;

/** Reads everything a program would, and scans. @returns the scan. @throws whatever is no typed error; Error when it took over two seconds. */
async function survives(files: Record<string, Uint8Array>): Promise<SafetyReport> {
  const started = process.cpuUsage();
  await typed(() => readAll(files));
  const report = await scanTree(memoryTree('hostile', files));
  JSON.stringify(report);
  const { user, system } = process.cpuUsage(started);
  if ((user + system) / 1000 > MAX_CPU_MS) throw new Error(`took ${Math.round((user + system) / 1000)} ms`);
  return report;
}

async function readAll(files: Record<string, Uint8Array>): Promise<void> {
  const model = await readModel(memoryTree('hostile', files));
  await typed(() => model.tokens());
  for (const tensor of model.checkpoint?.tensors.slice(0, TENSORS_READ) ?? [])
    await typed(() => model.checkpoint!.readRows(tensor, 0, Math.min(rowCount(tensor), Math.floor(1e5 / Math.max(1, rowLength(tensor))))));
}

/** A range outside the file means that a reader believed an offset it had not checked. */
async function typed(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code === 'SOURCE_OUT_OF_RANGE') throw error;
  }
}

const { files: hdf5 } = JSON.parse(readFileSync(new URL('../weights/testing/hdf5-files.json', import.meta.url), 'utf8')) as {
  files: Record<string, { gzip: string }>;
};
const keras = new Uint8Array(gunzipSync(Buffer.from(Object.values(hdf5)[0]!.gzip, 'base64')));
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const gguf = writeGguf({
  keys: [
    ['general.architecture', ggufText('llama')],
    ['llama.block_count', u32(1)],
    ['tokenizer.ggml.tokens', { type: 9, value: { of: 8, items: ['a', 'b'] } }],
  ],
  tensors: [
    { name: 'blk.0.attn_q.weight', dims: [32, 2], type: 8, offset: 0 },
    { name: 'blk.0.attn_norm.weight', dims: [8], type: 0, offset: 96 },
  ],
  data: new Uint8Array(128).map((_, i) => i),
});
const safetensors = safetensorsFile(
  { a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] }, b: { dtype: 'BF16', shape: [4], data_offsets: [16, 24] } },
  new Uint8Array(24).map((_, i) => i),
);
const tfjs = text(
  JSON.stringify({
    format: 'layers-model',
    modelTopology: {},
    weightsManifest: [{ paths: ['group1-shard1of1.bin'], weights: [{ name: 'k', shape: [2, 2], dtype: 'float32' }] }],
  }),
);

/** Smallest honest files at hand; the number is how far from the start damage is spread. */
type Seed = [format: string, path: string, bytes: Uint8Array, span: number, beside?: Record<string, Uint8Array>];
const SEEDS: readonly Seed[] = [
  ['safetensors', 'm.safetensors', safetensors, 200],
  ['GGUF', 'm.gguf', gguf, gguf.length],
  ['a PyTorch zip', 'm.pt', sharedBytes('safety-corpus/generated-benign/tensor_bfloat16.pt'), 1633],
  ['a TorchScript zip', 'm.pt', sharedBytes('safety-corpus/generated-benign/torchscript_trace.pt'), 10_129],
  ['the old PyTorch stream', 'm.pth', sharedBytes('safety-corpus/generated-benign/sd_legacy.pth'), 2178],
  ['the oldest PyTorch tar', 'm.tar', sharedBytes('safety-corpus/modelaudit/t327_scan_tar_with_pickle_file.tar'), 1200],
  ['a plain pickle', 'm.pkl', sharedBytes('safety-corpus/generated-benign/np_arrays_p4.pkl'), 1384],
  ['joblib', 'm.joblib', sharedBytes('safety-corpus/generated-benign/sk_pca.joblib'), 1095],
  ['npz', 'm.npz', sharedBytes('safety-corpus/generated-benign/multi_c.npz'), 302],
  ['npy', 'm.npy', sharedBytes('real-models/TropComplique__mtcnn-pytorch__src-weights-pnet/pnet.npy').subarray(0, 4000), 600],
  ['ONNX', 'm.onnx', sharedBytes('safety-corpus/onnx/backend_test_Conv2d_depthwise_model.onnx'), 449],
  ['Caffe', 'm.caffemodel', sharedBytes('real-models/TropComplique__mtcnn-pytorch__caffe_models-det1/det1.caffemodel'), 900],
  ['a TensorFlow graph', 'm.pb', sharedBytes('real-models/davidsandberg__facenet__model-ntcnn-pnet/pnet.pb').subarray(0, 8000), 8000],
  ['HDF5', 'm.h5', keras, keras.length],
  ['Keras 3', 'm.keras', sharedBytes('safety-corpus/generated-benign/functional.keras'), 20_274],
  ['7z', 'm.7z', SEVEN_ZIP, 122],
  ['7z with a packed header', 'm.7z', PACKED_SEVEN_ZIP, 257],
  ['TF.js', 'model.json', tfjs, tfjs.length, { 'group1-shard1of1.bin': new Uint8Array(16) }],
  [
    'a tokenizer',
    'tokenizer.json',
    text('{"model":{"vocab":{"a":0,"b":1}},"added_tokens":[{"id":2,"content":"c"}]}'),
    80,
    { 'm.gguf': gguf },
  ],
  ['a sharded index', 'm.safetensors.index.json', text('{"weight_map":{"a":"m-1.safetensors"}}'), 40, { 'm-1.safetensors': safetensors }],
];

describe('damage is refused or told, in time', () => {
  test.each(SEEDS.map((seed) => ({ format: seed[0], seed })))('$format', async ({ seed: [, path, seed, span, beside = {}] }) => {
    await survives({ [path]: seed, ...beside });
    await fc.assert(
      fc.asyncProperty(mutations(seed, span), async (bytes) => void (await survives({ [path]: bytes, ...beside }))),
      { numRuns: 60 },
    );
  });

  test('random bytes behind the mark of each format', async () => {
    const marks = SEEDS.map(([, path, bytes]) => [path, bytes.slice(0, 12)] as const);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...marks), fc.uint8Array({ maxLength: 600 }), fc.nat(12), async ([path, mark], rest, kept) => {
        await survives({ [path]: joinBytes(mark.subarray(0, kept), rest) });
      }),
      { numRuns: 300 },
    );
  });
});

function torchscript(code: string): Uint8Array {
  const members = { 'm/data.pkl': '\x80\x02N.', 'm/constants.pkl': '\x80\x02).', 'm/code/a.py': code };
  return zipBytes(Object.entries(members).map(([name, data]) => ({ name, data: latin1(data) })));
}

/** A directory that names one stored member over and over. */
function overlappingZip(times: number): Uint8Array {
  const whole = zipBytes([{ name: '00000', data: latin1('c'.repeat(100_000)) }]);
  const end = whole.length - 22;
  const start = new DataView(whole.buffer).getUint32(end + 16, true);
  const records = Array.from({ length: times }, (_, i) => {
    const record = whole.slice(start, end);
    record.set(latin1(String(i).padStart(5, '0')), 46);
    return record;
  });
  const tail = whole.slice(end);
  tail.set(joinBytes(le(2, times, times), le(4, times * (end - start))), 8);
  return joinBytes(whole.subarray(0, start), ...records, tail);
}

/** A list of operators that all lead to one table, whose list of inputs is as long. */
function overlappingTflite(times: number): Uint8Array {
  const PLACE = 0x7777;
  const tensors = [{ table: [[1], { byte: 0 }, 0, 'n'] }];
  const graph = { table: [tensors, [0], [0], Array<number>(times).fill(PLACE), 'main'] };
  const model = flatBuffer({ table: [3, [{ table: [{ byte: 1 }] }], [graph], 'd', [{ table: [{ raw: new Uint8Array(9) }] }]] });
  const start = Math.ceil(model.length / 4) * 4;
  const operator = joinBytes(le(2, 8, 8, 0, 4), le(4, 8, 4, times), new Uint8Array(4 * times));
  const out = joinBytes(model, new Uint8Array(start - model.length), operator);
  const view = new DataView(out.buffer);
  for (let at = 0; at < start; at += 4) if (view.getUint32(at, true) === PLACE) view.setUint32(at, start + 8 - at, true);
  return out;
}

describe('work grows with the file, not with what the file says', () => {
  const rulesOf = (report: SafetyReport): string[] => report.files.flatMap((file) => file.findings.map((one) => one.rule));
  const repeated = (unit: string, times: number): Uint8Array => latin1(unit.repeat(times));

  test.each([
    [
      'commands that begin in the options of others',
      'config.json',
      () => text(JSON.stringify(Array(300).fill({ a: 'wget -;'.repeat(1400) }))),
    ],
    ['lines without words before a word', 'Modelfile', () => text(`${'\n'.repeat(200_000)}x`)],
    [
      'patterns of brackets that nobody closes',
      'tokenizer.json',
      () => {
        const split = { type: 'Split', pattern: { Regex: '['.repeat(9999) } };
        return text(JSON.stringify({ model: {}, normalizer: { type: 'Sequence', normalizers: Array(40).fill(split) } }));
      },
    ],
    [
      'members of letters that begin imports',
      'm.zip',
      () => zipBytes(Array.from({ length: 4 }, (_, i) => ({ name: `${i}`, data: repeated('c', 1 << 20) }))),
    ],
    ['lines before an import', 'config.json', () => text(JSON.stringify(Array(50).fill({ a: '\n'.repeat(9900) })))],
    ['options that may be the last', 'run.sh', () => text(`rm ${'-rm '.repeat(990)}\n`.repeat(10))],
    [
      'a list handed over sixty thousand times',
      'm.pkl',
      () => latin1(`\x80\x04cbuiltins\ndict\n\x940(${'K\x01K\x01\x86'.repeat(10_000)}t\x85\x940${'h\0h\x01R0'.repeat(60_000)}N.`),
    ],
    ['a name after blanks', 'm.keras', () => zipBytes([{ name: 'config.json', data: text(JSON.stringify({ fn: ' '.repeat(100_000) })) }])],
    ['a layer that is never opened', 'm.prototxt', () => text(`python_param${' '.repeat(100_000)}`)],
    ['modules that lead to modules', 'config.json', () => text(JSON.stringify(Array(200).fill({ a: 'posix.'.repeat(1600) })))],
    ['an operator of a hundred thousand letters', 'm.pt', () => torchscript(`ops.image.${'read_'.repeat(20_000)}`)],
    ['widths of zeros', 'm.jinja', () => text(`{% set x = '%' ~ '0' * 9990 %}${'{{ x % 1 }}'.repeat(600)}`)],
    ['texts of two thousand fields', 'm.jinja', () => text(`{% set x = '{}' * 2000 %}${'{{ x.format(1) }}'.repeat(6000)}`)],
    ['two thousand members that are one', 'm.zip', () => overlappingZip(2000)],
    ['six thousand operators that are one, with six thousand inputs', 'm.tflite', () => overlappingTflite(6000)],
  ])('%s', async (_, path, bytes) => {
    await survives({ [path]: bytes() });
  });

  test('a pax record behind which no other has a length', async () => {
    const archive = tarBytes([{ name: 'x', data: latin1('8 a=bcd\nrest') }]);
    archive[156] = 'x'.charCodeAt(0);
    const header = archive.subarray(0, 512);
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.set(latin1(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
    await survives({ 'm.tar': archive });
  });

  test('a text too long to be looked at is told in every container', async () => {
    const data = new Uint8Array(33 << 20).fill(0x20);
    for (const [path, bytes] of [
      ['a.tar', tarBytes([{ name: 'a.json', data }])],
      ['a.zip', zipBytes([{ name: 'a.json', data }])],
    ] as const)
      expect((await scanTree(memoryTree('t', { [path]: bytes }))).files[0]!.findings.map((one) => one.rule)).toContain('safety/not-read');
  });

  test('a zip whose members share their data', async () => {
    const one = zipBytes([{ name: 'a', data: new Uint8Array(deflateRawSync(new Uint8Array(1 << 20))), method: 8, size: 1 << 20 }]);
    const end = one.slice(-22);
    const directory = one.subarray(new DataView(end.buffer).getUint32(16, true), -22);
    end.set(joinBytes(le(2, 300, 300), le(4, 300 * directory.length)), 8);
    const file = joinBytes(one.subarray(0, -22 - directory.length), ...Array.from({ length: 300 }, () => directory), end);
    expect(rulesOf(await survives({ 'm.zip': file }))).toContain('safety/archive-bomb');
  });

  test('a pickle that loads one inner pickle twenty thousand times', async () => {
    const inner = joinBytes(latin1('\x80\x02'), repeated('N0', 32_000), latin1('N.'));
    const outer = joinBytes(
      latin1('\x80\x03ctorch.storage\n_load_from_bytes\nq\x00B'),
      le(4, inner.length),
      inner,
      latin1('q\x01'),
      repeated('h\x00h\x01\x85R0', 20_000),
      latin1('N.'),
    );
    expect(rulesOf(await survives({ 'm.pkl': outer }))).toContain('safety/pickle-in-data');
  });

  test('a broken pickle behind which another could begin at fifty places', async () => {
    const bytes = joinBytes(latin1('\x80\x02\xff'), repeated(`\x80\x02${'N0'.repeat(1000)}`, 50), repeated('N0', 1_000_000), latin1('N.'));
    expect(rulesOf(await survives({ 'm.pkl': bytes }))).toContain('safety/pickle-broken');
  });

  test('over a thousand zipped members that each break as a pickle', async () => {
    const data = latin1(`cos\nsystem\n${'\x80\x02\xff'.repeat(200)}`);
    await survives({ 'm.pt': zipBytes(Array.from({ length: 1500 }, (_, i) => ({ name: `m${i}`, data }))) });
  });

  test('a pickle whose lists of lists mean a billion parts', async () => {
    const levels = Array.from(
      { length: 40 },
      (_, i) => `(${'h'.concat(String.fromCharCode(i)).repeat(2)}lq${String.fromCharCode(i + 1)}`,
    ).join('');
    expect(rulesOf(await survives({ 'm.pkl': latin1(`\x80\x02]q\x00${levels}.`) }))).toContain('safety/pickle-expansion');
  });

  test('code among a million texts is found although the texts are not kept', async () => {
    const words = Array.from({ length: 150_000 }, (_, i) => `\x8c\x06w${String(i).padStart(5, '0').slice(-5)}`).join('');
    const code = "import os; os.system('id')";
    const bytes = latin1(`\x80\x04](${words}\x8c${String.fromCharCode(code.length)}${code}e.`);
    expect(rulesOf(await survives({ 'm.pkl': bytes }))).toContain('safety/code-in-data');
  });

  test.each([
    ['a template of marks that nothing closes', 'chat_template.jinja', '{{'.repeat(500_000)],
    ['a template of escaped quotes', 'chat_template.jinja', `{{ ${"\\'".repeat(500_000)} }}`],
    ['a template of white space where a name could follow', 'chat_template.jinja', `{{ self[${' '.repeat(1_000_000)} }}`],
    ['a start-up file of empty lines', 'site.pth', '\n'.repeat(1000)],
  ])('%s', async (_, path, content) => {
    await survives({ [path]: text(content) });
  });

  test('code that a configuration names with an object that has no text', async () => {
    const config = text('{"auto_map":{"AutoModel":{"toString":"a.B"},"AutoConfig":"c.D"}}');
    expect(rulesOf(await survives({ 'config.json': config }))).toContain('safety/code-on-trust');
  });
});

describe('files scanned at the same time', () => {
  const bomb = new Uint8Array(gzipSync(new Uint8Array(60 << 20)));
  test('unpack in turns, and all are judged', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `${i}.pkl.gz`);
    const report = await scanTree(memoryTree('t', Object.fromEntries(names.map((name) => [name, bomb]))));
    expect(report.files.map((file) => [file.path, file.verdict])).toEqual(names.map((name) => [name, 'malicious']));
  });

  test('are judged though the bytes of one cannot be had, and have ended when the scan ends', async () => {
    const tree = memoryTree('t', { 'a.pkl.gz': bomb, 'b.bin': new Uint8Array(100), 'c.pkl.gz': bomb });
    let open = 0;
    const watched: FileTree = {
      ...tree,
      async open(path) {
        const source = await tree.open(path);
        return {
          ...source,
          async read(at, length) {
            if (path === 'b.bin') throw new SourceError('SOURCE_CHANGED', 'b.bin has changed');
            open++;
            await new Promise((resolve) => setTimeout(resolve, 5));
            open--;
            return source.read(at, length);
          },
        };
      },
    };
    const { files } = await scanTree(watched);
    expect(files.map((file) => file.verdict)).toEqual(['malicious', 'unreadable', 'malicious']);
    expect(files[1]!.error).toMatchObject({ code: 'SOURCE_CHANGED' });
    expect(open).toBe(0);
  });

  test('stop when asked to while a long stream unpacks', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')));
    await expect(scanTree(memoryTree('t', { 'm.pkl.gz': bomb, 'n.pkl.gz': bomb }), { signal: stop.signal })).rejects.toThrow('enough');
  });
});
