/**
 * Configurations beside weights: code that is run on trust, callables named by them, paths and addresses that lead elsewhere.
 * Sources: transformers dynamic_module_utils (`auto_map`, `repo--module.Class`), diffusers model_index.json and custom pipelines,
 * peft auto_mapping, sentence-transformers modules.json, Hydra's `_target_` (CVE-2025-23304), vLLM CVE-2026-22807.
 * @module
 */
import type { JsonValue } from '../../base/index.ts';
import { dangerOf } from '../globals.ts';
import { type Collector, report } from '../rules.ts';
import { commandIn } from './commands.ts';
import { judgeTemplate } from './template.ts';
import { judgeAddresses } from './urls.ts';

/** Values of one file looked at. (CWE-834) */
const MAX_NODES = 2_000_000;
/** Libraries whose layers and data sets training configurations name. */
const KNOWN_TARGETS =
  /^(nemo|nemo_text_processing|torch|torchmetrics|torchaudio|torchvision|pytorch_lightning|lightning|transformers|diffusers|timm|omegaconf|megatron|hydra|sentence_transformers|peft|datasets|tokenizers|keras|tensorflow|sklearn|monai|fairseq2?|espnet2?|speechbrain|mmdet|mmengine|detectron2|accelerate|bitsandbytes|xformers|apex)\./;
/** A function whose name says what it does, in whatever module. */
const TARGET_ACTS =
  /(^|[._])(eval|exec|system|popen|spawn|subprocess|shell|reverse_shell|backdoor|load_pickle|unpickle|__import__|import_module|run_code|execute)([._]|$)/i;
const TRUSTED_PARENTS = /^(transformers|peft|diffusers|sentence_transformers|timm|torch|open_clip)(\.|$)/;
/** Files of the machine that no model has. */
const SYSTEM_PATH =
  /^(?:file:(?:\/\/)?)?(\/(etc|proc|sys|dev|root\/\.ssh|var\/run)\/|~\/\.|\/home\/[^/]+\/\.(ssh|aws|config|netrc)|[a-z]:\\windows\\|\\\\)/i;
const PATH_KEY =
  /(^|_)(file|path|dir|folder|location|filename)s?$|^(_name_or_path|name_or_path|base_model_name_or_path|custom_pipeline|subfolder|model_file|weights|checkpoint|include|import)$/i;

/** Files whose values programs act on, and values that are prose in them. */
const LOADED = /(config|settings|manifest|processor|params|args)[^/!]*\.(json|ya?ml)$|model_index\.json$/i;
const PROSE = /template|prompt|description|instruction|example|message|comment|readme|citation/i;

/** Keys whose value a program follows. */
const ADDRESS_KEY = /ur[il]|link|endpoint|host|server|mirror|callback|webhook|download|source|location|repo|remote|proxy|path|file/i;
/** A callable by its module. */
const DOTTED = /^[A-Za-z_]\w*(\.\w+)+$/;

interface Node {
  readonly value: JsonValue;
  readonly path: string;
  readonly key: string;
}

/** A JSON or YAML value as it was parsed. */
export function judgeConfig(root: JsonValue, file: string, into: Collector): void {
  const stack: Node[] = [{ value: root, path: '', key: '' }];
  const loaded = LOADED.test(file);
  const name = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('!')) + 1);
  for (let nodes = 0; stack.length > 0 && nodes < MAX_NODES; nodes++) {
    const { value, path, key } = stack.pop()!;
    if (typeof value === 'string') {
      judgeText(value, key, path, file, into);
      continue;
    }
    if (typeof value !== 'object' || value === null) continue;
    const list = Array.isArray(value);
    if (list && /template$/i.test(key) && value.length > 0 && value.every((one) => typeof one === 'string')) {
      // A template line by line.
      judgeTemplate(value.join('\n'), file, path, into, true);
      judgeTemplate(value.join(''), file, path, into);
      continue;
    }
    if (!list && typeof value['_target_'] === 'string' && value['_target_'].startsWith('hydra.'))
      judgeNamed(value['path'], path, file, into);
    const visit = (inner: string | number, one: JsonValue): void => {
      if (typeof one !== 'string' && (typeof one !== 'object' || one === null)) {
        if (inner === 'trust_remote_code' && one === true)
          report(
            into,
            'code-on-trust',
            { file, field: path ? `${path}.${inner}` : inner },
            `${inner} is set in the file, for whoever loads it`,
          );
        return;
      }
      // Most texts of a vocabulary of a million need no place of their own.
      if (list && typeof one === 'string' && !loaded && !one.includes('{') && !one.includes('://') && !PATH_KEY.test(key)) return;
      const at = path ? `${path}.${inner}` : String(inner);
      if (typeof inner === 'string') judgeKey(inner, one, at, file, into);
      stack.push({ value: one, path: at, key: typeof inner === 'string' ? inner : key });
    };
    // No pairs of all there is: of a list of seven million numbers they would take a gigabyte.
    if (list) for (let i = 0; i < value.length; i++) visit(i, value[i]!);
    else for (const inner of Object.keys(value)) visit(inner, value[inner]!);
  }
  if (name === 'model_index.json') judgeModelIndex(root, file, into);
  if (name === 'modules.json') judgeModules(root, file, into);
  if (name.endsWith('.index.json')) judgeIndex(root, file, into);
}

function judgeText(value: string, key: string, path: string, file: string, into: Collector): void {
  if (value.length > 1 && value.includes('{')) judgeTemplate(value, file, path, into, /template$/i.test(key) || /chat_template/.test(path));
  // In files that no loader reads, data sets above all, addresses in prose lead nobody anywhere.
  if (value.includes('://') && (LOADED.test(file) || (ADDRESS_KEY.test(key) && !/\s/.test(value.trim()))))
    judgeAddresses(value, key, file, path, into);
  if (LOADED.test(file) && value.length < 10_000 && !PROSE.test(path)) {
    const command = commandIn(value);
    if (command)
      report(into, 'metadata-code', { file, field: path }, `"${path}" reads like a command: ${JSON.stringify(value.slice(0, 80))}`);
  }
  if (PATH_KEY.test(key) && value.length < 4096) judgePath(value, path, file, into);
}

/** Absolute paths of the writer's machine stand in many honest files; one that leads to secrets or out of the folder does not. */
function judgePath(value: string, path: string, file: string, into: Collector): void {
  if (SYSTEM_PATH.test(value))
    report(into, 'config-path', { file, field: path }, `"${path}" points at ${JSON.stringify(value.slice(0, 100))}, a file of the machine`);
  else if (/(^|[\\/])\.\.[\\/]\.\.([\\/]|$)/.test(value))
    report(into, 'config-path', { file, field: path }, `"${path}" leaves the model's folder: ${JSON.stringify(value.slice(0, 100))}`);
}

function judgeKey(key: string, value: JsonValue, at: string, file: string, into: Collector): void {
  if (key === 'auto_map' || key === 'custom_pipelines') judgeAutoMap(value, at, file, into);
  else if (key === 'custom_pipeline' && typeof value === 'string')
    report(into, 'code-on-trust', { file, field: at }, `${at} names code that is loaded by name: ${value.slice(0, 100)}`);
  else if (key === 'auto_mapping' && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const parent = value['parent_library'];
    if (typeof parent === 'string' && !TRUSTED_PARENTS.test(parent))
      report(into, 'code-on-trust', { file, field: at }, `${at} imports the library ${parent.slice(0, 100)}`);
  } else if (key === '_target_' && typeof value === 'string') judgeTarget(value, file, at, into);
  // Lightning's `class_path`, and `target` as NeMo and latent-diffusion write it; other programs mean other things by the words.
  else if ((key === 'class_path' || key === 'target') && typeof value === 'string' && DOTTED.test(value)) {
    const danger = dangerOf(into.book.denied, value);
    if (danger) report(into, 'config-target', { file, field: at }, `the configuration names ${value}, which ${danger}`);
  }
}

function judgeAutoMap(value: JsonValue, at: string, file: string, into: Collector): void {
  if (typeof value === 'string') return judgeAutoMap([value], at, file, into);
  if (typeof value !== 'object' || value === null) return;
  const names = Object.values(value)
    .map((one) => (typeof one === 'object' && one !== null && !Array.isArray(one) ? (one['impl'] ?? null) : one))
    .flat(2)
    .filter((one): one is string => typeof one === 'string' && one !== '');
  const elsewhere = names.filter((one) => one.includes('--'));
  if (elsewhere.length > 0)
    report(into, 'code-elsewhere', { file, field: at }, `${at} names code of another repository: ${elsewhere.join(', ').slice(0, 200)}`);
  const own = names.filter((one) => !one.includes('--'));
  if (own.length > 0)
    report(into, 'code-on-trust', { file, field: at }, `${at} names code of the repository: ${own.join(', ').slice(0, 200)}`);
}

/** Hydra's own functions (`get_method`, `call`) find what another value names. */
function judgeNamed(value: JsonValue | undefined, path: string, file: string, into: Collector): void {
  if (typeof value !== 'string') return;
  const danger = dangerOf(into.book.denied, value);
  if (danger) report(into, 'config-target', { file, field: `${path}.path` }, `the configuration names ${value}, which ${danger}`);
}

/** Hydra's `_target_`: a callable that the configuration's loader calls. */
export function judgeTarget(target: string, file: string, field: string, into: Collector): void {
  const danger = dangerOf(into.book.denied, target);
  if (danger) report(into, 'config-target', { file, field }, `the configuration calls ${target}, which ${danger}`);
  else if (!KNOWN_TARGETS.test(target) && TARGET_ACTS.test(target))
    report(into, 'config-target', { file, field }, `the configuration calls ${target}, whose name says that it runs what it is given`);
  else if (!KNOWN_TARGETS.test(target)) report(into, 'config-target-unknown', { file, field }, `the configuration calls ${target}`);
}

/** diffusers: `"unet": ["library", "Class"]`; a library that is no installed one is a module of the repository. */
function judgeModelIndex(root: JsonValue, file: string, into: Collector): void {
  if (typeof root !== 'object' || root === null || Array.isArray(root)) return;
  const own = Array.isArray(root['_class_name']) ? root['_class_name'] : null;
  if (own)
    report(
      into,
      'code-on-trust',
      { file, field: '_class_name' },
      `the pipeline itself is code of the repository: ${own.map(String).join('.')}`,
    );
  for (const [key, value] of Object.entries(root)) {
    if (!Array.isArray(value) || key === '_class_name' || value.length !== 2 || typeof value[0] !== 'string') continue;
    if (
      !/^(diffusers|transformers|onnxruntime|optimum|flax|stable_diffusion|wuerstchen|k_diffusion|latent_diffusion|paint_by_example|kandinsky|shap_e|unidiffuser|deepfloyd_if|audioldm2|musicldm|blip_diffusion|pipelines|schedulers)(\.|$)/.test(
        value[0],
      )
    )
      report(into, 'code-on-trust', { file, field: key }, `"${key}" is loaded from the module ${value[0].slice(0, 100)}`);
  }
}

/** A shard index places each tensor in a file beside it. */
function judgeIndex(root: JsonValue, file: string, into: Collector): void {
  const map = typeof root === 'object' && root !== null && !Array.isArray(root) ? root['weight_map'] : undefined;
  if (typeof map !== 'object' || map === null) return;
  for (const [tensor, shard] of Object.entries(map))
    if (typeof shard === 'string' && (/^[\\/~]|^[a-z]:|\0|:\/\//i.test(shard) || shard.split(/[\\/]/).includes('..')))
      return report(
        into,
        'external-path',
        { file, field: `weight_map.${tensor}` },
        `the index reads "${tensor}" from ${JSON.stringify(shard.slice(0, 100))}, outside the model's folder`,
      );
}

/** sentence-transformers: the class of each module is imported by its dotted name. */
function judgeModules(root: JsonValue, file: string, into: Collector): void {
  if (!Array.isArray(root)) return;
  for (const [i, one] of root.entries()) {
    const type = typeof one === 'object' && one !== null && !Array.isArray(one) ? one['type'] : undefined;
    if (typeof type !== 'string' || type.startsWith('sentence_transformers.')) continue;
    const danger = dangerOf(into.book.denied, type);
    const where = { file, field: `[${i}].type` };
    if (danger) report(into, 'config-target', where, `the module ${type} is imported, which ${danger}`);
    else report(into, 'code-on-trust', where, `the module ${type.slice(0, 100)} is imported`);
  }
}
