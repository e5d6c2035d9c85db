/**
 * Files by name and place: what Python, build tools or containers run by themselves, what hides a library, what lies about its format.
 * @module
 */
import { judgeCode } from '../code.ts';
import { isListedModule } from '../globals.ts';
import { judgePrototxt } from './caffe.ts';
import { type Collector, report } from '../rules.ts';
import { commandIn } from './commands.ts';
import { readBytecode } from './marshal.ts';
import { SHADOWED } from './shadowed.ts';
import { judgeOperation } from './tensorflow-operations.ts';
import { judgeAddresses } from './urls.ts';

/** What each name promises; formats that share a suffix in practice are all listed. `unknown` is told apart. */
const PROMISES: readonly (readonly [suffix: RegExp, what: string, formats: readonly string[]])[] = [
  [/\.safetensors$/i, 'safetensors', ['safetensors']],
  [/\.gguf$/i, 'GGUF', ['gguf']],
  [/\.onnx$/i, 'ONNX', ['onnx']],
  [/\.(h5|hdf5)$/i, 'HDF5', ['keras-h5']],
  [/\.keras$/i, 'Keras', ['zip', 'keras-zip', 'keras-h5']],
  [/\.npy$/i, 'NumPy', ['npy', 'pickle']],
  [/\.npz$/i, 'NumPy', ['zip', 'npz']],
  [/\.zip$/i, 'ZIP', ['zip', 'keras-zip', 'npz']],
  [/\.mar$/i, 'TorchServe', ['zip', 'gzip', 'tar']],
  [/\.nemo$/i, 'NeMo', ['tar', 'gzip']],
  [/\.tflite$/i, 'TensorFlow Lite', ['tflite']],
  [/\.pb$/i, 'protobuf', ['tf-graphdef', 'onnx', 'caffe']],
  [/\.caffemodel$/i, 'Caffe', ['caffe', 'keras-h5']],
  [
    /\.(png|jpe?g|gif|webp|bmp|ico|svg|wav|mp3|flac|ogg|mp4|txt|md|rst|csv|tsv|parquet|arrow|jsonl?|ya?ml|toml|ini|cfg|lock|log|html?|css|js)$/i,
    'no model',
    ['json', 'html', 'tfjs', 'tf-graphdef', 'caffe', 'onnx', 'gzip', 'tar'],
  ],
];
/** Detected without doubt, whatever the name says. */
const CERTAIN = new Set(['safetensors', 'gguf', 'keras-h5', 'npy', 'zip', 'pickle', 'tar', 'gzip']);

/** Content that is not what the name promises. @returns whether a finding was made. */
export function judgeName(file: string, format: string, into: Collector): boolean {
  const promise = PROMISES.find(([suffix]) => suffix.test(file));
  if (!promise || promise[2].includes(format) || !CERTAIN.has(format)) return false;
  report(into, 'wrong-extension', { file, byte: 0 }, `the file is named as ${promise[1]} and is ${format}`);
  return true;
}
/** Pictures, sounds and tables stand beside many models, and are no business here. */
export function isMedia(file: string): boolean {
  return (
    PROMISES.some(([suffix, what]) => what === 'no model' && suffix.test(file)) ||
    /\.(pdf|zip|gz|mov|avi|m4a|opus|woff2?|ttf|otf|spm|vocab|model|gitattributes|arrow|feather|index|faiss)$|(^|\/)\./i.test(file)
  );
}
export function promisedFormat(file: string): string | null {
  const promise = PROMISES.find(([suffix]) => suffix.test(file));
  return promise && promise[1] !== 'no model' ? promise[1] : null;
}

/** Files that a shell or another interpreter runs. */
export function isScript(file: string): boolean {
  return /\.(sh|bash|zsh|bat|cmd|ps1|vbs|pl|rb|lua)$/i.test(file);
}

/** Whether a file with this name is looked at as text by `judgeTextFile`. */
export function isTextFile(file: string): boolean {
  return (
    /\.(py|pyw|ipynb|sh|bash|zsh|bat|cmd|ps1|txt|md|cfg|ini|toml|env|prototxt|pbtxt|modelfile|dockerfile|pem|key|netrc|properties|xml|jsonl|csv|lua|js|rb|pl|vbs|html?)$/i.test(
      file,
    ) ||
    /(^|\/)(Dockerfile|Modelfile|Makefile|\.env|\.netrc|\.npmrc|\.pypirc|\.git-credentials|credentials|id_rsa|id_ed25519|token)(\.[\w-]+)?$/i.test(
      file,
    )
  );
}

/** A script inside an archive. @param weights whether the archive is one of weights, which need none. */
export function judgePackedScript(bytes: Uint8Array, file: string, weights: boolean, into: Collector): void {
  judgeTextFile(bytes, new TextDecoder().decode(bytes), file, into);
  if (weights) report(into, 'executable', { file }, 'a weight file carries a script');
}

/** Code, scripts and build files beside weights. @param text of the file. */
export function judgeTextFile(bytes: Uint8Array, text: string, file: string, into: Collector): void {
  const base = file.slice(file.lastIndexOf('/') + 1);
  if (/^(sitecustomize|usercustomize)\.py$/.test(base))
    report(into, 'startup-file', { file, byte: 0 }, `Python runs ${base} at every start where it finds it`);
  if (/\.pyw?$/i.test(base)) {
    judgeShadow(file, into);
    return judgeCode(bytes, file, into, 'beside');
  }
  if (/\.pbtxt$/i.test(base)) return judgeGraphText(text, file, into);
  if (/\.prototxt$/i.test(base)) return judgePrototxt(text, file, into);
  if (/\.ipynb$/i.test(base)) return judgeNotebook(text, file, into);
  if (isScript(base)) return judgeScript(text, file, into);
  if (/^(Dockerfile|Makefile)|\.dockerfile$/i.test(base)) return judgeScript(text, file, into);
  if (/^requirements[^/]*\.txt$/i.test(base)) return judgeAddresses(text, 'source_url', file, '', into);
  if (/^Modelfile|\.modelfile$/i.test(base)) return judgeModelfile(text, file, into);
}

/** A graph in protobuf's text form; TensorFlow loads `saved_model.pbtxt` like its binary sister. */
function judgeGraphText(text: string, file: string, into: Collector): void {
  let told = 0;
  for (const match of text.matchAll(/\bop\s{0,20}:\s{0,20}((?:["'][\w\\]{1,100}["']\s{0,20})+)/g)) {
    // Texts that follow one another are one, and any letter may be written as its number.
    const op = match[1]!
      .replace(/["'\s]/g, '')
      .replace(/\\(?:x([0-9a-f]{1,2})|([0-7]{1,3}))/gi, (_, hex?: string, octal?: string) =>
        String.fromCharCode(parseInt(hex ?? octal!, hex ? 16 : 8)),
      );
    if (told++ < 1_000_000) judgeOperation(op, { file, byte: match.index }, into);
  }
}

/** Python compiled: run in place of its source. @param bytes with the header of 16 bytes, or 12 before 3.7. */
export function judgeCompiled(bytes: Uint8Array, file: string, into: Collector): void {
  const code = readBytecode(bytes.subarray(16)) ?? readBytecode(bytes.subarray(12));
  const acts = code?.texts.find(
    (one) =>
      /^(system|popen|Popen|exec|eval|subprocess|socket|urlopen|check_output|import_module|marshal)$/.test(one) || commandIn(one) !== null,
  );
  if (acts !== undefined) report(into, 'code-calls', { file }, `the compiled code uses ${JSON.stringify(acts.slice(0, 60))}`);
  else
    report(
      into,
      code ? 'code-beside-weights' : 'not-read',
      { file },
      code ? 'compiled code stands beside the weights' : 'the compiled code cannot be read',
    );
}

/** A module in the root of a repository is imported in place of the library of its name by any program started there. */
export function judgeShadow(file: string, into: Collector): void {
  const parts = file.split('/');
  const module =
    parts.length === 1
      ? parts[0]!.replace(/\.(pyw?|pyc|so|pyd|abi3\.so|cpython-\d+[\w-]*\.so)$/i, '')
      : parts.length === 2 && /^__init__\.py[c]?$/.test(parts[1]!)
        ? parts[0]!
        : '';
  if (module !== '' && (SHADOWED.has(module) || isListedModule(into.book, module)))
    report(into, 'shadow-module', { file }, `"${file}" is imported in place of the library "${module}" by programs started in this folder`);
}

function judgeScript(text: string, file: string, into: Collector): void {
  for (const [i, line] of text
    .slice(0, 1 << 20)
    .split('\n')
    .entries()) {
    const pipes =
      /\brm\s+(-[\w-]{1,40}\s+){0,4}-\w{0,20}[rf]\w{0,20}\s+(-\S{1,40}\s+){0,4}(\/|~\/?|\$HOME\/?)\*?(\s|$)|(curl|wget)\b[^|\n]*\|\s*(sudo\s+)?(ba|z|da)?sh\b|base64\s+(-d|--decode)[^\n]*\|\s*(ba)?sh\b|\/dev\/tcp\/|\bnc\b[^\n]*-e\b|Invoke-Expression|\bIEX\b|DownloadString|eval\s+"?\$\((?!\s*["'\w./${}-]*\b(conda|mamba|micromamba|ssh-agent|brew|pyenv|direnv|starship|rbenv)\b)/i.exec(
        line.slice(0, 4000),
      );
    if (pipes)
      return report(
        into,
        'code-calls',
        { file, field: `line ${i + 1}` },
        `line ${i + 1} fetches or hides what it runs: ${pipes[0].slice(0, 80)}`,
      );
  }
  report(into, 'code-beside-weights', { file }, 'a script stands beside the weights');
}

/** Ollama's description of a model: where it and its adapters come from. */
function judgeModelfile(text: string, file: string, into: Collector): void {
  for (const match of text.slice(0, 1 << 20).matchAll(/^[^\S\n]*(FROM|ADAPTER)[^\S\n]+(\S+)/gim)) {
    const from = match[2]!;
    if (/^(\/(etc|proc|root|home)\/|~|[a-z]:\\)|(^|\/)\.\.\/\.\./i.test(from))
      report(into, 'config-path', { file, field: match[1]! }, `${match[1]} points at ${from.slice(0, 100)}`);
    judgeAddresses(from, 'source_url', file, match[1]!, into);
  }
}

function judgeNotebook(text: string, file: string, into: Collector): void {
  let cells: unknown;
  try {
    cells = (JSON.parse(text) as { cells?: unknown } | null)?.cells;
  } catch {
    return report(into, 'broken-file', { file }, 'the notebook is not valid JSON');
  }
  if (!Array.isArray(cells)) return;
  const code: string[] = [];
  const shell: string[] = [];
  for (const cell of cells.slice(0, 10_000) as { cell_type?: unknown; source?: unknown }[]) {
    if (cell?.cell_type !== 'code') continue;
    const source = Array.isArray(cell.source) ? cell.source.join('') : typeof cell.source === 'string' ? cell.source : '';
    for (const line of source.split('\n')) (/^\s*[!%]/.test(line) ? shell : code).push(line);
  }
  const fetched = shell.map((line) => /\|\s*(ba|z)?sh\b|\/dev\/tcp\//.exec(line)?.input ?? null).find((line) => line !== null);
  if (fetched && commandIn(fetched))
    return report(into, 'code-calls', { file, field: 'cells' }, `a cell runs ${JSON.stringify(fetched.trim().slice(0, 100))}`);
  judgeCode(new TextEncoder().encode(code.join('\n')), file, into, 'notebook');
}
