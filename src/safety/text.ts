/**
 * JSON, YAML and templates beside weights: code that is run on trust, callables named by configurations, templates that reach out.
 * @module
 */
import { type JsonValue, HeirloomError, parseJson } from '../base/index.ts';
import { dangerOf } from './globals.ts';
import { type Collector, report } from './rules.ts';

/** Values of one JSON file looked at. (CWE-834) */
const MAX_NODES = 2_000_000;
/** Characters of a string literal that may be the name of an attribute. */
const SHORT_TEXT = 24;

/** @param bytes of a text file; `file` its name, which decides JSON, YAML or template. */
export function judgeText(bytes: Uint8Array, file: string, into: Collector): void {
  const text = new TextDecoder().decode(bytes);
  if (/\.(jinja2?|j2)$/i.test(file)) return judgeTemplate(text, file, '', into);
  if (/\.ya?ml$/i.test(file)) return judgeTargets(text, file, into);
  if (!/\.json$/i.test(file)) return;
  try {
    judgeJson(parseJson(bytes, file), file, into);
  } catch (error) {
    if (!(error instanceof HeirloomError)) throw error;
    judgeTemplate(text, file, '', into);
    // Python writes NaN into logs and training states; a loader reads only these.
    if (/(config|tokenizer|template|processor|index)[^/]*\.json$/i.test(file))
      report(into, 'broken-file', error.where ?? { file }, error.message);
  }
}

function judgeJson(root: JsonValue, file: string, into: Collector): void {
  const stack: { value: JsonValue; path: string }[] = [{ value: root, path: '' }];
  for (let nodes = 0; stack.length > 0 && nodes < MAX_NODES; nodes++) {
    const { value, path } = stack.pop()!;
    if (typeof value === 'string') judgeTemplate(value, file, path, into);
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      const at = path ? `${path}.${key}` : key;
      if (key === 'auto_map' && typeof inner === 'object' && inner !== null)
        report(
          into,
          'code-on-trust',
          { file, field: at },
          `${at} names code of the repository: ${Object.values(inner)
            .flat()
            .filter((one): one is string => typeof one === 'string' && one !== '')
            .join(', ')
            .slice(0, 200)}`,
        );
      if (key === '_target_' && typeof inner === 'string') judgeTarget(inner, file, at, into);
      if (typeof inner === 'string' ? inner.includes('{') : typeof inner === 'object') stack.push({ value: inner, path: at });
    }
  }
}

/** Libraries whose layers and data sets training configurations name. */
const KNOWN_TARGETS = /^(nemo|torch|torchaudio|torchvision|pytorch_lightning|lightning|transformers|diffusers|timm|omegaconf|megatron)\./;

/** Hydra's `_target_`: a callable that the configuration's loader calls. */
function judgeTargets(text: string, file: string, into: Collector): void {
  for (const match of text.matchAll(/_target_["']?\s*:\s*["']?([\w.]+)/g)) judgeTarget(match[1]!, file, '_target_', into);
}
function judgeTarget(target: string, file: string, field: string, into: Collector): void {
  const danger = dangerOf(into.book.denied, target);
  if (danger) report(into, 'config-target', { file, field }, `the configuration calls ${target}, which ${danger}`);
  else if (!KNOWN_TARGETS.test(target)) report(into, 'config-target-unknown', { file, field }, `the configuration calls ${target}`);
}

/** Names that lead from a template's values to Python. */
const REACHES =
  /__\w+__|\|\s*attr\b|\bmro\b|\bsubclasses\b|\b(func|gi|cr|f)_(globals|code|frame)\b|\b(lipsum|cycler|joiner|get_flashed_messages|url_for)\b\s*[.[]|\b(request|config|self)\s*(\.|\[)\s*\(?\s*['"]?(__|application|environ|_TemplateReference|args|class)|\b(os|subprocess|importlib|builtins)\s*\.\s*\w+|\b(popen|eval|exec|__import__|getattr|import_module)\s*\(|\{%-?\s*(include|import|from|extends)\b|\bimport\s+os\b/;

/** A Jinja template, by its text: nothing is rendered. */
export function judgeTemplate(template: string, file: string, field: string, into: Collector): void {
  if (!/\{[{%]/.test(template)) return;
  // Only what stands inside {{ }} and {% %} is code; texts outside say what they like.
  // Runs of white space say nothing, and patterns that skip them twice would take their square. (CWE-1333)
  const folded = codeOf(template)
    .replace(/\s+/g, ' ')
    .replace(/\\x([0-9a-fA-F]{2})|\\u00([0-9a-fA-F]{2})/g, (_, a?: string, b?: string) => String.fromCharCode(parseInt(a ?? b!, 16)))
    .replace(/(['"])\s*[~+]\s*(['"])/g, '');
  const match =
    REACHES.exec(withoutTexts(folded)) ?? /__(class|globals|builtins|import|subclasses|mro|base|init|getattribute)__/.exec(folded);
  if (match)
    report(into, 'template-reaches-out', { file, ...(field && { field }) }, `the template uses ${JSON.stringify(match[0].slice(0, 60))}`);
}

/** What stands inside {{ }} and {% %}, in one pass: a mark that nothing closes ends it. (CWE-1333) */
function codeOf(template: string): string {
  const parts: string[] = [];
  const open = /\{[{%]/g;
  const close = /[%}]\}/g;
  for (let from = open.exec(template); from; from = open.exec(template)) {
    close.lastIndex = open.lastIndex;
    if (!close.exec(template)) break;
    open.lastIndex = close.lastIndex;
    parts.push(template.slice(from.index, close.lastIndex));
  }
  return parts.join('\n');
}

/** Long string literals are what the model is told, not code; short ones may be attribute names. One pass, as Jinja reads them. (CWE-1333) */
function withoutTexts(code: string): string {
  let out = '';
  let kept = 0;
  for (let at = 0; at < code.length; at++) {
    const quote = code[at];
    if (quote !== "'" && quote !== '"') continue;
    let end = at + 1;
    while (end < code.length && code[end] !== quote) end += code[end] === '\\' ? 2 : 1;
    if (end < code.length && end - at > SHORT_TEXT) {
      out += `${code.slice(kept, at)}''`;
      kept = end + 1;
    }
    at = end;
  }
  return out + code.slice(kept);
}
