/**
 * What each file of a model is, by its name; only weights are later opened to see what they really are.
 * @module
 */
import type { FileEntry } from '../base/index.ts';
import type { FormatName } from '../weights/index.ts';
import type { ModelFile } from './types.ts';

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
/** Folders above the file; documents are looked for in the root and one level down. */
export function depthOf(path: string): number {
  return path.split('/').length - 1;
}

/** Endings of weight files, and the format they promise. */
const WEIGHT_ENDINGS: readonly (readonly [ending: RegExp, format: FormatName])[] = [
  [/\.safetensors$/, 'safetensors'],
  [/\.gguf$/, 'gguf'],
  [/\.(bin|pt|pth|th|ckpt|tar|pkl|pickle|pt2)$/, 'pytorch'],
  [/\.onnx$/, 'onnx'],
  [/\.npz$/, 'npz'],
  [/\.npy$/, 'npy'],
  [/\.caffemodel$/, 'caffe'],
  [/\.pb$/, 'tf-graphdef'],
  [/\.(h5|hdf5)$/, 'keras-h5'],
  [/\.keras$/, 'keras-zip'],
  [/\.tflite$/, 'tflite'],
];
/** Best first: the same weights in several formats are read in the one that is plainest and carries no code. */
export const FORMAT_ORDER: readonly FormatName[] = [
  'safetensors',
  'gguf',
  'pytorch',
  'onnx',
  'npz',
  'npy',
  'keras-h5',
  'keras-zip',
  'tf-graphdef',
  'caffe',
  'tflite',
  'tfjs',
];

/** State of the training run beside the model: pickles, but no model. */
const TRAINING_STATE =
  /^(training_args\.bin|optimizer\.(bin|pt)|scheduler\.(bin|pt)|scaler\.(bin|pt)|rng_state.*\.pth|.*optim_states\.pt|trainer_state\.json)$/;
const TOKENIZER =
  /^(tokenizer(_config)?\.json|tokenizer\.model|vocab\.(json|txt|bpe)|merges\.txt|added_tokens\.json|special_tokens_map\.json|spiece\.model|sentencepiece.*\.model|.*\.tiktoken|tekken\.json)$/;
const CONFIG = /^((.*_)?config\.json|configuration\.json|params\.json|model_index\.json|modules\.json|mergekit_config\.ya?ml)$/;
/** `REPO_README.md`, `REPO_LICENSE`: a repository's files standing beside one model taken from it. */
const CARD = /^((repo_)?readme(_[a-z]{2})?|model_?card)(\.(md|markdown|txt|rst))?$/;
const DOCUMENT_END = String.raw`(\.(txt|md|markdown|rst|html?|pdf))?$`;
const LICENSE = new RegExp(
  String.raw`^((repo[_-])?(un)?licen[cs]es?([._-].*?)?|.*[_-]licen[cs]e|copying([._-].*?)?|copyright)${DOCUMENT_END}`,
);
const NOTICE = new RegExp(
  String.raw`^((repo[_-])?notices?([._-].*?)?|third[_-]?party.*|attributions?|authors|.*[_-]notice)${DOCUMENT_END}`,
);
const POLICY = new RegExp(
  String.raw`^.*(use|usage)[_-]?(policy|restrictions).*?${DOCUMENT_END}|^.*(acceptable|prohibited)[_-]?use.*?${DOCUMENT_END}`,
);
const CODE = /\.(py|ipynb|js|ts|sh|cpp|cu|c|h|lua|jinja2?)$/;

/** The format a file's ending promises; undefined when it promises no weights. */
export function promisedFormat(path: string): FormatName | undefined {
  const name = baseName(path).toLowerCase();
  if (TRAINING_STATE.test(name)) return undefined;
  if (name === 'model.json') return 'tfjs';
  // Shards of TensorFlow.js, named by its model.json
  if (/^group\d+-shard\d+of\d+(\.bin)?$/.test(name)) return undefined;
  return WEIGHT_ENDINGS.find(([ending]) => ending.test(name))?.[1];
}

export function classify(entry: FileEntry): ModelFile {
  return { ...entry, kind: kindOf(entry.path) };
}

function kindOf(path: string): ModelFile['kind'] {
  const name = baseName(path).toLowerCase();
  if (/\.(safetensors|bin|pth?)\.index\.json$/.test(name)) return 'weights-index';
  if (promisedFormat(path) || /\.(onnx_data|onnx\.data|msgpack|ot|ggml)$|^group\d+-shard\d+of\d+(\.bin)?$/.test(name)) return 'weights';
  if (CODE.test(name)) return 'code';
  if (TOKENIZER.test(name)) return 'tokenizer';
  if (CONFIG.test(name)) return 'config';
  if (CARD.test(name)) return 'card';
  if (POLICY.test(name)) return 'policy';
  if (NOTICE.test(name)) return 'notice';
  if (LICENSE.test(name) || /(^|\/)licen[cs]es\/[^/]+(\.(txt|md))?$/i.test(path)) return 'license';
  return 'other';
}
