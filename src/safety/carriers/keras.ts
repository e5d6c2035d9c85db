/**
 * Keras configurations: the classes, modules and functions they name, and the code they carry.
 * Sources: Keras 3 `serialization_lib.py`, `lambda_layer.py`, `saving_lib.py`; Keras 2 `generic_utils.py` (func_load);
 * CVE-2024-3660, CVE-2025-1550, -8747, -9905, -9906, -12058, -49655, CVE-2026-1462.
 * @module
 */
import { HeirloomError, type JsonValue } from '../../base/index.ts';
import { dangerOf } from '../globals.ts';
import { type Collector, report } from '../rules.ts';
import { commandIn } from './commands.ts';
import { parsePythonJson } from './json.ts';
import { isKerasLayer, isKerasModule, REACHING } from './keras-names.ts';
import { readBytecode } from './marshal.ts';
import { actsOf } from './tensorflow-operations.ts';

/** Objects of a configuration looked at; the largest published ones have thousands. (CWE-834) */
const MAX_NODES = 200_000;
/** A lambda written in letters. */
const MAX_LETTERS = 4096;
/** Identifiers in a layer's bytecode that no arithmetic needs. */
const ACTING =
  /^(os|sys|system|popen|Popen|subprocess|socket|pty|ctypes|shutil|importlib|import_module|builtins|__builtins__|__import__|__globals__|__subclasses__|__class__|exec|eval|compile|open|getattr|setattr|globals|vars|marshal|pickle|loads|urllib|urlopen|requests|urlretrieve|b64decode|spawn|fork|execv|execve|check_output|run_path|webbrowser|http|ftplib|smtplib|write_text|write_bytes|unlink|rmtree|remove|environ|base64|codecs|zlib|posix|nt|commands|platform|getpass|inspect|gc)$/;

/** Layers that take the name of a file in place of words. */
const LOOKUPS = /^(StringLookup|IntegerLookup|IndexLookup|TextVectorization)$/;
/** Callable without a module; functions of Keras are found by theirs. */
const BUILTIN = /^(exec|eval|system|popen|__import__|open)$/;

type Json = { readonly [key: string]: JsonValue };
interface Node {
  readonly value: JsonValue;
  readonly path: string;
  /** Whether layers stand here. */
  readonly layer: boolean;
  readonly module: string | null;
}
type Say = (rule: 'keras-runs' | 'keras-code', what: string) => void;

/** A `.keras` archive's `config.json`, the `model_config` of an HDF5 file, or a node of `keras_metadata.pb`. */
export function judgeKerasConfig(bytes: Uint8Array, file: string, into: Collector): void {
  let config: JsonValue;
  try {
    config = parsePythonJson(bytes, file).value;
  } catch (error) {
    if (!(error instanceof HeirloomError)) throw error;
    return report(into, 'broken-file', error.where ?? { file }, error.message);
  }
  judgeKerasObject(config, file, into);
}

export function judgeKerasObject(config: JsonValue, file: string, into: Collector): void {
  const stack: Node[] = [{ value: config, path: '', layer: true, module: null }];
  for (let nodes = 0; stack.length > 0 && nodes < MAX_NODES; nodes++) {
    const { value, path, layer, module } = stack.pop()!;
    if (typeof value !== 'object' || value === null) continue;
    const own = Array.isArray(value) ? null : textOf(value['module']);
    if (!Array.isArray(value)) judgeObject(value, path, layer, own ?? module, file, into);
    for (const [key, inner] of Object.entries(value)) {
      // Layers stand in `layers`, and one by one in wrappers.
      const layers = Array.isArray(value) ? layer : /^(layers?|cells?|forward_layer|backward_layer|model_config)$/.test(key);
      if (typeof inner === 'object')
        stack.push({ value: inner, path: path ? `${path}.${key}` : key, layer: layers, module: key === 'config' ? own : null });
    }
  }
}

/** @param module named by the object itself, or by the one whose `config` it is. */
function judgeObject(value: Json, path: string, layer: boolean, module: string | null, file: string, into: Collector): void {
  const where = path ? { file, field: path } : { file };
  const say: Say = (rule, what) => report(into, rule, where, what);
  const name = typeof value['class_name'] === 'string' ? value['class_name'] : '';
  const config = value['config'];
  const inner: Json = typeof config === 'object' && config !== null && !Array.isArray(config) ? config : {};
  if (name === 'Lambda' || name === 'OpLambda') judgeLambda(inner, path, say);
  if (name === '__lambda__') judgeBody(textOf(inner['code']) ?? textOf(inner['value']) ?? textOf(config) ?? '', path, say);
  if (name === 'TorchModuleWrapper') say('keras-runs', `"${path}" wraps a PyTorch module, which is stored as a pickle and loaded`);
  if (name === 'TFSMLayer') {
    const from = textOf(inner['filepath']) ?? '';
    const away = /^([/\\~]|[a-z][\w+.-]*:)|\.\./i.test(from);
    say(away ? 'keras-runs' : 'keras-code', `"${path}" loads a TensorFlow program from ${JSON.stringify(from.slice(0, 100))}`);
  }
  if (LOOKUPS.test(name)) judgeVocabulary(textOf(inner['vocabulary']), path, say);
  if (name === 'KerasLayer' && /^[a-z][\w+.-]*:\/\//i.test(textOf(inner['handle']) ?? ''))
    say('keras-code', `"${path}" fetches a TensorFlow program from ${textOf(inner['handle'])!.slice(0, 100)}`);
  if ((name === 'JaxLayer' || name === 'FlaxLayer') && Object.keys(inner).length > 0)
    say('keras-code', `"${path}" is a ${name}, whose functions are carried as code`);
  if (name === 'TensorFlowOpLayer') judgeOperationLayer(inner['node_def'], path, say);
  judgeModules(value, name, path, into, say);
  judgeFunctions(value, path, module !== null, into, say);
  const registered = textOf(value['registered_name']) ?? '';
  const foreign = registered.includes('>')
    ? !/^(keras|keras_\w+|KerasHub|Custom>Adam\w*)>/i.test(registered)
    : registered.includes('.') && !isKerasModule(registered);
  if (foreign && textOf(value['module']) === null)
    say('keras-code', `"${path}" needs the class ${registered.slice(0, 100)}, whose code is not in the file`);
  const plain = textOf(value['module']) === null && !registered.includes('>');
  if (layer && plain && name !== '' && !name.startsWith('__') && !isKerasLayer(name.replace(/^(Keras|Custom)>/, '')))
    say('keras-code', `"${path || 'the model'}" is of the class ${name.slice(0, 100)}, which is not part of Keras`);
}

/** A vocabulary by name is read from wherever the name leads when the model is loaded. (CVE-2025-12058) */
function judgeVocabulary(from: string | null, path: string, say: Say): void {
  if (!from) return;
  const away = /^([a-z][\w+.-]*:|\/(etc|proc|sys|dev|root|var)\/|~|\\)|(^|[\\/])\.\.([\\/]|$)/i.test(from);
  say(away ? 'keras-runs' : 'keras-code', `"${path}" reads its vocabulary from ${JSON.stringify(from.slice(0, 100))}`);
}

/** Modules by whatever key: `module`, `fn_module`, `function_module`... */
function judgeModules(value: Json, name: string, path: string, into: Collector, say: Say): void {
  for (const [key, module] of Object.entries(value)) {
    if (typeof module !== 'string' || !/(^|_)module$/.test(key) || !/^[\w.]+$/.test(module)) continue;
    const full = key === 'module' && name ? `${module}.${name}` : module;
    const danger = dangerOf(into.book.denied, full);
    if (danger) say('keras-runs', `"${path}" imports ${full}, which ${danger}`);
    else if (REACHING.test(name) && key === 'module') say('keras-runs', `"${path}" calls ${full} while the model is loaded`);
    else if (module === 'builtins') {
      const called = textOf(value['config']) ?? name;
      if (name === 'function')
        say(
          REACHING.test(called) ? 'keras-runs' : 'keras-code',
          `"${path}" needs the function ${called.slice(0, 100)}, whose code is not in the file`,
        );
      else if (!/^(dict|list|tuple|set|frozenset|str|bytes|int|float|complex|bool|slice|range|type|NoneType|object)$/.test(name))
        say('keras-runs', `"${path}" calls ${full} while the model is loaded`);
    } else if (!isKerasModule(module)) say('keras-code', `"${path}" imports ${full}, which is not part of Keras`);
  }
}

/** Functions by name, and downloads: an address beside `get_file`. `placed` when a module is named beside them. */
function judgeFunctions(value: Json, path: string, placed: boolean, into: Collector, say: Say): void {
  for (const [key, one] of Object.entries(value)) {
    if (typeof one !== 'string' || key === 'name' || key === 'module') continue;
    // `registered_name` separates package and class by ">".
    const dotted = one.replace('>', '.');
    const danger = /^[a-z_]\w*(\.\w+)+$/i.test(dotted) ? dangerOf(into.book.denied, dotted) : null;
    if (danger) say('keras-runs', `"${path}" names ${one.slice(0, 100)}, which ${danger}`);
    // Whole and by its package, the name of a function that reaches out has no use but a call.
    else if (/^[\w.]+\.\w+$/.test(one) && isKerasModule(one) && REACHING.test(one.split('.').at(-1)!))
      say('keras-code', `"${path}" names ${one.slice(0, 100)}`);
    if (/(^|[.\s=('"])enable_unsafe_deserialization\s*\(/.test(one)) say('keras-runs', `"${path}" lifts the guard against code in models`);
  }
  if (REACHING.test(textOf(value['class_name']) ?? '') && textOf(value['module']) === null)
    say('keras-runs', `"${path}" names the function ${textOf(value['class_name'])!}`);
  for (const key of ['fn', 'fn_name', 'function', 'function_name', 'func', 'callable', 'config', 'activation']) {
    const text = textOf(value[key])?.split('(', 1)[0]!.trimEnd() ?? '';
    const last = text.split('.').at(-1)!;
    if (last === 'get_file') {
      if (/"([a-z]+:)?\/\//i.test(JSON.stringify(value))) say('keras-runs', `"${path}" downloads a file while the model is loaded`);
    } else if ((REACHING.test(last) && (placed || last !== text || BUILTIN.test(last))) || actsOf(last))
      say('keras-runs', `"${path}" names the function ${text.slice(0, 100)}`);
  }
}

/** Keras 2 keeps single TensorFlow operations as a NodeDef in JSON. */
function judgeOperationLayer(node: JsonValue | undefined, path: string, say: Say): void {
  const text = typeof node === 'string' ? node : JSON.stringify(node ?? '');
  const acts = /"?op"?\s*:\s*\\?"(\w+)/g;
  for (const [, op] of text.matchAll(acts))
    if (actsOf(op!)) say('keras-runs', `"${path}" holds the operation ${op!}, which ${actsOf(op!)!}`);
}

/** A Lambda's function: a name, a body as `[base64, defaults, closure]`, or an object that holds one. */
function judgeLambda(config: Json, path: string, say: Say): void {
  const given = config['function'];
  const from = textOf(config['module']);
  if (typeof given === 'string') {
    const body = base64(given);
    if (body && readBytecode(body)) return judgeBody(given, path, say);
    const acts = commandIn(given) ?? given.match(/\w+/g)?.find((word) => ACTING.test(word));
    return say(acts ? 'keras-runs' : 'keras-code', `"${path}" is a Lambda layer of ${JSON.stringify(given.slice(0, 80))}`);
  }
  if (Array.isArray(given) && typeof given[0] === 'string') return judgeBody(given[0], path, say);
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) {
    const items =
      given['items'] ?? (typeof given['config'] === 'object' && given['config'] !== null ? (given['config'] as Json)['items'] : undefined);
    if (Array.isArray(items) && typeof items[0] === 'string') return judgeBody(items[0], path, say);
    // An object with a class is judged where it stands.
    if (typeof given['class_name'] === 'string')
      return say('keras-code', `"${path}" is a Lambda layer; its function stands in the file or is called by name`);
  }
  say('keras-code', `"${path}" is a Lambda layer${from ? ` of ${from.slice(0, 80)}` : ''}`);
}

/** Marshalled bytecode in base64: what cannot be read is not trusted to be arithmetic. */
function judgeBody(text: string, path: string, say: Say): void {
  const bytes = base64(text);
  const body = bytes && readBytecode(bytes);
  // A lambda in letters is no bytecode, and runs nowhere; one that names nothing beyond arithmetic is told as any Lambda is.
  const letters = bytes && !body ? new TextDecoder().decode(bytes.subarray(0, MAX_LETTERS)) : '';
  if (/^\s*lambda\b[\w\s,=:*+/().[\]-]*$/.test(letters) && !letters.match(/\w+/g)!.some((word) => ACTING.test(word)))
    return say('keras-code', `"${path}" carries ${JSON.stringify(letters.slice(0, 60))} in place of bytecode`);
  if (!body) return say('keras-runs', `"${path}" carries code that is not what Keras writes: ${JSON.stringify(text.slice(0, 40))}`);
  const acts = body.texts.find((one) => ACTING.test(one) || commandIn(one) !== null);
  if (acts !== undefined) return say('keras-runs', `"${path}" carries bytecode that uses ${JSON.stringify(acts.slice(0, 60))}`);
  say('keras-code', `"${path}" carries bytecode, which Keras runs when the model is used`);
}

function base64(text: string): Uint8Array | null {
  const plain = text.replace(/\s/g, '');
  if (plain.length < 8 || plain.length > 1 << 24 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(plain)) return null;
  try {
    return Uint8Array.from(atob(plain.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}

function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
