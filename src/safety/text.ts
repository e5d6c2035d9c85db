/**
 * Texts beside weights and inside archives: JSON, YAML, templates, whatever else may hold a key.
 * @module
 */
import { HeirloomError, type JsonValue } from '../base/index.ts';
import { judgeConfig, judgeTarget } from './carriers/config.ts';
import { parsePythonJson } from './carriers/json.ts';
import { judgeSecrets } from './carriers/secrets.ts';
import { judgeTemplate } from './carriers/template.ts';
import { judgeTfjs } from './carriers/tfjs.ts';
import { judgeTokenizer } from './carriers/tokenizer.ts';
import { type Collector, report } from './rules.ts';

/** Configurations that loaders read; a log or a state that Python wrote with NaN in it is none, nor what compilers read, with comments in it. */
const READ_BY_LOADERS =
  /^(?!(.*\/)?(ts|js|pyright)config[^/]*$).*(config|tokenizer|template|processor|index|modules|special_tokens_map)[^/]*\.json$/i;
/** Files of build tools and services, which write Jinja's braces, paths and addresses for purposes of their own. No model is loaded by them. */
const OF_TOOLS =
  /(^|\/)\.(github|circleci|gitlab|buildkite|devcontainer|vscode)\/|(^|\/)(mkdocs|_config|\.?readthedocs|\.pre-commit-config|\.gitlab-ci|\.travis|\.?appveyor|\.?codecov|azure-pipelines[\w.-]*|docker-compose[\w.-]*|cloudbuild)\.ya?ml$|(^|\/)((ts|js|pyright)config[\w.-]*|package(-lock)?|CMakePresets)\.json$/i;
/** A recipe of conda, whose build renders it. */
const CONDA = /^package:[\s\S]*^(build|requirements):/m;
/** A tag that makes PyYAML build objects or call functions. (CVE-2020-14343) */
const YAML_TAG = /!!?python\/(object|name|module)|tag:yaml\.org,2002:python\//i;

/** @param bytes of a text file; `file` its name, which decides JSON, YAML or template; `rows` of the embedding, for a tokenizer. */
export async function judgeText(bytes: Uint8Array, file: string, into: Collector, rows?: number): Promise<void> {
  const text = new TextDecoder().decode(bytes);
  judgeSecrets(text, file, '', into);
  if (OF_TOOLS.test(file) || (/(^|\/)meta\.yaml$/.test(file) && CONDA.test(text))) return;
  if (/\.(jinja2?|j2)$/i.test(file)) return judgeTemplate(text, file, '', into, true);
  if (/\.ya?ml$/i.test(file)) return judgeYaml(text, file, into);
  if (!/\.json$/i.test(file)) return /template[^/!]*$/i.test(file) ? judgeTemplate(text, file, '', into) : undefined;
  try {
    const { value, repeated } = parsePythonJson(bytes, file);
    if (repeated.length > 0 && READ_BY_LOADERS.test(file))
      report(into, 'repeated-key', { file, field: repeated[0]! }, `the key "${repeated[0]!}" stands twice; readers keep different ones`);
    judgeConfig(value, file, into);
    if (isObject(value) && ('modelTopology' in value || 'weightsManifest' in value)) judgeTfjs(value, file, into);
    if (/(^|[/!])tokenizer\.json$/.test(file)) judgeTokenizer(value, file, into, rows);
  } catch (error) {
    if (!(error instanceof HeirloomError)) throw error;
    judgeTemplate(text, file, '', into);
    if (READ_BY_LOADERS.test(file)) report(into, 'broken-file', error.where ?? { file }, error.message);
  }
}

async function judgeYaml(text: string, file: string, into: Collector): Promise<void> {
  const tag = YAML_TAG.exec(text);
  if (tag)
    report(
      into,
      'config-target',
      { file, byte: tag.index },
      `the YAML builds Python objects while it is loaded ("${text.slice(tag.index, tag.index + 60).split('\n')[0]!}")`,
    );
  // Only here: the YAML reader is large, and most scans meet none.
  const { readYaml } = await import('../model/index.ts');
  const { data } = readYaml(file, text);
  if (Object.keys(data).length > 0) judgeConfig(data, file, into);
  if (Object.keys(data).length > 0 && !/\n---\s/.test(text)) return;
  // What is no plain mapping, or more than one, is searched line by line.
  for (const match of text.matchAll(/_target_["']?\s*:\s*["']?([\w.]+)/g)) judgeTarget(match[1]!, file, '_target_', into);
  judgeTemplate(text, file, '', into);
}

function isObject(value: JsonValue): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
