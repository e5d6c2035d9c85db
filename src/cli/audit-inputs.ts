/**
 * The models an audit looks at: folders and cards below a folder, or the lines of a list. One at a time, each read when its turn comes.
 * @module
 */
import { createReadStream } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { HeirloomError, memoryTree, type Watch } from '../base/index.ts';
import { type Model, readModel } from '../model/index.ts';
import { openTree } from '../sources/index.ts';

export interface AuditInput {
  readonly name: string;
  readonly from: string;
  /** Runs `work` on the model and lets go of it. @throws HeirloomError what it cannot be read for. */
  use<T>(watch: Watch, work: (model: Model) => Promise<T>): Promise<T>;
}

/** Folders below folders that are looked into. (CWE-674) */
const MAX_DEPTH = 6;
/** One line of a list, one card. (CWE-770) */
const MAX_LINE = 4 << 20;
/** A file that makes a folder a model. */
const MODEL_FILE = /^(readme\.md|license(\.(txt|md))?|config\.json|adapter_config\.json|.*\.(safetensors|gguf))$/i;

/** @throws HeirloomError `AUDIT_INPUT` when there is nothing there. */
export async function* auditInputs(path: string): AsyncGenerator<AuditInput> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) yield* below(resolve(path), resolve(path), 0);
  else if (found) yield* listed(path);
  else
    throw new HeirloomError('AUDIT_INPUT', `${path} does not exist`, {
      hint: 'give a folder of models or cards, or a file that lists them',
    });
}

/** In the order of names, so that two runs give the same table. */
async function* below(root: string, folder: string, depth: number): AsyncGenerator<AuditInput> {
  const files: string[] = [];
  const folders: string[] = [];
  const opened = await opendir(folder, { bufferSize: 1024 }).catch(() => null);
  if (opened)
    for await (const entry of opened) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) folders.push(entry.name);
      else if (entry.isFile()) files.push(entry.name);
    }
  const byName = (a: string, b: string): number => (a < b ? -1 : 1);
  if (depth > 0 && files.some((file) => MODEL_FILE.test(file))) {
    yield folderInput(folder, nameOf(relative(root, folder)));
    return;
  }
  for (const file of files.sort(byName))
    if (/\.md$/i.test(file) && !/^readme\.md$/i.test(file)) yield cardInput(join(folder, file), nameOf(relative(root, join(folder, file))));
  if (depth < MAX_DEPTH) for (const name of folders.sort(byName)) yield* below(root, join(folder, name), depth + 1);
}

/** `owner/name` of the last two steps; a card's file name without its ending, `owner__name` as hubs' mirrors write it. */
function nameOf(path: string): string {
  const steps = path.split(sep).slice(-2);
  return steps
    .join('/')
    .replace(/\.md$/i, '')
    .replace(/^(?:models--)?([^/]+?)(?:--|__)([^/]+)$/, '$1/$2');
}

function folderInput(path: string, name: string): AuditInput {
  return {
    name,
    from: path,
    async use(watch, work) {
      const tree = await openTree(path, watch);
      try {
        return await work(await readModel(tree, watch));
      } finally {
        await tree.close();
      }
    },
  };
}

function cardInput(path: string, name: string): AuditInput {
  return {
    name,
    from: path,
    async use(watch, work) {
      const { readText } = await import('./text-file.ts');
      return work(await fromCard(name, await readText(path, watch), watch));
    },
  };
}

const fromCard = (name: string, text: string, watch: Watch): Promise<Model> =>
  readModel(memoryTree(name, { 'README.md': new TextEncoder().encode(text) }), watch);

/** Lines: a path, relative to the list; or `{"name", "license", "base_model", "card"}`. Empty lines and `#` are passed over. */
async function* listed(path: string): AsyncGenerator<AuditInput> {
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    number++;
    const text = line.replace(/^\ufeff/, '').trim();
    if (text === '' || text.startsWith('#')) continue;
    const from = `${basename(path)}:${number}`;
    if (text.length > MAX_LINE) yield broken(from, `line ${number} is longer than ${MAX_LINE} characters`);
    else if (text.startsWith('{')) yield lineInput(text, from);
    else yield await pathInput(resolve(dirname(path), text), text, from);
  }
}

async function pathInput(path: string, text: string, from: string): Promise<AuditInput> {
  const found = await stat(path).catch(() => null);
  if (!found) return broken(from, `${text} does not exist`);
  const name = nameOf(text.replace(/[/\\]+$/, '').replace(/[/\\]readme\.md$/i, ''));
  return found.isDirectory() ? folderInput(path, name) : cardInput(path, name);
}

function lineInput(text: string, from: string): AuditInput {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return broken(from, 'the line begins as JSON and is none');
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return broken(from, 'the line is no JSON object');
  const { name, id, modelId, card, ...front } = data as Record<string, unknown>;
  const called = [name, id, modelId].find((one) => typeof one === 'string' && one.trim() !== '');
  if (called === undefined) return broken(from, 'the line has no "name"');
  return {
    name: called as string,
    from,
    // JSON is YAML's flow style, so a line reads as front matter does.
    use: async (watch, work) =>
      work(await fromCard(called as string, typeof card === 'string' ? card : `---\n${JSON.stringify(front)}\n---\n`, watch)),
  };
}

function broken(from: string, why: string): AuditInput {
  return {
    name: from,
    from,
    use: () => Promise.reject(new HeirloomError('AUDIT_LINE', why, { where: { file: from } })),
  };
}
