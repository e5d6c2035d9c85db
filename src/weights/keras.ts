/**
 * Keras models: `.h5` (Keras 1 and 2, and weights of Keras 3) and `.keras` archives (Keras 3: `config.json`, `model.weights.h5`).
 * Built from Keras 3 `saving_lib.py` and `legacy_h5_format.py`; HDF5 by the reader beside this one.
 * Configurations are handed on as text and never interpreted: they can name code (Lambda layers).
 * @module
 */
import type { ByteSource, FileTree, Finding } from '../base/index.ts';
import { makeCheckpoint, MAX_TENSORS } from './checkpoint.ts';
import { DTYPES } from './dtypes.ts';
import { readTextAttributes } from './hdf5-attribute.ts';
import { datasetReader, readDataset } from './hdf5-dataset.ts';
import { type Hdf5File, openHdf5 } from './hdf5-file.ts';
import { readGroup } from './hdf5-group.ts';
import { kerasOutputFirst } from './keras-orientation.ts';
import { type Checkpoint, type MetaValue, type TensorInfo, WeightsError } from './types.ts';
import { openZipEntry, type ZipArchive } from './zip.ts';

/** Groups and datasets of one file. (CWE-770) */
const MAX_OBJECTS = 1_000_000;
/** Groups inside groups; nested models reach about 20. (CWE-674) */
const MAX_DEPTH = 64;
/** `config.json` and `metadata.json`. (CWE-789) */
const MAX_CONFIG_BYTES = 16 << 20;

interface Walk {
  readonly file: Hdf5File;
  /** Where tensors say they are: the `.h5` itself, or the archive around it. */
  readonly path: string;
  readonly inArchive: boolean;
  readonly tensors: TensorInfo[];
  readonly readers: Map<string, ReturnType<typeof datasetReader>>;
  readonly findings: Finding[];
  /** Objects seen, by address: a group inside itself must not be walked for ever. */
  readonly seen: Map<number, string>;
}

/** @throws WeightsError naming file and byte. */
export async function openKerasH5(tree: FileTree, path: string): Promise<Checkpoint> {
  return fromHdf5(await tree.open(path), path, new Map(), [], false);
}

/** @param archive with `config.json`; weights may be absent (an architecture without them). */
export async function openKerasArchive(archive: ZipArchive, path: string): Promise<Checkpoint> {
  const metadata = new Map<string, MetaValue>();
  for (const [name, key] of [
    ['config.json', 'keras.config'],
    ['metadata.json', 'keras.metadata'],
  ] as const) {
    const entry = archive.entries.find((member) => member.name === name);
    if (!entry) continue;
    if (entry.size > MAX_CONFIG_BYTES)
      throw new WeightsError('WEIGHTS_LIMIT', `${path}: ${name} is ${entry.size} bytes long, over the cap of ${MAX_CONFIG_BYTES}`, {
        where: { file: path, field: name },
      });
    const source = await openZipEntry(archive, entry);
    metadata.set(key, new TextDecoder().decode(await source.read(0, source.size)));
  }
  const weights = archive.entries.find((member) => member.name === 'model.weights.h5');
  if (weights) return fromHdf5(await openZipEntry(archive, weights), path, metadata, archive.findings, true);
  const missing: Finding = {
    rule: 'weights/no-weights',
    severity: 'note',
    where: { file: path },
    what: 'the archive describes a model but holds no model.weights.h5',
    why: 'there is nothing to compare',
    fix: 'save the model with its weights',
    source: 'Keras 3 saving_lib.py',
  };
  return makeCheckpoint({
    format: 'keras-zip',
    formatVersion: 'Keras archive without weights',
    files: [path],
    tensors: [],
    metadata,
    findings: [...archive.findings, missing],
    readStored: async () => new Uint8Array(0),
  });
}

async function fromHdf5(
  source: ByteSource,
  path: string,
  metadata: Map<string, MetaValue>,
  before: readonly Finding[],
  inArchive: boolean,
): Promise<Checkpoint> {
  const file = await openHdf5(source);
  const walk: Walk = { file, path, inArchive, tensors: [], readers: new Map(), findings: [...before], seen: new Map() };
  for (const [key, text] of await readTextAttributes(file, await file.messages(file.rootAddress))) metadata.set(`h5.${key}`, text);
  await readObject(walk, file.rootAddress, '', 0);
  return makeCheckpoint({
    format: inArchive ? 'keras-zip' : 'keras-h5',
    formatVersion: `${inArchive ? 'Keras archive, ' : ''}HDF5 superblock ${file.version}`,
    files: [path],
    tensors: walk.tensors,
    metadata,
    findings: walk.findings,
    readStored: (tensor, start, count) => walk.readers.get(tensor.name)!(tensor, start, count),
  });
}

async function readObject(walk: Walk, address: number, name: string, depth: number): Promise<void> {
  const { file } = walk;
  if (depth > MAX_DEPTH) file.fail('WEIGHTS_LIMIT', `nests groups deeper than ${MAX_DEPTH}`, address);
  const before = walk.seen.get(address);
  if (before !== undefined) {
    note(walk, 'note', name, `"${name}" is another name of "${before}"`, 'it is listed once');
    return;
  }
  if (walk.seen.size >= MAX_OBJECTS) file.fail('WEIGHTS_LIMIT', `holds over ${MAX_OBJECTS} objects`, address);
  walk.seen.set(address, name);
  const messages = await file.messages(address);
  const group = await readGroup(file, messages);
  if (group) {
    for (const link of group.links)
      note(
        walk,
        link.external ? 'warning' : 'note',
        name,
        `"${name}/${link.name}" is a link${link.external ? ' into another file' : ''} and was not followed`,
        'what it points to was not looked at',
      );
    for (const [member, at] of group.hard) await readObject(walk, at, name ? `${name}/${member}` : member, depth + 1);
    return;
  }
  const dataset = await readDataset(file, messages, name);
  if (dataset === null) return;
  if (typeof dataset === 'string')
    return note(walk, 'note', name, `"${name}" holds ${dataset} and is not listed`, 'its values were not looked at');
  if (walk.tensors.length >= MAX_TENSORS) file.fail('WEIGHTS_LIMIT', `lists over ${MAX_TENSORS} tensors`, address);
  const { dtype, shape, layout } = dataset;
  const outputFirst = kerasOutputFirst(name, shape.length);
  const plain = layout.kind === 'range' && !dataset.bigEndian && !walk.inArchive;
  walk.tensors.push({
    name,
    dtype,
    shape,
    file: walk.path,
    offset: plain ? layout.address : -1,
    bytes: shape.reduce((product, size) => product * size, DTYPES[dtype].blockBytes),
    ...(outputFirst && { outputFirst }),
  });
  walk.readers.set(name, datasetReader(file, dataset));
}

function note(walk: Walk, severity: Finding['severity'], field: string, what: string, why: string): void {
  walk.findings.push({
    rule: 'weights/tensor-not-listed',
    severity,
    where: { file: walk.path, field },
    what,
    why,
    fix: 'none needed unless it matters',
    source: 'HDF5 file format 3.0',
  });
}
