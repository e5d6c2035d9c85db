/**
 * Writes a safe copy of a model: its numbers as safetensors, its documents as they are, no code.
 * @module
 */
import { realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type FileTree, HeirloomError, type Watch } from '../base/index.ts';
import { type CopiedTensor, type LeftOut, planSafetensors, type SharedValues, verifyCopy, writeSafetensors } from '../convert/index.ts';
import type { Model } from '../model/index.ts';
import { nodeHasher, openTree } from '../sources/index.ts';
import { openCheckpoint } from '../weights/index.ts';
import { streamAtomic } from './files.ts';
import { withModel } from './open-model.ts';

export interface ConvertOptions extends Watch {
  /** Lets the copy take the place of a file that is there. */
  readonly replace?: boolean;
}

export interface Converted {
  readonly name: string;
  readonly format: string;
  /** The copy, and the documents copied beside it. */
  readonly output: string;
  readonly documents: readonly string[];
  readonly bytes: number;
  /** In the order of the copy, with the digests that were found equal in source and copy. */
  readonly tensors: readonly CopiedTensor[];
  readonly metadata: number;
  readonly shared: readonly SharedValues[];
  readonly leftOut: readonly LeftOut[];
}

/** Documents that belong to the numbers; code stays behind, and so does everything whose use is not known. */
const DOCUMENTS: ReadonlySet<string> = new Set(['config', 'tokenizer', 'card', 'license', 'notice', 'policy']);
/** Largest document copied. (CWE-400) */
const MAX_DOCUMENT = 256 << 20;

/**
 * @param output ends in `.safetensors`: that file alone. Else a folder: `model.safetensors` and the model's documents.
 * @throws HeirloomError `CONVERT_*`, `OUTPUT_EXISTS`, `OUTPUT_UNWRITABLE`; as reading a model does. Nothing is left half-written.
 */
export async function convertModel(locator: string, output: string, options: ConvertOptions): Promise<Converted> {
  const alone = output.endsWith('.safetensors');
  const path = alone ? output : join(output, 'model.safetensors');
  return withModel(locator, options, async (model, tree) => {
    const { checkpoint } = model;
    if (!checkpoint)
      throw model.unreadable ?? new HeirloomError('CONVERT_NOTHING', `${model.name} holds no weights`, { where: { file: model.name } });
    const documents = alone ? [] : documentsOf(model);
    await refuseTaken([path, ...documents.map((document) => join(output, document))], tree, options);
    const size = checkpoint.files.reduce((sum, file) => sum + (tree.files.find((entry) => entry.path === file)?.size ?? 0), 0);
    const plan = planSafetensors(checkpoint, size);
    for (const document of documents) await copyDocument(tree, document, join(output, document));
    const tensors = await writable(path, () =>
      streamAtomic(
        path,
        (write) => writeSafetensors(checkpoint, plan, nodeHasher, write, options),
        (temporary, copied) => checkCopy(temporary, copied, options),
      ),
    );
    return {
      name: model.name,
      format: checkpoint.formatVersion,
      output: path,
      documents,
      bytes: plan.header.length + plan.bytes,
      tensors,
      metadata: plan.metadata.size,
      shared: plan.shared,
      leftOut: [...plan.leftOut, ...codeOf(model)],
    };
  });
}

/** Flat: safetensors is read from beside its documents. */
function documentsOf(model: Model): string[] {
  return model.files
    .filter(({ path, kind, size }) => DOCUMENTS.has(kind) && size <= MAX_DOCUMENT && !path.includes('/'))
    .map(({ path }) => path);
}

function codeOf(model: Model): LeftOut[] {
  return model.files.filter(({ kind }) => kind === 'code').map(({ path }) => ({ name: path, why: 'code is not copied' }));
}

async function refuseTaken(paths: readonly string[], tree: FileTree, { replace = false }: ConvertOptions): Promise<void> {
  for (const path of paths) {
    const found = await stat(path).catch(() => null);
    if (!found) continue;
    const isSource = tree.kind === 'file' || tree.kind === 'folder' ? await isInside(path, tree.locator) : false;
    if (isSource || !replace)
      throw new HeirloomError('OUTPUT_EXISTS', `${path} is there already${isSource ? ', and is what is being converted' : ''}`, {
        where: { file: path },
        hint: isSource ? 'write the copy elsewhere' : 'let it be replaced with --force, or write elsewhere',
      });
  }
}

async function isInside(path: string, folder: string): Promise<boolean> {
  const [inner, outer] = await Promise.all([realpath(path), realpath(folder)]);
  return inner === outer || inner.startsWith(`${outer}/`);
}

async function copyDocument(tree: FileTree, document: string, path: string): Promise<void> {
  const source = await tree.open(document);
  await writable(path, () =>
    streamAtomic(path, async (write) => {
      for (let at = 0; at < source.size; at += 1 << 20) await write(await source.read(at, Math.min(1 << 20, source.size - at)));
    }),
  );
}

async function checkCopy(temporary: string, copied: readonly CopiedTensor[], watch: Watch): Promise<void> {
  const tree = await openTree(temporary, watch);
  try {
    await verifyCopy(await openCheckpoint(tree, basename(temporary)), copied, nodeHasher, watch);
  } finally {
    await tree.close();
  }
}

/** What the file system refuses is told with the file's name. */
async function writable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof HeirloomError || !(cause instanceof Error) || !('syscall' in cause)) throw cause;
    throw new HeirloomError('OUTPUT_UNWRITABLE', `${path} cannot be written: ${cause.message}`, { where: { file: path }, cause });
  }
}
