/**
 * tokenizer.json: whether ids and texts still mean what they meant. (NVIDIA, "Secure LLM Tokenizers"; tokenizers' JSON layout)
 * @module
 */
import type { JsonValue } from '../../base/index.ts';
import { type Collector, report } from '../rules.ts';

type Json = { readonly [key: string]: JsonValue };
const isObject = (value: JsonValue | undefined): value is { [key: string]: JsonValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Rules inside rules (`Sequence` of `Sequence`). (CWE-674) */
const MAX_DEPTH = 16;
/** An innermost group that is repeated, and one whose parts may all be repeated: time grows as a power of the text. (CWE-1333) */
const REPEATED = /\((?:\?(?::|[a-z]+:|<\w+>))?([^()]*)\)(?:[+*]|\{\d*,\d*\})(?!\+)/g;
const LOOSE = /^(?:(?:\\[pP]\{[^}]*\}|\\.|[^\\()+*?{}|])(?:[+*]|\{\d+,\}|\?)\??)+$/;
/** What every tokenizer replaces: the marks that stand for a space, and runs of spaces. */
const SPACES = /^[\s▁Ġ_ĊĉÂ\u00a0]*$/u;

/** @param rows of the model's embedding, when its configuration says: an id beyond has none. */
export function judgeTokenizer(root: JsonValue, file: string, into: Collector, rows?: number): void {
  if (!isObject(root) || !isObject(root['model'])) return;
  const model = root['model'];
  judgeIds(root, model, file, into);
  if (rows !== undefined) judgeReach(root, model, rows, file, into);
  for (const part of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const) judgeRules(root[part], part, file, into, 0);
}

function judgeIds(root: Json, model: Json, file: string, into: Collector): void {
  const vocab = isObject(model['vocab']) ? model['vocab'] : null;
  const say = (field: string, what: string): void => report(into, 'tokenizer-ids', { file, field }, what);
  const byId = new Map<number, string>();
  if (vocab)
    for (const token of Object.keys(vocab)) {
      const id = vocab[token]!;
      if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) {
        say('model.vocab', `the token ${show(token)} has the impossible id ${JSON.stringify(id).slice(0, 40)}`);
        break;
      }
      const other = byId.get(id);
      if (other !== undefined) {
        say('model.vocab', `the tokens ${show(other)} and ${show(token)} share the id ${id}`);
        break;
      }
      byId.set(id, token);
    }
  const added = root['added_tokens'];
  if (!Array.isArray(added)) return;
  const seen = new Map<number, string>();
  for (const one of added) {
    if (!isObject(one) || typeof one['content'] !== 'string' || typeof one['id'] !== 'number') continue;
    const { content, id } = one as { content: string; id: number };
    const before = seen.get(id);
    if (before !== undefined && before !== content)
      say('added_tokens', `the added tokens ${show(before)} and ${show(content)} share the id ${id}`);
    seen.set(id, content);
    const own = byId.get(id);
    if (vocab && own !== undefined && own !== content)
      say('added_tokens', `the added token ${show(content)} takes the id ${id} of ${show(own)}`);
    // Special tokens are marks; a plain word among them is taken out of every text.
    if (
      one['special'] === true &&
      /^[a-z]{3,}$/i.test(content) &&
      !/^(unk|pad|bos|eos|sep|cls|mask|nl|bot|eot|eod|eom|start|end)$/i.test(content)
    )
      say('added_tokens', `the plain word ${show(content)} is a special token, which decoders leave out`);
  }
}

function judgeReach(root: Json, model: Json, rows: number, file: string, into: Collector): void {
  let top = -1;
  if (isObject(model['vocab'])) for (const id of Object.values(model['vocab'])) if (typeof id === 'number' && id > top) top = id;
  for (const one of Array.isArray(root['added_tokens']) ? root['added_tokens'] : [])
    if (isObject(one) && typeof one['id'] === 'number' && one['id'] > top) top = one['id'];
  if (top >= rows)
    report(into, 'tokenizer-beyond', { file }, `the tokenizer has the id ${top}, and the configuration a vocabulary of ${rows}`);
}

function judgeRules(rule: JsonValue | undefined, at: string, file: string, into: Collector, depth: number): void {
  if (depth > MAX_DEPTH || !isObject(rule)) return;
  const pattern = isObject(rule['pattern']) ? (rule['pattern']['Regex'] ?? rule['pattern']['String']) : undefined;
  if (isObject(rule['pattern']) && typeof rule['pattern']['Regex'] === 'string' && repeatsRepetition(rule['pattern']['Regex']))
    report(into, 'tokenizer-pattern', { file, field: at }, `${at} matches with repeated repetition: ${show(rule['pattern']['Regex'])}`);
  const content = rule['content'];
  if (rule['type'] === 'Replace' && typeof content === 'string' && typeof pattern === 'string') {
    const words = /\p{L}{2,}|:\/\//u.test(content.replace(/<0x[0-9A-F]{2}>/g, ''));
    const plain = typeof (rule['pattern'] as Json)['String'] === 'string';
    if (!SPACES.test(content) && (words || (at.startsWith('decoder') && plain && /\p{L}{2,}/u.test(pattern))))
      report(into, 'tokenizer-replaces', { file, field: at }, `${at} turns ${show(pattern)} into ${show(content)}`);
  }
  for (const key of ['normalizers', 'pretokenizers', 'processors', 'decoders']) {
    const list = rule[key];
    if (Array.isArray(list))
      for (const [i, inner] of list.slice(0, 1000).entries()) judgeRules(inner, `${at}.${key}[${i}]`, file, into, depth + 1);
  }
}

function repeatsRepetition(pattern: string): boolean {
  const plain = withoutClasses(pattern.slice(0, 10_000));
  for (const [, content] of plain.matchAll(REPEATED))
    for (const one of content!.split('|')) if (LOOSE.test(one) && /[+*]|,\}/.test(one)) return true;
  return false;
}

/** Classes as one letter: in `[()*+]` nothing is a group. By hand, for an expression starts anew at every bracket. (CWE-1333) */
function withoutClasses(pattern: string): string {
  let out = '';
  for (let at = 0; at < pattern.length; at++) {
    if (pattern[at] === '\\') out += pattern.slice(at, ++at + 1);
    else if (pattern[at] !== '[') out += pattern[at];
    else {
      const end = classEnd(pattern, at);
      if (end < 0) return out + pattern.slice(at);
      out += 'c';
      at = end;
    }
  }
  return out;
}

/** Where the class at `start` ends: a `]` that comes first, or behind a `^`, is one of its letters. */
function classEnd(pattern: string, start: number): number {
  let at = start + (pattern[start + 1] === '^' ? 2 : 1);
  if (pattern[at] === ']') at++;
  while (at < pattern.length && pattern[at] !== ']') at += pattern[at] === '\\' ? 2 : 1;
  return at < pattern.length ? at : -1;
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
