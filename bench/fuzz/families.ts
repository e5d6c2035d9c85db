/** What inputs are made of, by format: files to damage, and makers of files. */
import { encodeSketch } from '../../src/lineage/index.ts';
import { makeModel, toSketch } from '../../src/lineage/testing/synthetic.ts';
import { makeEntry } from '../../src/register/entry.ts';
import { ggufText, safetensorsFile, u32, writeGguf } from '../../src/weights/testing/index.ts';
import { sharedBytes, sharedPaths } from '../../src/weights/testing/shared-files.ts';
import type { Kind } from './formats.ts';
import { makeCompressed, makeNested, makeOther, makeTar, makeZip } from './make-archives.ts';
import { makeCaffe, makeGraphDef, makeOnnx, makeSavedModel, makeTflite } from './make-graphs.ts';
import { makeTemplate } from './make-templates.ts';
import {
  makeHdf5,
  makeJoblib,
  makeKerasZip,
  makeNpy,
  makeNpz,
  makeTorchLegacy,
  makeTorchScript,
  makeTorchTar,
  makeTorchZip,
} from './make-tensors.ts';
import { makeCode, makeConfig, makePolicy, makePyc, makeSecrets, makeTokenizer } from './make-texts.ts';
import { makeCalls, makePickle, makeResync } from './pickles.ts';
import type { Random } from './random.ts';
import { DOCUMENTS, safetensors, type Seed, sharedSeeds, writtenSeeds } from './seeds.ts';

export interface Family {
  /** Whole files, to be damaged. */
  readonly seeds: readonly Seed[];
  /** A new file each time. */
  readonly make?: (random: Random) => Seed;
}
export type FamilyName = (typeof NAMES)[number];

const NAMES = [
  'torch-zip', 'torch-legacy', 'torch-tar', 'torchscript', 'pickle', 'calls', 'resync', 'joblib', 'npy', 'npz', 'zip', 'tar', 'compressed',
  'other', 'onnx', 'graphdef', 'saved-model', 'caffe', 'tflite', 'tfjs', 'safetensors', 'gguf', 'hdf5', 'keras', 'template', 'config',
  'tokenizer', 'python', 'texts', 'bytecode', 'documents', 'policy', 'license', 'expression', 'sketch', 'entry',
] as const; // prettier-ignore
const ONE_LICENSE_IN = 4;

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const EXPRESSIONS = [
  'MIT OR (Apache-2.0 AND BSD-3-Clause)',
  'GPL-2.0-only WITH Classpath-exception-2.0',
  'llama3.1',
  'AGPL-3.0 License (https://x.org)',
  'cc-by-nc-4.0',
];
const TEMPLATES = [
  "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m.content|trim }}{% endfor %}{% if add_generation_prompt %}x{% endif %}",
  "{{ ''.__class__.__mro__[1].__subclasses__() }}",
  "{% set a = 'x' ~ 'y' %}{{ cycler.__init__ }}{# note #}{% macro f(a, b=1) %}{{ a|attr('b') }}{% endmacro %}",
];

/** Which family a file of the corpora belongs to; null for what stands beside them. */
function familyOf({ kind, path, bytes }: Seed): FamilyName | null {
  const latin = new TextDecoder('latin1').decode(bytes);
  if (/\.(md|csv)$/.test(path)) return null;
  if (kind === 'zip') {
    if (/\.keras$/.test(path)) return 'keras';
    if (/\.npz$/.test(path)) return 'npz';
    return /\bcode\/|constants\.pkl/.test(latin) ? 'torchscript' : latin.includes('data.pkl') ? 'torch-zip' : 'zip';
  }
  if (kind === 'gguf' || kind === 'hdf5' || kind === 'npy' || kind === 'tar') return kind;
  if (kind === 'lengthed-json') return 'safetensors';
  if (kind === 'protobuf') return path.endsWith('.onnx') ? 'onnx' : path.endsWith('.caffemodel') ? 'caffe' : 'graphdef';
  if (kind === 'json') return path === 'tokenizer.json' ? 'tokenizer' : path === 'model.json' ? 'tfjs' : 'config';
  if (kind === 'text') return /\.(jinja2?|j2)$/.test(path) ? 'template' : path.endsWith('.py') ? 'python' : 'config';
  if (/joblib/.test(latin.slice(0, 400))) return 'joblib';
  if (kind === 'pickle') return latin.startsWith('\x80\x02\x8a\x0al\xfc') ? 'torch-legacy' : 'pickle';
  return latin.slice(4, 8) === 'TFL3' ? 'tflite' : 'compressed';
}

/** Keys of every type, templates among them, tensors in and out of bounds. */
function makeGguf(random: Random): Uint8Array {
  const number = (): number => (random.chance(0.9) ? random.int(64) : random.pick([0, 2 ** 31, 2 ** 40, 2 ** 53]));
  const scalar = (type: number): number | string => (type === 8 ? random.pick(['a', '', 'llama', '\u00e9']) : number());
  const key = () => {
    const type = random.int(13);
    const of = random.pick([0, 4, 5, 6, 8, 10]);
    const value = type === 9 ? { of, items: Array.from({ length: random.int(6) }, () => scalar(of)) } : scalar(type);
    return [
      random.pick(['a.b', 'general.alignment', 'tokenizer.ggml.tokens', 'tokenizer.ggml.bos_token_id', 'general.name']),
      { type, value },
    ] as const;
  };
  return writeGguf({
    version: random.chance(0.9) ? random.pick([2, 3]) : number(),
    keys: [
      ['general.architecture', ggufText('llama')],
      ['llama.block_count', u32(random.int(4))],
      [
        random.pick(['tokenizer.chat_template', 'tokenizer.chat_template.tool_use', 'x.prompt']),
        ggufText(makeTemplate(random).slice(0, 40_000)),
      ],
      ...Array.from({ length: random.int(6) }, key),
    ],
    tensors: Array.from({ length: random.int(5) }, (_, i) => ({
      name: random.chance(0.9) ? `blk.${i}.attn_q.weight` : '',
      dims: Array.from({ length: 1 + random.int(4) }, () => (random.chance(0.7) ? 32 : number())),
      type: random.int(42),
      offset: random.chance(0.8) ? 32 * random.int(20) : number(),
    })),
    data: new Uint8Array(random.int(2000)).map((_, i) => i * 31),
  });
}

function makeSafetensors(random: Random): Uint8Array {
  const number = (): number => (random.chance(0.9) ? random.int(64) : random.pick([-1, 0.5, 2 ** 31, 2 ** 53, 1e300]));
  const dtypes = ['F32', 'F16', 'BF16', 'I64', 'U8', 'BOOL', 'F8_E4M3', 'F8_E8M0', 'F4', 'C64', 'X'];
  const entries = Array.from({ length: random.chance(0.02) ? random.int(2000) : random.int(6) }, (_, i) => {
    const [n, from] = [number(), random.chance(0.7) ? 16 * i : number()];
    return [
      random.chance(0.9) ? `layers.${i}.w` : random.pick(['__metadata__', '', '__proto__']),
      {
        dtype: random.pick(dtypes),
        shape: random.chance(0.6) ? [4] : [n, number()],
        data_offsets: [from, random.chance(0.6) ? from + 16 : number()],
      },
    ] as const;
  });
  const about = random.chance(0.5)
    ? { __metadata__: { format: 'pt', template: makeTemplate(random).slice(0, 4000), url: 'http://1.2.3.4/x' } }
    : {};
  return safetensorsFile({ ...about, ...Object.fromEntries(entries) }, new Uint8Array(16 * entries.length));
}

const MAKERS: Partial<Record<FamilyName, (random: Random) => Seed>> = {
  ...files({
    'torch-zip': ['zip', 'm.pt', makeTorchZip],
    'torch-legacy': ['pickle', 'm.pt', makeTorchLegacy],
    'torch-tar': ['tar', 'm.pt', makeTorchTar],
    torchscript: ['zip', 'm.pt', makeTorchScript],
    pickle: ['pickle', 'm.pkl', makePickle],
    calls: ['pickle', 'm.pkl', makeCalls],
    resync: ['bytes', 'm.pkl', makeResync],
    joblib: ['pickle', 'm.joblib', makeJoblib],
    npy: ['npy', 'm.npy', makeNpy],
    npz: ['zip', 'm.npz', makeNpz],
    zip: ['zip', 'm.zip', makeZip],
    tar: ['tar', 'm.tar', makeTar],
    compressed: ['bytes', 'm.pkl', (random) => (random.chance(0.8) ? makeCompressed(random) : makeNested(random, 6))],
    onnx: ['protobuf', 'm.onnx', makeOnnx],
    graphdef: ['protobuf', 'm.pb', makeGraphDef],
    'saved-model': ['protobuf', 'saved_model.pb', makeSavedModel],
    caffe: ['protobuf', 'm.caffemodel', makeCaffe],
    tflite: ['bytes', 'm.tflite', makeTflite],
    safetensors: ['lengthed-json', 'm.safetensors', makeSafetensors],
    gguf: ['gguf', 'm.gguf', makeGguf],
    hdf5: ['hdf5', 'm.h5', makeHdf5],
    keras: ['zip', 'm.keras', makeKerasZip],
    template: ['text', 'chat_template.jinja', (random) => text(makeTemplate(random))],
    tokenizer: ['json', 'tokenizer.json', (random) => text(makeTokenizer(random))],
    bytecode: ['bytes', 'm.pyc', makePyc],
    policy: ['json', 'policy.json', (random) => text(makePolicy(random))],
  }),
  other: (random) => ({
    kind: 'bytes',
    path: random.pick(['m.pt', 'm.bin', 'm', 'm.zip', 'm.7z', 'm.onnx', 'm.png']),
    bytes: makeOther(random),
  }),
  config: (random) => ofText(makeConfig(random), 'json'),
  python: (random) => ofText(makeCode(random), 'text'),
  texts: (random) => ofText(makeSecrets(random), 'text'),
};
function files(
  made: Partial<Record<FamilyName, readonly [Kind, string, (random: Random) => Uint8Array]>>,
): Partial<Record<FamilyName, (random: Random) => Seed>> {
  return Object.fromEntries(
    Object.entries(made).map(([name, [kind, path, make]]) => [name, (random: Random) => ({ kind, path, bytes: make(random) })]),
  );
}
function ofText({ path, text: content }: { path: string; text: string }, kind: Kind): Seed {
  return { kind: path.endsWith('.json') ? 'json' : kind, path, bytes: text(content) };
}

function ownSeeds(): Partial<Record<FamilyName, readonly Seed[]>> {
  const sketch = encodeSketch(toSketch(makeModel(1, 2, 1)));
  const about = {
    name: 'a/b',
    locator: 'hf:a/b',
    digest: `sha256:${'0'.repeat(64)}`,
    digestCovers: 'tensors' as const,
    parameters: 1000,
    architecture: 'llama',
    format: 'safetensors' as const,
    licenses: ['MIT'],
    licenseLabel: 'mit',
    baseModels: ['c/d'],
  };
  const entry = makeEntry(about, '2026-01-01T00:00:00Z', { sha256: '1'.repeat(64), bytes: 1000 });
  const documents = DOCUMENTS.map(([path, kind, content]): Seed => ({
    kind,
    path,
    bytes: text(content),
    beside: { 'model.safetensors': safetensors },
  }));
  return {
    documents,
    config: documents,
    python: documents.filter(({ path }) => /\.(py|pth)$/.test(path)),
    template: TEMPLATES.map((template) => ({ kind: 'text', path: 'chat_template.jinja', bytes: text(template) })),
    sketch: [{ kind: 'sketch', path: 'm.sketch', bytes: sketch }],
    license: sharedPaths('licences/texts', '.txt')
      .filter((_, i) => i % ONE_LICENSE_IN === 0)
      .map((path): Seed => ({ kind: 'text', path: 'LICENSE', bytes: sharedBytes(path) }))
      .concat({ kind: 'text', path: 'README.md', bytes: text(DOCUMENTS[0]![2]) }),
    expression: EXPRESSIONS.map((content) => ({ kind: 'text', path: 'tag', bytes: text(content) })),
    entry: [{ kind: 'json', path: 'e.json', bytes: text(JSON.stringify(entry)) }],
  };
}

export function readFamilies(): Readonly<Record<FamilyName, Family>> {
  const own = ownSeeds();
  const whole = [...sharedSeeds(), ...writtenSeeds()];
  const families = NAMES.map((name): [string, Family] => {
    const make = MAKERS[name];
    const seeds = [...whole.filter((seed) => familyOf(seed) === name), ...(own[name] ?? [])];
    if (seeds.length === 0 && !make) throw new Error(`nothing is made or kept for ${name}`);
    return [name, { seeds, ...(make && { make }) }];
  });
  return Object.fromEntries(families) as Record<FamilyName, Family>;
}
