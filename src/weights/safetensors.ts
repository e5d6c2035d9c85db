/**
 * safetensors: single files and sharded sets with an index.
 * Built from the format page of huggingface/safetensors (README "Format", reference implementation 0.4–0.6).
 * @module
 */
import { type ByteSource, type FileTree, type Finding, type JsonValue, parseJson, parseJsonStrictly } from '../base/index.ts';
import { makeCheckpoint, MAX_TENSORS, readContiguous, storedBytes } from './checkpoint.ts';
import { DTYPES, type PlainDType } from './dtypes.ts';
import { refuseOddSpelling, refuseStrayEmpty } from './safetensors-strict.ts';
import { type Checkpoint, type MetaValue, type TensorInfo, WeightsError } from './types.ts';

/** The reference implementation's cap on the JSON header. (CWE-770) */
const MAX_HEADER_BYTES = 100_000_000;
/** A shard index of a million tensors is about 100 MB; the same cap serves. */
const MAX_INDEX_BYTES = MAX_HEADER_BYTES;

interface Shard {
  readonly source: ByteSource;
  readonly tensors: TensorInfo[];
  readonly metadata: [string, string][];
  readonly findings: Finding[];
}

/**
 * @param path of a `.safetensors` file, or of a `.safetensors.index.json` whose shards stand beside it.
 * @throws WeightsError naming file and byte or tensor.
 */
export async function openSafetensors(tree: FileTree, path: string): Promise<Checkpoint> {
  const shardPaths = path.endsWith('.index.json') ? await readIndex(tree, path) : [path];
  const shards: Shard[] = [];
  for (const shardPath of shardPaths) shards.push(await readShard(await tree.open(shardPath)));
  const tensors: TensorInfo[] = [];
  const names = new Set<string>();
  for (const shard of shards)
    for (const tensor of shard.tensors) {
      if (names.has(tensor.name))
        throw new WeightsError('WEIGHTS_DUPLICATE', `tensor "${tensor.name}" stands in two shards`, {
          where: { file: tensor.file, field: tensor.name },
        });
      names.add(tensor.name);
      tensors.push(tensor);
    }
  const sources = new Map(shards.map((shard) => [shard.source.name, shard.source]));
  return makeCheckpoint({
    format: 'safetensors',
    formatVersion: shards.length > 1 ? `safetensors, ${shards.length} shards` : 'safetensors',
    files: path === shardPaths[0] ? shardPaths : [path, ...shardPaths],
    tensors,
    metadata: new Map<string, MetaValue>(shards.flatMap((shard) => shard.metadata)),
    findings: shards.flatMap((shard) => shard.findings),
    readStored: (tensor, start, count) => readContiguous(sources.get(tensor.file)!, tensor, start, count),
  });
}

async function readIndex(tree: FileTree, path: string): Promise<string[]> {
  const source = await tree.open(path);
  if (source.size > MAX_INDEX_BYTES)
    throw new WeightsError('WEIGHTS_LIMIT', `${path} is ${source.size} bytes long, over the cap of ${MAX_INDEX_BYTES}`, {
      where: { file: path },
    });
  const index = parseJson(await source.read(0, source.size), path);
  const map = isObject(index) ? index['weight_map'] : undefined;
  if (!isObject(map))
    throw new WeightsError('WEIGHTS_HEADER', `${path} has no "weight_map" object`, { where: { file: path, field: 'weight_map' } });
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : '';
  const shards = new Set<string>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== 'string' || file.includes('/') || file.includes('\\') || file === '' || file === '..')
      throw new WeightsError('WEIGHTS_PATH', `${path} places tensor "${name}" outside its folder`, {
        where: { file: path, field: `weight_map.${name}` },
      });
    shards.add(folder + file);
  }
  if (shards.size === 0)
    throw new WeightsError('WEIGHTS_HEADER', `${path} lists no tensors`, { where: { file: path, field: 'weight_map' } });
  for (const shard of shards)
    if (!tree.files.some((entry) => entry.path === shard))
      throw new WeightsError('WEIGHTS_MISSING_FILE', `${path} names the shard "${shard}", which is not there`, {
        where: { file: path, field: 'weight_map' },
      });
  return [...shards].sort();
}

async function readShard(source: ByteSource): Promise<Shard> {
  const file = source.name;
  if (source.size < 8)
    throw new WeightsError('WEIGHTS_TRUNCATED', `${file} is ${source.size} bytes long, too short for a safetensors header`, {
      where: { file, byte: 0 },
    });
  const head = await source.read(0, 8);
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES))
    throw new WeightsError('WEIGHTS_LIMIT', `${file} claims a header of ${length} bytes, over the cap of ${MAX_HEADER_BYTES}`, {
      where: { file, byte: 0 },
    });
  const headerBytes = Number(length);
  if (8 + headerBytes > source.size)
    throw new WeightsError('WEIGHTS_TRUNCATED', `${file} claims a header of ${headerBytes} bytes but is ${source.size} bytes long`, {
      where: { file, byte: 0 },
    });
  const bytes = await source.read(8, headerBytes);
  if (bytes[0] !== 0x7b)
    throw new WeightsError('WEIGHTS_HEADER', `${file}: the header does not begin with "{"`, { where: { file, byte: 8 } });
  const { value: header, repeated } = parseJsonStrictly(bytes, file);
  if (!isObject(header)) throw new WeightsError('WEIGHTS_HEADER', `${file}: the header is not a JSON object`, { where: { file, byte: 8 } });
  if (repeated.length > 0)
    throw new WeightsError('WEIGHTS_DUPLICATE', `${file}: the header names "${repeated[0]}" twice`, {
      where: { file, field: repeated[0]! },
    });
  const dataStart = 8 + headerBytes;
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  if (names.length > MAX_TENSORS)
    throw new WeightsError('WEIGHTS_LIMIT', `${file} lists ${names.length} tensors`, { where: { file, byte: 8 } });
  const tensors = names.map((name) => readEntry(name, header[name]!, file, dataStart, source.size));
  refuseOddSpelling(bytes, file);
  refuseStrayEmpty(tensors, file, dataStart);
  return {
    source,
    tensors,
    metadata: readMetadata(header['__metadata__'], file),
    findings: checkLayout(tensors, file, dataStart, source.size),
  };
}

function readEntry(name: string, entry: JsonValue, file: string, dataStart: number, size: number): TensorInfo {
  const where = { file, field: name };
  if (!isObject(entry)) throw new WeightsError('WEIGHTS_HEADER', `tensor "${name}" is not described by an object`, { where });
  const { shape, data_offsets: range } = entry;
  // Two to a byte, by another name than ONNX has for it.
  const dtype = entry['dtype'] === 'F4' ? 'F4_E2M1' : entry['dtype'];
  const known = typeof dtype === 'string' && Object.hasOwn(DTYPES, dtype) && DTYPES[dtype as PlainDType].blockValues === 1;
  if (!known && entry['dtype'] !== 'F4')
    throw new WeightsError('WEIGHTS_HEADER', `tensor "${name}" has the unknown dtype ${JSON.stringify(dtype)}`, { where });
  if (!Array.isArray(shape) || !shape.every((axis) => typeof axis === 'number'))
    throw new WeightsError('WEIGHTS_SHAPE', `tensor "${name}" has no list of numbers as its shape`, { where });
  if (!Array.isArray(range) || range.length !== 2 || !range.every((at) => Number.isSafeInteger(at) && (at as number) >= 0))
    throw new WeightsError('WEIGHTS_HEADER', `tensor "${name}" has no valid data_offsets`, { where });
  const [begin, end] = range as [number, number];
  const bytes = storedBytes(dtype as PlainDType, shape as number[], name, file);
  if (end - begin !== bytes)
    throw new WeightsError(
      'WEIGHTS_HEADER',
      `tensor "${name}" takes ${end - begin} bytes in data_offsets, its shape and dtype need ${bytes}`,
      { where },
    );
  if (dataStart + end > size)
    throw new WeightsError('WEIGHTS_TRUNCATED', `tensor "${name}" ends at byte ${dataStart + end}, past the end of the file at ${size}`, {
      where: { ...where, byte: dataStart + begin },
    });
  return { name, dtype: dtype as PlainDType, shape: shape as number[], file, offset: dataStart + begin, bytes };
}

/** No two tensors may share a byte; gaps are allowed by readers but could hide data, so they are reported. */
function checkLayout(tensors: readonly TensorInfo[], file: string, dataStart: number, size: number): Finding[] {
  const findings: Finding[] = [];
  let end = dataStart;
  let last = '';
  const gap = (to: number): void => {
    findings.push({
      rule: 'weights/unclaimed-bytes',
      severity: 'warning',
      where: { file, byte: end },
      what: `${to - end} bytes from byte ${end} belong to no tensor`,
      why: 'the format demands that tensors fill the data section; unclaimed bytes can carry anything',
      fix: 'save the file again with a current safetensors library',
      source: 'safetensors README, "Format"',
    });
  };
  for (const tensor of tensors.filter((t) => t.bytes > 0).sort((a, b) => a.offset - b.offset)) {
    if (tensor.offset < end)
      throw new WeightsError('WEIGHTS_OVERLAP', `tensor "${tensor.name}" starts at byte ${tensor.offset}, inside "${last}"`, {
        where: { file, byte: tensor.offset, field: tensor.name },
      });
    if (tensor.offset > end) gap(tensor.offset);
    end = tensor.offset + tensor.bytes;
    last = tensor.name;
  }
  if (end < size) gap(size);
  return findings;
}

function readMetadata(metadata: JsonValue | undefined, file: string): [string, string][] {
  if (metadata === undefined) return [];
  if (!isObject(metadata))
    throw new WeightsError('WEIGHTS_HEADER', `${file}: "__metadata__" is not an object`, { where: { file, field: '__metadata__' } });
  return Object.entries(metadata).map(([key, value]) => {
    if (typeof value !== 'string')
      throw new WeightsError('WEIGHTS_HEADER', `${file}: metadata "${key}" is not a string`, {
        where: { file, field: `__metadata__.${key}` },
      });
    return [key, value];
  });
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
