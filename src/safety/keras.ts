import { HeirloomError, type JsonValue, parseJson } from '../base/index.ts';
import { dangerOf } from './globals.ts';
import { type Collector, report } from './rules.ts';

/** Objects of a configuration looked at; the largest published ones have thousands. (CWE-834) */
const MAX_NODES = 200_000;

/** A `.keras` archive's `config.json`, or the `model_config` of an HDF5 file. */
export function judgeKerasConfig(bytes: Uint8Array, file: string, into: Collector): void {
  let config: JsonValue;
  try {
    config = parseJson(bytes, file);
  } catch (error) {
    if (!(error instanceof HeirloomError)) throw error;
    return report(into, 'broken-file', error.where ?? { file }, error.message);
  }
  const stack: { value: JsonValue; path: string }[] = [{ value: config, path: '' }];
  for (let nodes = 0; stack.length > 0 && nodes < MAX_NODES; nodes++) {
    const { value, path } = stack.pop()!;
    if (typeof value !== 'object' || value === null) continue;
    if (!Array.isArray(value)) judgeObject(value, path, file, into);
    for (const [key, inner] of Object.entries(value))
      if (typeof inner === 'object') stack.push({ value: inner, path: path ? `${path}.${key}` : key });
  }
}

function judgeObject(value: { readonly [key: string]: JsonValue }, path: string, file: string, into: Collector): void {
  const where = { file, field: path };
  const name = value['class_name'];
  const say = (what: string): void => report(into, 'keras-code', where, what);
  if (name === 'Lambda' || name === '__lambda__' || name === 'function')
    say(`"${path}" is a ${name} layer or function: its code is in the file or called by name`);
  if (name === 'TorchModuleWrapper') say(`"${path}" wraps a PyTorch module, which is stored as a pickle`);
  if (name === 'TFSMLayer') say(`"${path}" loads a TensorFlow program from a path`);
  for (const key of ['module', 'fn_module', 'function_module']) {
    const module = value[key];
    if (
      typeof module !== 'string' ||
      module === '' ||
      /^(keras|keras_hub|keras_nlp|keras_cv|tf_keras|tensorflow)(\.|$)|^builtins$/.test(module)
    )
      continue;
    const danger = dangerOf(into.book.denied, module);
    say(danger ? `"${path}" imports ${module}, which ${danger}` : `"${path}" imports ${module}, which is not part of Keras`);
  }
  const registered = value['registered_name'];
  if (typeof registered === 'string' && registered.includes('>') && value['module'] === null)
    say(`"${path}" needs the class ${registered}, whose code is not in the file`);
  const fn = value['function'] ?? value['fn_name'] ?? value['fn'];
  if (typeof fn === 'string' && /^enable_unsafe_deserialization$|load_model|eval|exec|system|popen/.test(fn))
    say(`"${path}" names the function ${fn}`);
  const strings = Object.values(value).filter((inner): inner is string => typeof inner === 'string');
  if (strings.some((text) => /\bget_file\b/.test(text)) && strings.some((text) => /^(https?|ftp|file):/.test(text)))
    say(`"${path}" downloads a file when it is loaded`);
}
