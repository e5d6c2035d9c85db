/**
 * Opens a checkpoint by what it is.
 * @module
 */
import type { FileTree } from '../base/index.ts';
import { detectFormat, type Detected } from './detect.ts';
import { openSafetensors } from './safetensors.ts';
import { type Checkpoint, WeightsError } from './types.ts';

type Reader = (tree: FileTree, path: string) => Promise<Checkpoint>;

/** Readers are imported when first needed, so that listing a safetensors file loads no pickle machine. */
const READERS: Partial<Record<Detected, Reader>> = {
  safetensors: openSafetensors,
  gguf: async (tree, path) => (await import('./gguf.ts')).openGguf(tree, path),
  zip: async (tree, path) => (await import('./pytorch.ts')).openZipped(tree, path),
  pickle: async (tree, path) => (await import('./pytorch.ts')).openPickle(tree, path),
  tar: async (tree, path) => (await import('./pytorch.ts')).openTar(tree, path),
  npy: async (tree, path) => (await import('./pytorch.ts')).openNpy(tree, path),
  onnx: async (tree, path) => (await import('./onnx.ts')).openOnnx(tree, path),
  caffe: async (tree, path) => (await import('./caffe.ts')).openCaffe(tree, path),
  'tf-graphdef': async (tree, path) => (await import('./tf-graphdef.ts')).openTfGraphDef(tree, path),
  tfjs: async (tree, path) => (await import('./tfjs.ts')).openTfjs(tree, path),
  'keras-h5': async (tree, path) => (await import('./keras.ts')).openKerasH5(tree, path),
};

/**
 * Reads and validates a checkpoint's header; no tensor is read, nothing is executed.
 * @param path a file of `tree`: the checkpoint, or its shard index.
 * @throws WeightsError; SourceError when bytes cannot be had.
 */
export async function openCheckpoint(tree: FileTree, path: string): Promise<Checkpoint> {
  if (path.endsWith('.safetensors.index.json')) return openSafetensors(tree, path);
  const source = await tree.open(path);
  const format = await detectFormat(source);
  const reader = READERS[format];
  if (reader) return reader(tree, path);
  throw notAModel(path, format);
}

function notAModel(path: string, format: Detected): WeightsError {
  const where = { where: { file: path, byte: 0 } };
  switch (format) {
    case 'empty':
      return new WeightsError('WEIGHTS_NOT_A_MODEL', `${path} is empty`, where);
    case 'html':
      return new WeightsError('WEIGHTS_NOT_A_MODEL', `${path} is a saved web page, not a model`, {
        ...where,
        hint: 'download the file itself, not the page that shows it',
      });
    case 'lfs-pointer':
      return new WeightsError('WEIGHTS_NOT_A_MODEL', `${path} is a Git LFS pointer; the weights were never downloaded`, {
        ...where,
        hint: 'run `git lfs pull`',
      });
    case 'unknown':
    case 'json':
    case 'gzip':
      return new WeightsError('WEIGHTS_NOT_A_MODEL', `${path} is in no weight format Heirloom knows`, where);
    default:
      return new WeightsError('WEIGHTS_NOT_READ_YET', `${path} is ${format}, which Heirloom does not read yet`, where);
  }
}
