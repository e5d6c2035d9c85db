/**
 * Token strings by id, from whichever tokenizer file is at hand.
 * Formats: Hugging Face tokenizers (tokenizer.json), GPT-2 vocab.json, BERT vocab.txt, GGUF `tokenizer.ggml.tokens`.
 * @module
 */
import { type FileTree, HeirloomError, type JsonValue, parseJson } from '../base/index.ts';
import type { Checkpoint } from '../weights/index.ts';
import { isObject } from './heads.ts';
import { decodeText } from './text.ts';

/** Gemma 3's tokenizer.json has 33 MB. (CWE-770) */
const MAX_TOKENIZER_BYTES = 128 << 20;
/** Ids above this are refused; the largest published vocabulary has about 10^6 entries. (CWE-770) */
const MAX_TOKENS = 1 << 22;

type Put = (id: unknown, token: unknown) => void;

/**
 * @returns tokens by id, '' where an id is not used; null when there is no tokenizer or none can be read.
 */
export async function readTokens(tree: FileTree, checkpoint: Checkpoint | null, documents: boolean): Promise<readonly string[] | null> {
  const own = checkpoint?.metadata.get('tokenizer.ggml.tokens');
  if (Array.isArray(own) && own.length <= MAX_TOKENS && own.length > 0) return own.map((token) => (typeof token === 'string' ? token : ''));
  if (!documents) return null;
  for (const read of [fromTokenizerJson, fromVocabJson, fromVocabText]) {
    try {
      const tokens = await collect((put) => read(tree, put));
      if (tokens) return tokens;
    } catch (error) {
      // A broken tokenizer is the same as none here; the safety room reports on the file itself.
      if (!(error instanceof HeirloomError)) throw error;
    }
  }
  return null;
}

async function collect(fill: (put: Put) => Promise<void>): Promise<readonly string[] | null> {
  const found = new Map<number, string>();
  let top = -1;
  await fill((id, token) => {
    if (typeof token !== 'string' || typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_TOKENS) return;
    found.set(id, token);
    if (id > top) top = id;
  });
  return top < 0 ? null : Array.from({ length: top + 1 }, (_, id) => found.get(id) ?? '');
}

async function fromTokenizerJson(tree: FileTree, put: Put): Promise<void> {
  const root = await json(tree, 'tokenizer.json');
  const model = isObject(root) ? root['model'] : undefined;
  const vocab = isObject(model) ? model['vocab'] : undefined;
  if (isObject(vocab)) for (const [token, id] of Object.entries(vocab)) put(id, token);
  // Unigram: a list of [token, score]; the id is the place
  else if (Array.isArray(vocab)) vocab.forEach((entry, id) => put(id, Array.isArray(entry) ? entry[0] : entry));
  const added = isObject(root) ? root['added_tokens'] : undefined;
  if (Array.isArray(added)) for (const entry of added) if (isObject(entry)) put(entry['id'], entry['content']);
}

async function fromVocabJson(tree: FileTree, put: Put): Promise<void> {
  for (const path of ['vocab.json', 'added_tokens.json']) {
    const vocab = await json(tree, path);
    if (isObject(vocab)) for (const [token, id] of Object.entries(vocab)) put(id, token);
  }
}

async function fromVocabText(tree: FileTree, put: Put): Promise<void> {
  const bytes = await whole(tree, 'vocab.txt');
  if (bytes)
    decodeText(bytes)
      .replace(/\r?\n$/, '')
      .split('\n')
      .forEach((line, id) => put(id, line.replace(/\r$/, '')));
}

async function json(tree: FileTree, path: string): Promise<JsonValue | undefined> {
  const bytes = await whole(tree, path);
  return bytes && parseJson(bytes, path);
}

async function whole(tree: FileTree, path: string): Promise<Uint8Array | undefined> {
  const entry = tree.files.find((file) => file.path === path);
  if (!entry || entry.size > MAX_TOKENIZER_BYTES) return undefined;
  const source = await tree.open(path);
  return source.size > MAX_TOKENIZER_BYTES ? undefined : source.read(0, source.size);
}
