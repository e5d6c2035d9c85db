/**
 * What the user named, as models: folders of models opened up, registered names looked up.
 * @module
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceError, type Watch } from '../base/index.ts';
import type { Described } from './judge-pair.ts';
import type { Register } from './register.ts';

/** Entries of a folder looked at. (CWE-770) */
const MAX_ENTRIES = 10_000;
/** What a folder that is itself a model holds at its top. */
const WEIGHTS = /\.(safetensors|gguf|bin|pt|pth|th|ckpt|onnx|npz|npy|caffemodel|pb|h5|hdf5|keras|tflite|model\.json)$/i;
/** Files in a folder of models that are each one. Documents and configurations are not. */
const MODEL_FILE = /\.(safetensors|gguf|pt|pth|ckpt|onnx|npz|h5|keras|tflite|hlsk)$/i;

/**
 * For each thing named: the models in it. A folder whose top holds no weights, or several sketches, is a folder of models; a name that is no path is
 * looked up in the register; anything else is taken as a locator and may fail when it is opened.
 * @throws SourceError `SOURCE_NOT_FOUND` when a folder holds no models.
 */
export async function modelsIn(named: readonly string[], register: Register, watch: Watch): Promise<(string | Described)[]> {
  const out = new Map<string, string | Described>();
  const wanted = new Map<string, string>();
  for (const name of named) {
    watch.signal?.throwIfAborted();
    const found = await stat(name).catch(() => null);
    if (found?.isDirectory()) for (const path of await expand(name)) out.set(path, path);
    else if (found) out.set(name, name);
    else {
      const entry = await register.find(name).catch(() => null);
      if (entry) wanted.set(entry.id, name);
      else out.set(name, name);
    }
  }
  if (wanted.size > 0)
    for await (const { record, sketch } of (await register.known()).entries()) {
      const name = wanted.get(record.id);
      if (name === undefined) continue;
      out.set(name, {
        sketch: { ...sketch, subject: { ...sketch.subject, name: record.name } },
        read: { bytes: 0, requests: 0 },
        isModel: false,
        locator: record.locator,
        names: [record.name],
        claims: (record.baseModels ?? []).map((value) => ({ value, from: 'register: baseModels' })),
      });
    }
  return [...out.values()];
}

async function expand(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).slice(0, MAX_ENTRIES);
  const kinds = await Promise.all(
    entries.map(async (entry) => {
      const found = await stat(join(folder, entry.name)).catch(() => null);
      return { name: entry.name, isFolder: found?.isDirectory() ?? false, isFile: found?.isFile() ?? false };
    }),
  );
  const folders = kinds.filter((entry) => entry.isFolder && !entry.name.startsWith('.')).map((entry) => entry.name);
  const files = kinds.filter((entry) => entry.isFile).map((entry) => entry.name);
  const holdsWeights = files.some((name) => WEIGHTS.test(name));
  // Weights at the top make the folder one model, unless models stand beside them in folders of their own.
  const nested = holdsWeights
    ? []
    : (await Promise.all(folders.map(async (name) => ((await hasWeights(join(folder, name))) ? [name] : [])))).flat();
  const single = files.filter((name) => MODEL_FILE.test(name));
  if (holdsWeights && single.length <= 1) return [folder];
  const isSharded = single.some((name) => /-\d{5}-of-\d{5}\./.test(name)) || files.includes('config.json');
  if (holdsWeights && isSharded) return [folder];
  const all = [...nested, ...single].sort().map((name) => join(folder, name));
  if (all.length === 0)
    throw new SourceError('SOURCE_NOT_FOUND', `${folder} holds no models`, {
      where: { file: folder },
      hint: 'give a folder of model folders, or several models',
    });
  return all;
}

async function hasWeights(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.slice(0, MAX_ENTRIES).some((name) => WEIGHTS.test(name));
}
