/**
 * The model card: YAML front matter between `---` lines, then prose.
 * Front matter is data: no tags, no merge keys, few aliases, bounded. Format: Hugging Face hub docs, "Model Cards".
 * @module
 */
import { isScalar, parseDocument, visit, type Document } from 'yaml';
import type { Finding, JsonValue } from '../base/index.ts';
import type { ModelCard } from './types.ts';

/** Cards with thousands of benchmark results reach 500 KB. (CWE-770) */
const MAX_FRONT_MATTER = 1 << 20;
/**
 * Lines, commas, closing brackets and dashes of lists: what parsing costs grows with them (about 20 microseconds each), and the largest cards have 10,000.
 * A quote costs a quarter of that. (CWE-400)
 */
const MAX_SEPARATORS = 30_000;
/** The YAML library recurses; published cards nest up to 8 deep. (CWE-674) */
const MAX_DEPTH = 64;
/** An alias may repeat what it names; cards use none. (CWE-776) */
const MAX_ALIASES = 20;
/** Values copied out of the front matter, aliases expanded. (CWE-776) */
const MAX_VALUES = 200_000;

export interface ReadCard {
  readonly card: ModelCard;
  readonly findings: readonly Finding[];
}

/** @param text of the whole card, decoded. Never throws: what is wrong becomes a finding. */
export function readCard(file: string, text: string): ReadCard {
  const lines = /^\s*---[ \t]*\r?\n/.exec(text);
  if (!lines) return { card: { file, data: {}, body: text }, findings: [] };
  const start = lines[0].length;
  const end = /^---[ \t]*$/m.exec(text.slice(start));
  if (!end)
    return {
      card: { file, data: {}, body: text },
      findings: [problem(file, 'the front matter is opened with "---" but never closed', 'close it with a line "---"')],
    };
  const front = text.slice(start, start + end.index);
  const body = text.slice(start + end.index + 3).replace(/^[ \t]*\r?\n/, '');
  const { data, findings } = readYaml(file, front);
  return { card: { file, data, body }, findings };
}

/** A YAML mapping as plain data. Never throws. */
export function readYaml(file: string, text: string): { data: { [key: string]: JsonValue }; findings: Finding[] } {
  const findings: Finding[] = [];
  const fail = (what: string): { data: { [key: string]: JsonValue }; findings: Finding[] } => ({
    data: {},
    findings: [...findings, problem(file, what, 'correct the front matter')],
  });
  if (text.length > MAX_FRONT_MATTER)
    return fail(`the front matter is ${text.length} characters long, over the cap of ${MAX_FRONT_MATTER}`);
  if (tooMany(text)) return fail(`the front matter has more than ${MAX_SEPARATORS} lines and list entries`);
  if (nestsTooDeep(text)) return fail(`the front matter nests deeper than ${MAX_DEPTH}`);
  if ((text.match(/(^|[\s,[:{-])[*&][^\s*&]/g)?.length ?? 0) > 10 * MAX_ALIASES)
    return fail('the front matter is full of YAML anchors and aliases');
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      strict: true,
      // The library compares every key with every other; ours is linear. (CWE-407)
      uniqueKeys: false,
      resolveKnownTags: false,
      merge: false,
      logLevel: 'silent',
      prettyErrors: false,
    });
    const [broken] = document.errors;
    if (broken) return fail(`the front matter is not valid YAML: ${broken.message.slice(0, 200)} (at character ${broken.pos[0]})`);
    const repeated = firstRepeatedKey(document);
    if (repeated !== undefined) findings.push(duplicate(file, repeated));
    if (document.warnings.length > 0)
      findings.push({
        ...problem(file, `the front matter holds what is no plain data: ${document.warnings[0]!.message.slice(0, 200)}`, 'remove the tag'),
        source: 'CWE-502',
      });
    const words = yesAndNo(document);
    if (words.length > 0) findings.push(ambiguous(file, words));
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    if (value === null || value === undefined) return { data: {}, findings };
    if (typeof value !== 'object' || Array.isArray(value)) return fail('the front matter is not a mapping of keys to values');
    return { data: copyJson(value, { left: MAX_VALUES }, 0) as { [key: string]: JsonValue }, findings };
  } catch (cause) {
    return fail(`the front matter cannot be read: ${String((cause as Error).message).slice(0, 200)}`);
  }
}

function tooMany(text: string): boolean {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const isDash = c === 0x2d && text.charCodeAt(i + 1) === 0x20;
    if (c === 0x0a || c === 0x2c || c === 0x5d || c === 0x7d || isDash) count += 1;
    else if (c === 0x22 || c === 0x27) count += 0.25;
    if (count > MAX_SEPARATORS) return true;
  }
  return false;
}

/** A bound on nesting that is cheap and never too low: brackets open at once, `-` and `?` in a row, and indentation steps. */
function nestsTooDeep(text: string): boolean {
  let open = 0;
  const indents: number[] = [];
  for (const line of text.split('\n')) {
    const lead = /^[ ]*((?:[-?:][ \t]+)*)/.exec(line)!;
    if (lead[1]!.length / 2 > MAX_DEPTH) return true;
    const indent = lead[0].length;
    if (indent === line.trimEnd().length) continue;
    while (indents.length > 0 && indents.at(-1)! >= indent) indents.pop();
    indents.push(indent);
    if (indents.length > MAX_DEPTH) return true;
    for (let i = 0; i < line.length; i++) {
      const c = line[i];
      if (c === '[' || c === '{') open++;
      else if ((c === ']' || c === '}') && open > 0) open--;
      if (open > MAX_DEPTH) return true;
    }
  }
  return false;
}

/** A key that stands twice in one mapping. */
function firstRepeatedKey(document: Document.Parsed): string | undefined {
  let found: string | undefined;
  visit(document, {
    Map(_, node) {
      const keys = new Set<string>();
      for (const { key } of node.items) {
        const name = isScalar(key) ? String(key.value) : undefined;
        if (name === undefined) continue;
        if (keys.has(name)) {
          found = name.slice(0, 80);
          return visit.BREAK;
        }
        keys.add(name);
      }
      return undefined;
    },
  });
  return found;
}

/** Plain words that YAML 1.1 readers (most Python tools) take for true or false and YAML 1.2 readers for text. */
function yesAndNo(document: Document.Parsed): string[] {
  const words: string[] = [];
  visit(document, {
    Scalar(key, node) {
      if (
        key !== 'key' &&
        isScalar(node) &&
        node.type === 'PLAIN' &&
        typeof node.value === 'string' &&
        /^(yes|no|on|off)$/i.test(node.value)
      )
        words.push(node.value);
    },
  });
  return words;
}

/** Copies parsed YAML into JSON values: aliases expanded within a budget, NaN and infinities as text, no prototype games. */
function copyJson(value: unknown, budget: { left: number }, depth: number): JsonValue {
  if (--budget.left < 0) throw new Error(`it expands to more than ${MAX_VALUES} values`);
  if (depth > 2 * MAX_DEPTH) throw new Error('it nests too deep');
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map((item) => copyJson(item, budget, depth + 1));
  if (typeof value !== 'object') throw new Error(`it holds a ${typeof value}`);
  const copy: { [key: string]: JsonValue } = {};
  for (const [key, item] of Object.entries(value))
    Object.defineProperty(copy, key, { value: copyJson(item, budget, depth + 1), enumerable: true, writable: true, configurable: true });
  return copy;
}

function problem(file: string, what: string, fix: string): Finding {
  return {
    rule: 'model/card-front-matter',
    severity: 'warning',
    where: { file },
    what,
    why: 'hubs and tools read license, base model and datasets from here; what cannot be read counts as not said',
    fix,
  };
}

function duplicate(file: string, key: string): Finding {
  return {
    rule: 'model/duplicate-key',
    severity: 'warning',
    where: { file, field: key },
    what: `"${key}" stands twice in the front matter`,
    why: 'readers differ in which of the two they keep (here: the last), so two tools may see two different licenses',
    fix: 'keep one of them',
    source: 'YAML 1.2.2 section 3.2.1.3',
  };
}

function ambiguous(file: string, words: readonly string[]): Finding {
  return {
    rule: 'model/card-yaml-version',
    severity: 'note',
    where: { file },
    what: `the word ${words[0]} stands unquoted in the front matter${words.length > 1 ? ` (and ${words.length - 1} more)` : ''}`,
    why: 'YAML 1.1 readers take it for true or false, YAML 1.2 readers for text (the language code of Norwegian is the known case)',
    fix: `write "${words[0]}" in quotes`,
    source: 'YAML 1.1 bool type; YAML 1.2.2 section 10.3',
  };
}
