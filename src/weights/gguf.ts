/**
 * GGUF: single files and split sets.
 * Built from ggml `docs/gguf.md` (versions 2 and 3) and, for splits, the naming and `split.*` keys of llama.cpp's gguf-split.
 * @module
 */
import type { FileTree, Finding } from '../base/index.ts';
import { makeCheckpoint, MAX_TENSORS, readContiguous } from './checkpoint.ts';
import { type GgufHeader, readGgufHeader } from './gguf-header.ts';
import { type Checkpoint, WeightsError } from './types.ts';

/** `<prefix>-00001-of-00003.gguf`: parts count from 1 in names and from 0 in `split.no`. */
const SPLIT_NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s;

/**
 * @param path of a GGUF file, or of any part of a split set whose parts stand beside it.
 * Shapes are row-major, `[out, in]` for matrices: ggml stores the fastest axis first.
 * @throws WeightsError naming file and byte or tensor.
 */
export async function openGguf(tree: FileTree, path: string): Promise<Checkpoint> {
  const opened = await readGgufHeader(await tree.open(path));
  const parts = await readParts(tree, path, opened);
  const tensors = parts.flatMap((part) => part.tensors);
  checkNames(path, parts);
  const sources = new Map(parts.map((part) => [part.source.name, part.source]));
  const files = [path, ...parts.map((part) => part.source.name).filter((name) => name !== path)];
  return makeCheckpoint({
    format: 'gguf',
    formatVersion: `GGUF v${opened.version}${parts.length > 1 ? `, ${parts.length} parts` : ''}`,
    files,
    tensors,
    // The first part holds the model's keys; the others repeat only `split.*`.
    metadata: parts[0]!.metadata,
    findings: [...parts.flatMap((part) => part.findings), ...checkTotal(path, opened, tensors.length)],
    readStored: (tensor, start, count) => readContiguous(sources.get(tensor.file)!, tensor, start, count),
  });
}

/** All parts in order; a file that is no part of a set is its own only part. */
async function readParts(tree: FileTree, path: string, opened: GgufHeader): Promise<GgufHeader[]> {
  const count = opened.metadata.get('split.count') ?? 1;
  const own = opened.metadata.get('split.no') ?? 0;
  if (typeof count !== 'number' || typeof own !== 'number' || count > 99_999)
    throw new WeightsError('WEIGHTS_HEADER', `${path} has split keys that are not counts`, { where: { file: path, field: 'split.count' } });
  if (count <= 1) return [opened];
  const name = SPLIT_NAME.exec(path);
  if (!name || Number(name[2]) !== own + 1 || Number(name[3]) !== count)
    throw new WeightsError(
      'WEIGHTS_MISSING_FILE',
      `${path} is part ${own + 1} of ${count}, but its name does not say so, so the other parts cannot be found`,
      {
        where: { file: path, field: 'split.no' },
        hint: `name the parts <model>-00001-of-${pad(count)}.gguf and so on`,
      },
    );
  const wanted = Array.from({ length: count }, (_, i) => `${name[1]}-${pad(i + 1)}-of-${pad(count)}.gguf`);
  const present = new Set(tree.files.map((entry) => entry.path));
  const missing = wanted.find((part) => !present.has(part));
  if (missing !== undefined)
    throw new WeightsError('WEIGHTS_MISSING_FILE', `${path} is part ${own + 1} of ${count}; the part "${missing}" is not there`, {
      where: { file: path, field: 'split.count' },
    });
  const parts: GgufHeader[] = [];
  let listed = 0;
  for (const [i, part] of wanted.entries()) {
    const header = part === path ? opened : await readGgufHeader(await tree.open(part));
    if (header.metadata.get('split.no') !== i || header.metadata.get('split.count') !== count)
      throw new WeightsError('WEIGHTS_HEADER', `${part} does not say it is part ${i + 1} of ${count}`, {
        where: { file: part, field: 'split.no' },
      });
    listed += header.tensors.length;
    if (listed > MAX_TENSORS)
      throw new WeightsError('WEIGHTS_LIMIT', `the parts of ${path} list over ${MAX_TENSORS} tensors`, { where: { file: part } });
    parts.push(header);
  }
  return parts;
}

function pad(n: number): string {
  return String(n).padStart(5, '0');
}

function checkNames(path: string, parts: readonly GgufHeader[]): void {
  if (parts.length === 1) return;
  const names = new Set<string>();
  for (const part of parts)
    for (const tensor of part.tensors) {
      if (names.has(tensor.name))
        throw new WeightsError('WEIGHTS_DUPLICATE', `tensor "${tensor.name}" stands in two parts of ${path}`, {
          where: { file: tensor.file, field: tensor.name },
        });
      names.add(tensor.name);
    }
}

function checkTotal(path: string, opened: GgufHeader, found: number): Finding[] {
  const claimed = opened.metadata.get('split.tensors.count');
  if (claimed === undefined || claimed === found) return [];
  return [
    {
      rule: 'weights/split-tensor-count',
      severity: 'warning',
      where: { file: path, field: 'split.tensors.count' },
      what: `the parts hold ${found} tensors, the header says ${String(claimed)}`,
      why: 'a part may have been exchanged for another',
      fix: 'download the parts again',
      source: 'llama.cpp gguf-split',
    },
  ];
}
