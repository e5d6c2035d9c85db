/**
 * A model or its sketch, from whatever the user typed; the steps every use-case here shares.
 * @module
 */
import { open, stat } from 'node:fs/promises';
import { publishedName, subjectDigest } from '../assess/index.ts';
import { type FileTree, type ReadStats, SourceError, type Watch } from '../base/index.ts';
import { decodeSketch, MAX_SKETCH_BYTES, saltCommitment, type Sketch, sketchModel } from '../lineage/index.ts';
import { type Model, readModel } from '../model/index.ts';
import { nodeHasher, openTree } from '../sources/index.ts';
import { RegisterError } from './types.ts';

export interface SketchedModel {
  readonly sketch: Sketch;
  /** What making it read. */
  readonly read: ReadStats;
  /** Whether it was made from a model just now, or read from a sketch file. */
  readonly isModel: boolean;
  /** Names it goes by. */
  readonly names: readonly string[];
  /** Bases that its card names, and where; empty for a sketch file, which has no card. */
  readonly claims: readonly { readonly value: string; readonly from: string }[];
}

/** Opens the tree, reads the model, hands both to `work`, and closes. @throws SourceError, ModelError, WeightsError. */
export async function withModel<T>(locator: string, watch: Watch, work: (model: Model, tree: FileTree) => Promise<T>): Promise<T> {
  const tree = await openTree(locator, watch);
  try {
    return await work(await readModel(tree, watch), tree);
  } finally {
    await tree.close();
  }
}

export interface SketchingOptions extends Watch {
  /** Positions other than the public ones. */
  readonly salt?: Uint8Array;
}

/**
 * The sketch of a model, or the one a sketch file holds.
 * @throws RegisterError `REGISTER_NO_WEIGHTS` when there are documents only, `REGISTER_SALT` for a sketch file of another salt than asked for;
 * WeightsError for weights that cannot be read, LineageError for a broken sketch file.
 */
export async function sketchOf(locator: string, options: SketchingOptions): Promise<SketchedModel> {
  const stored = await readSketchFile(locator);
  if (stored) {
    const sketch = decodeSketch(stored, locator, nodeHasher);
    if (options.salt && sketch.salt !== saltCommitment(options.salt))
      throw new RegisterError('REGISTER_SALT', `${locator} is a sketch of ${sketch.salt ? 'another salt' : 'the public positions'}`, {
        where: { file: locator },
        hint: 'positions cannot be changed afterwards: give the model itself',
      });
    return { sketch, read: { bytes: stored.length, requests: 1 }, isModel: false, names: [sketch.subject.name], claims: [] };
  }
  return withModel(locator, options, async (model, tree) => ({
    sketch: await makeSketch(model, options),
    read: { ...tree.stats },
    isModel: true,
    names: [...new Set([model.name, publishedName(model)])],
    claims: model.claims.baseModels.map(({ value, from }) => ({ value, from })),
  }));
}

export async function makeSketch(model: Model, options: SketchingOptions): Promise<Sketch> {
  if (!model.checkpoint && model.unreadable) throw model.unreadable;
  if (!model.checkpoint)
    throw new RegisterError('REGISTER_NO_WEIGHTS', `${model.name} holds no weights that could be compared`, {
      where: { file: model.name },
      hint: 'give the folder or file that holds them',
    });
  return sketchModel(model, {
    ...options,
    newHasher: nodeHasher,
    digest: await subjectDigest(model, { ...options, newHasher: nodeHasher }),
  });
}

/** The bytes of a local file that begins as a sketch does; null for anything else. */
async function readSketchFile(locator: string): Promise<Uint8Array | null> {
  // Looked at before it is opened: opening a named pipe waits for a writer, for ever.
  const found = await stat(locator).catch(() => null);
  const file = found?.isFile() ? await open(locator, 'r').catch(() => null) : null;
  if (!found || !file) return null;
  try {
    const magic = new Uint8Array(4);
    if ((await file.read(magic, 0, 4, 0)).bytesRead !== 4 || new TextDecoder('latin1').decode(magic) !== 'HLSK') return null;
    if (found.size > MAX_SKETCH_BYTES)
      throw new SourceError('SOURCE_TOO_LARGE', `${locator} is no sketch: ${found.size} bytes, over the cap of ${MAX_SKETCH_BYTES}`, {
        where: { file: locator },
      });
    return await file.readFile();
  } finally {
    await file.close();
  }
}
