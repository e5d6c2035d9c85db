/**
 * Which of the files is the model, and opening it; what stands beside it is listed, not read.
 * @module
 */
import { type FileTree, type Finding, HeirloomError, parseJson } from '../base/index.ts';
import { type Checkpoint, openCheckpoint, type TensorInfo, WeightsError } from '../weights/index.ts';
import { baseName, depthOf, folderOf, FORMAT_ORDER, promisedFormat } from './files.ts';
import { isObject } from './heads.ts';
import type { ModelFile } from './types.ts';

/** Candidates tried before giving up: a folder of broken files must not cost a request each. (CWE-400) */
const MAX_TRIED = 8;
/** Parts of one set; the largest published have about 200. (CWE-770) */
const MAX_PARTS = 10_000;
const MAX_INDEX_BYTES = 100_000_000;

/** One model in the folder: a file, or a set of parts with or without an index. */
export interface Candidate {
  /** What it is listed and opened by: the index, else the first part. */
  readonly path: string;
  readonly parts: readonly string[];
  readonly format: number;
  readonly size: number;
}

export interface Chosen {
  readonly checkpoint: Checkpoint | null;
  readonly alternates: readonly string[];
  readonly findings: readonly Finding[];
  /** The error of the best candidate when none could be opened. */
  readonly error?: HeirloomError;
}

/** Opens the best candidate that parses. Errors of the ones before it become findings. */
export async function chooseCheckpoint(tree: FileTree, files: readonly ModelFile[]): Promise<Chosen> {
  const candidates = listCandidates(files);
  const findings: Finding[] = [];
  let error: HeirloomError | undefined;
  for (const [i, candidate] of candidates.slice(0, MAX_TRIED).entries()) {
    try {
      const checkpoint = await openCandidate(tree, candidate);
      const alternates = candidates
        .filter((_, at) => at !== i)
        .map((other) => other.path)
        .filter((path) => !checkpoint.files.includes(path));
      return { checkpoint, alternates, findings: [...findings, ...disguised(candidate, checkpoint)] };
    } catch (caught) {
      if (!(caught instanceof HeirloomError)) throw caught;
      error ??= caught;
      findings.push(unreadable(candidate, caught));
    }
  }
  return { checkpoint: null, alternates: candidates.map((candidate) => candidate.path), findings, ...(error && { error }) };
}

/** `<stem>-00001-of-00003.<ending>`. */
export const PART: RegExp = /^(.*?)-(\d{5})-of-(\d{5})(\.[a-z0-9]+)$/i;

/** All checkpoints in the folder, best first: nearest to the root, then by format, then the usual names, then the largest. */
export function listCandidates(files: readonly ModelFile[]): Candidate[] {
  const sizes = new Map(files.map((file) => [file.path, file.size]));
  const sets = new Map<string, { paths: string[]; index?: string }>();
  for (const { path, kind } of files) {
    if (kind === 'weights' && promisedFormat(path)) {
      const part = PART.exec(path);
      const key = part ? `${part[1]}${part[4]}` : path;
      // A lone `model.bin` beside a set `model-00001-of-00002.bin` is its own candidate.
      const group = part ? `${key}\0${part[3]}` : key;
      if (!sets.has(group)) sets.set(group, { paths: [] });
      sets.get(group)!.paths.push(path);
    }
  }
  for (const { path, kind } of files) {
    if (kind !== 'weights-index') continue;
    const stem = path.replace(/\.index\.json$/, '');
    const set = [...sets].find(([group]) => group.startsWith(`${stem}\0`))?.[1];
    if (set) set.index = path;
    else sets.set(`${path}\0index`, { paths: [], index: path });
  }
  const candidates = [...sets.values()].map(({ paths, index }): Candidate => {
    const path = index ?? paths[0]!;
    const format = promisedFormat(paths[0] ?? path.replace(/\.index\.json$/, ''));
    return {
      path,
      parts: paths,
      format: format ? FORMAT_ORDER.indexOf(format) : FORMAT_ORDER.length,
      size: paths.reduce((sum, part) => sum + (sizes.get(part) ?? 0), 0),
    };
  });
  return candidates.sort(
    (a, b) =>
      Math.min(1, depthOf(a.path)) - Math.min(1, depthOf(b.path)) ||
      a.format - b.format ||
      usual(a) - usual(b) ||
      b.size - a.size ||
      (a.path < b.path ? -1 : 1),
  );
}

/** 0 for the names loaders look for first. Splitting at the root only: in a pipeline's folders the largest part is the model. */
function usual({ path }: Candidate): number {
  if (depthOf(path) > 0) return 2;
  return /^(model|pytorch_model|adapter_model|diffusion_pytorch_model)\.[a-z]+$/.test(path) ? 0 : path.endsWith('.index.json') ? 1 : 2;
}

async function openCandidate(tree: FileTree, { path, parts }: Candidate): Promise<Checkpoint> {
  if (path.endsWith('.safetensors.index.json')) return openCheckpoint(tree, path);
  if (path.endsWith('.index.json')) return openParts(tree, await indexedParts(tree, path), path);
  if (parts.length > 1 && !path.endsWith('.gguf')) {
    const count = Number(PART.exec(path)![3]);
    if (parts.length !== count)
      throw new WeightsError('WEIGHTS_MISSING_FILE', `${path} is one of ${count} parts, but ${parts.length} are there`, {
        where: { file: path },
      });
    return openParts(tree, parts);
  }
  const part = PART.exec(path);
  if (part && Number(part[3]) > 1 && !path.endsWith('.gguf'))
    throw new WeightsError('WEIGHTS_MISSING_FILE', `${path} is one of ${Number(part[3])} parts; the others are not there`, {
      where: { file: path },
    });
  return openCheckpoint(tree, path);
}

/** The files named by `weight_map` of a PyTorch index, beside it. */
async function indexedParts(tree: FileTree, path: string): Promise<string[]> {
  const source = await tree.open(path);
  const where = { where: { file: path, field: 'weight_map' } };
  if (source.size > MAX_INDEX_BYTES)
    throw new WeightsError('WEIGHTS_LIMIT', `${path} is ${source.size} bytes long, over the cap of ${MAX_INDEX_BYTES}`, where);
  const index = parseJson(await source.read(0, source.size), path);
  const map = isObject(index) && Object.hasOwn(index, 'weight_map') ? index['weight_map'] : undefined;
  if (!isObject(map)) throw new WeightsError('WEIGHTS_HEADER', `${path} has no "weight_map" object`, where);
  const names = new Set<string>();
  for (const name of Object.values(map)) {
    if (typeof name !== 'string' || name === '' || name === '..' || /[/\\]/.test(name))
      throw new WeightsError('WEIGHTS_PATH', `${path} places a tensor outside its folder`, where);
    names.add(folderOf(path) + name);
    if (names.size > MAX_PARTS) throw new WeightsError('WEIGHTS_LIMIT', `${path} names more than ${MAX_PARTS} files`, where);
  }
  if (names.size === 0) throw new WeightsError('WEIGHTS_HEADER', `${path} lists no tensors`, where);
  const present = new Set(tree.files.map((file) => file.path));
  for (const name of names)
    if (!present.has(name)) throw new WeightsError('WEIGHTS_MISSING_FILE', `${path} names the file "${name}", which is not there`, where);
  return [...names].sort();
}

/** Several files of one format seen as one checkpoint. */
async function openParts(tree: FileTree, paths: readonly string[], index?: string): Promise<Checkpoint> {
  const owners = new Map<string, Checkpoint>();
  const opened: Checkpoint[] = [];
  const tensors: TensorInfo[] = [];
  for (const path of paths) {
    const part = await openCheckpoint(tree, path);
    opened.push(part);
    for (const tensor of part.tensors) {
      if (owners.has(tensor.name))
        throw new WeightsError('WEIGHTS_DUPLICATE', `tensor "${tensor.name}" stands in two parts`, {
          where: { file: tensor.file, field: tensor.name },
        });
      owners.set(tensor.name, part);
      tensors.push(tensor);
    }
  }
  const first = opened[0]!;
  return {
    format: first.format,
    formatVersion: `${first.formatVersion}, ${opened.length} parts`,
    files: [...(index === undefined ? [] : [index]), ...new Set(opened.flatMap((part) => part.files))],
    tensors,
    metadata: new Map(opened.flatMap((part) => [...part.metadata])),
    findings: opened.flatMap((part) => part.findings),
    readBytes: (tensor, start, count) => owners.get(tensor.name)!.readBytes(tensor, start, count),
    readRows: (tensor, start, count) => owners.get(tensor.name)!.readRows(tensor, start, count),
  };
}

function unreadable({ path }: Candidate, error: HeirloomError): Finding {
  return {
    rule: 'model/checkpoint-unreadable',
    severity: 'error',
    where: { file: path, ...error.where },
    what: error.message,
    why: 'weights that cannot be read cannot be judged; another file of the folder was taken where there is one',
    fix:
      error.hint ??
      (error.code === 'WEIGHTS_MISSING_FILE'
        ? 'get the missing parts from its publisher'
        : `get ${baseName(path)} again from its publisher`),
  };
}

/** A name that promises one format around bytes of another; zipped and pickled forms of PyTorch share their endings with everything. */
function disguised({ path }: Candidate, checkpoint: Checkpoint): Finding[] {
  const promised = promisedFormat(path.replace(/\.index\.json$/, ''));
  if (
    promised === undefined ||
    promised === 'pytorch' ||
    promised === checkpoint.format ||
    checkpoint.format.startsWith(promised.slice(0, 3))
  )
    return [];
  return [
    {
      rule: 'model/format-mismatch',
      severity: 'warning',
      where: { file: path },
      what: `${baseName(path)} is named as ${promised} but holds ${checkpoint.format}`,
      why: 'scanners and loaders that go by the name treat it as something it is not',
      fix: 'rename the file',
      source: 'CWE-434',
    },
  ];
}
