/** Whole files to damage: small ones of the shared corpora, read as bytes only, and some written here. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { joinBytes, latin1, le, safetensorsFile, u32, ggufText, writeGguf, zipBytes } from '../../src/weights/testing/index.ts';
import { float, int, len } from '../../src/weights/testing/proto-writer.ts';
import { sharedBytes, sharedPaths } from '../../src/weights/testing/shared-files.ts';
import { tarBytes, torchTar } from '../../src/weights/testing/torch-files.ts';
import type { Kind } from './formats.ts';

export interface Seed {
  readonly kind: Kind;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly beside?: Readonly<Record<string, Uint8Array>>;
}

/** Larger files are slower to damage and no richer. */
const MAX_SEED = 16 << 10;

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const made = (name: string): string => readFileSync(new URL(`../../src/weights/testing/${name}`, import.meta.url), 'utf8');

function kindOf(path: string, bytes: Uint8Array): Kind {
  const mark = new TextDecoder('latin1').decode(bytes.subarray(0, 8));
  if (mark.startsWith('PK')) return 'zip';
  if (mark.startsWith('GGUF')) return 'gguf';
  if (mark.startsWith('\x89HDF')) return 'hdf5';
  if (mark.startsWith('\x93NUMPY')) return 'npy';
  if (/^[\s]*[{[]/.test(mark) && path.endsWith('.json')) return 'json';
  if (path.endsWith('.safetensors')) return 'lengthed-json';
  if (/\.(onnx|pb|caffemodel)$/.test(path)) return 'protobuf';
  if (new TextDecoder('latin1').decode(bytes.subarray(257, 262)) === 'ustar') return 'tar';
  if (/\.(md|txt|ya?ml|py|jinja2?|j2)$/.test(path)) return 'text';
  return mark.startsWith('\x80') || /\.(pkl|pickle|pt|pth|bin|joblib|ckpt)$/.test(path) ? 'pickle' : 'bytes';
}

/** Small files of the corpus of safety. */
export function sharedSeeds(): Seed[] {
  return sharedPaths('safety-corpus', '').flatMap((whole) => {
    const bytes = sharedBytes(whole);
    const path = whole.slice(whole.lastIndexOf('/') + 1);
    return bytes.length > MAX_SEED ? [] : [{ kind: kindOf(path, bytes), path, bytes }];
  });
}

const tensor = (name: string): number[] => [
  ...int(1, 2),
  ...int(1, 2),
  ...int(2, 1),
  ...len(8, name),
  ...float(4, 1),
  ...float(4, 2),
  ...float(4, 3),
];
const onnx = new Uint8Array([
  ...int(1, 8),
  ...len(7, len(1, len(1, 'x'), len(1, 'w'), len(2, 'y'), len(4, 'Gemm')), len(5, tensor('w')), len(2, 'g')),
  ...len(8, int(2, 17)),
]);
const graphdef = new Uint8Array(
  len(
    1,
    len(1, 'w'),
    len(2, 'Const'),
    len(5, len(1, 'value'), len(2, len(8, int(1, 1), len(2, len(2, int(1, 2))), len(4, new Uint8Array(8))))),
  ),
);
const gguf = writeGguf({
  keys: [
    ['general.architecture', ggufText('llama')],
    ['llama.block_count', u32(1)],
    ['tokenizer.chat_template', ggufText('{% for m in messages %}{{ m.content }}{% endfor %}')],
    ...[0, 1, 2, 3, 5, 7, 10, 11].map((type) => [`k.${type}`, { type, value: 1 }] as const),
    ...[6, 12].map((type) => [`k.${type}`, { type, value: 1.5 }] as const),
    ['tokenizer.ggml.tokens', { type: 9, value: { of: 8, items: ['a', 'b'] } }],
    ['tokenizer.ggml.scores', { type: 9, value: { of: 6, items: [1, 2] } }],
  ],
  tensors: [
    { name: 'blk.0.attn_q.weight', dims: [32, 2], type: 8, offset: 0 },
    { name: 'blk.0.attn_norm.weight', dims: [8], type: 0, offset: 96 },
  ],
  data: new Uint8Array(128).map((_, i) => i),
});
export const safetensors: Uint8Array = safetensorsFile(
  {
    __metadata__: { format: 'pt' },
    'model.layers.0.self_attn.q_proj.weight': { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
    'model.layers.0.mlp.up_proj.weight': { dtype: 'BF16', shape: [2, 2], data_offsets: [16, 24] },
  },
  new Uint8Array(24).map((_, i) => i),
);
const tfjs = text(
  JSON.stringify({
    format: 'layers-model',
    modelTopology: { model_config: { class_name: 'Sequential', config: { layers: [{ class_name: 'Dense', config: { name: 'k' } }] } } },
    weightsManifest: [
      {
        paths: ['s.bin'],
        weights: [
          { name: 'k', shape: [2, 2], dtype: 'float32' },
          { name: 'q', shape: [4], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.1, min: 0 } },
        ],
      },
    ],
  }),
);

export function writtenSeeds(): Seed[] {
  const { files: hdf5 } = JSON.parse(made('hdf5-files.json')) as { files: Record<string, { gzip: string }> };
  const { files: compressed } = JSON.parse(made('compressed-files.json')) as { files: Record<string, Record<string, string>> };
  const unpacked = (gzip: string): Uint8Array => new Uint8Array(gunzipSync(Buffer.from(gzip, 'base64')));
  return [
    { kind: 'lengthed-json', path: 'model.safetensors', bytes: safetensors },
    { kind: 'gguf', path: 'm.gguf', bytes: gguf },
    { kind: 'protobuf', path: 'm.onnx', bytes: onnx },
    { kind: 'protobuf', path: 'm.pb', bytes: graphdef },
    { kind: 'json', path: 'model.json', bytes: tfjs, beside: { 's.bin': new Uint8Array(20) } },
    {
      kind: 'json',
      path: 'm.safetensors.index.json',
      bytes: text('{"weight_map":{"a":"m-1.safetensors"}}'),
      beside: { 'm-1.safetensors': safetensors },
    },
    { kind: 'tar', path: 'm.tar', bytes: torchTar() },
    {
      kind: 'tar',
      path: 'n.tar',
      bytes: tarBytes([
        { name: 'a.pkl', data: latin1('\x80\x02N.') },
        { name: 'b.txt', data: text('hello') },
      ]),
    },
    {
      kind: 'zip',
      path: 'm.zip',
      bytes: zipBytes(
        [
          { name: 'a.pkl', data: latin1('\x80\x02N.') },
          { name: 'b', data: joinBytes(latin1('PK\x03\x04'), le(8, 1)) },
        ],
        'x',
      ),
    },
    ...Object.values(hdf5)
      .map(({ gzip }): Seed => ({ kind: 'hdf5', path: 'm.h5', bytes: unpacked(gzip) }))
      .filter((seed) => seed.bytes.length <= 4 * MAX_SEED),
    ...Object.values(compressed).flatMap((files) =>
      Object.values(files).flatMap((base64): Seed[] =>
        typeof base64 === 'string' ? [{ kind: 'bytes', path: 'm.joblib', bytes: new Uint8Array(Buffer.from(base64, 'base64')) }] : [],
      ),
    ),
  ];
}

export const DOCUMENTS: readonly (readonly [path: string, kind: Kind, content: string])[] = [
  [
    'README.md',
    'text',
    '---\nlicense: [mit, &a apache-2.0]\nlicense_name: *a\nbase_model:\n- a/b\n- {name: c}\ntags: !!set {x, y}\nlanguage: no\n? [k]\n: "v\\u0041"\nmodel-index:\n- name: n\n  results: |\n    text\n---\n# T\nReleased under the [MIT license](https://opensource.org/licenses/MIT).\n',
  ],
  [
    'config.json',
    'json',
    '{"model_type":"phi3","num_attention_heads":4,"num_key_value_heads":2,"hidden_size":8,"auto_map":{"AutoModel":"a.B"},"quantization_config":{"bits":4}}',
  ],
  ['tokenizer.json', 'json', '{"model":{"vocab":{"a":0,"b":1},"merges":["a b"]},"added_tokens":[{"id":2,"content":"c"}]}'],
  [
    'tokenizer_config.json',
    'json',
    '{"chat_template":"{% for m in messages %}{{ m[\'content\'] }}{% endfor %}","added_tokens_decoder":{"0":{"content":"a"}}}',
  ],
  ['adapter_config.json', 'json', '{"peft_type":"LORA","r":8,"lora_alpha":16,"base_model_name_or_path":"a/b","target_modules":["q_proj"]}'],
  ['mergekit_config.yml', 'text', 'models:\n- model: a\n  parameters: {weight: 0.5}\nmerge_method: linear\n'],
  [
    'LICENSE',
    'text',
    'MIT License\n\nCopyright (c) 2024 A\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\n',
  ],
  ['site.pth', 'text', '# start\n\nimport os; os.getcwd()\n'],
  ['modeling.py', 'text', 'import torch\n\ndef f(x):\n    return eval("x")  # note\n'],
  ['conf.yaml', 'text', 'model:\n  _target_: torch.nn.Linear\n  a: [1, {b: c}]\n'],
];
