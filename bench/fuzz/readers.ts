/** The public readers, each over one input; what they throw on bad input must be a HeirloomError. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileTree, HeirloomError, memorySource, memoryTree } from '../../src/base/index.ts';
import { planSafetensors, verifyCopy, writeSafetensors } from '../../src/convert/index.ts';
import { parseExpression } from '../../src/license/expression.ts';
import { identifyLicense, judgeLicense, resolveTag } from '../../src/license/index.ts';
import { decodeSketch, encodeForDigest } from '../../src/lineage/index.ts';
import { readModel } from '../../src/model/index.ts';
import { decodeEntry, entryId } from '../../src/register/entry.ts';
import { convertModel } from '../../src/register/index.ts';
import { applyPolicy, failsPolicy, parsePolicy, scanTree } from '../../src/safety/index.ts';
import { compressionOf, decompress, openCheckpoint, rowCount, rowLength } from '../../src/weights/index.ts';
import { joinBytes } from '../../src/weights/testing/index.ts';
import type { FamilyName } from './families.ts';

export interface Input {
  /** `reader/family`. */
  readonly unit: string;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly beside: Readonly<Record<string, Uint8Array>>;
}
/** Whether the reader took the input or refused it, by a typed error or by its verdict. */
export type Answer = 'read' | 'refused';

interface Reader {
  readonly families: readonly FamilyName[];
  /** Inputs of each family, as a part of the usual number: slow readers get fewer. */
  readonly share: number;
  readonly read: (input: Input, tree: FileTree) => Promise<Answer | void>;
}

const TENSORS_READ = 8;
const VALUES_READ = 20_000;
/** Copies are kept in memory here. */
const MAX_COPY = 4 << 20;
const MAX_UNPACKED = 16 << 20;
const TODAY = '2026-06-01';

/** The header, then a little of each tensor. */
async function readWeights({ path }: Input, tree: FileTree): Promise<void> {
  const checkpoint = await openCheckpoint(tree, path);
  for (const tensor of checkpoint.tensors.slice(0, TENSORS_READ))
    await typed(() => checkpoint.readRows(tensor, 0, Math.min(rowCount(tensor), Math.floor(VALUES_READ / Math.max(1, rowLength(tensor))))));
  JSON.stringify([checkpoint.findings, [...checkpoint.metadata]], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

async function scan(_: Input, tree: FileTree): Promise<Answer> {
  const report = await scanTree(tree);
  JSON.stringify(report);
  return report.verdict === 'unreadable' ? 'refused' : 'read';
}

/** A copy is whole, readable and equal, or there is none. */
async function convert({ path, bytes }: Input, tree: FileTree): Promise<void> {
  const checkpoint = await openCheckpoint(tree, path);
  const plan = planSafetensors(checkpoint, bytes.length);
  if (plan.bytes > MAX_COPY) return;
  const newHasher = () => createHash('sha256');
  const blocks: Uint8Array[] = [];
  const copied = await writeSafetensors(checkpoint, plan, newHasher, async (block) => void blocks.push(block.slice()));
  const copy = memoryTree('copy', { 'c.safetensors': joinBytes(...blocks) });
  await mustHold(async () => verifyCopy(await openCheckpoint(copy, 'c.safetensors'), copied, newHasher));
}

/** As `heirloom convert` does: the folder holds a whole copy, or nothing that was begun. */
async function convertFile({ path, bytes, beside }: Input): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'heirloom-fuzz-'));
  try {
    for (const [name, content] of Object.entries({ ...beside, [path]: bytes })) writeFileSync(join(folder, name), content);
    const before = new Set(readdirSync(folder));
    const failed = await convertModel(join(folder, path), join(folder, 'copy.safetensors'), {}).then(
      () => null,
      (error: unknown) => ({ error }),
    );
    const left = readdirSync(folder).filter((name) => !before.has(name));
    if (left.join() !== (failed ? '' : 'copy.safetensors')) throw new Error(`convert left ${left.length} files behind`);
    if (failed) throw failed.error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function readDocuments(_: Input, tree: FileTree): Promise<void> {
  const model = await readModel(tree);
  await typed(() => model.tokens());
  JSON.stringify([model.card, [...model.configs], model.claims, model.findings]);
  await judgeLicense(model, []);
}

async function unpack({ path, bytes }: Input): Promise<Answer> {
  const compression = compressionOf(bytes.subarray(0, 1024));
  if (!compression) return 'refused';
  const { problem } = await decompress(memorySource(path, bytes), compression, MAX_UNPACKED);
  return problem === undefined ? 'read' : 'refused';
}

async function judgePolicy({ bytes }: Input): Promise<void> {
  const policy = parsePolicy(bytes, 'policy.json');
  const { files } = await scanTree(memoryTree('judged', { 'a/b.pkl': new TextEncoder().encode('cos\nsystem\n(S"id"\ntR.') }));
  const answer = await applyPolicy(files, policy, TODAY);
  JSON.stringify([answer, answer.files.map((file) => failsPolicy(file, policy))]);
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function readEntry({ bytes }: Input): Promise<void> {
  const name = /"name"\s*:\s*"([^"\\]*)"/.exec(decode(bytes))?.[1] ?? '';
  decodeEntry(bytes, 'e.json', entryId(name));
}

const TENSORS: readonly FamilyName[] = [
  'torch-zip',
  'torch-legacy',
  'torch-tar',
  'pickle',
  'joblib',
  'npy',
  'npz',
  'onnx',
  'safetensors',
  'gguf',
  'hdf5',
  'keras',
  'graphdef',
  'caffe',
  'tflite',
  'tfjs',
];
export const READERS: Readonly<Record<string, Reader>> = {
  checkpoint: { families: [...TENSORS, 'zip', 'tar', 'compressed'], share: 1, read: readWeights },
  scan: {
    families: [
      ...TENSORS,
      ...(['zip', 'tar', 'compressed', 'calls', 'resync', 'torchscript', 'saved-model', 'template', 'config', 'tokenizer'] as const),
      ...(['python', 'texts', 'bytecode', 'other'] as const),
    ],
    share: 1,
    read: scan,
  },
  convert: { families: TENSORS, share: 1, read: convert },
  'convert-file': { families: ['torch-zip', 'npz', 'onnx'], share: 0.02, read: convertFile },
  decompress: { families: ['compressed'], share: 1, read: unpack },
  model: { families: ['documents', 'tokenizer'], share: 0.2, read: readDocuments },
  policy: { families: ['policy'], share: 1, read: judgePolicy },
  license: { families: ['license'], share: 0.05, read: async ({ bytes }) => void (await identifyLicense(decode(bytes))) },
  tag: { families: ['expression'], share: 0.5, read: async ({ bytes }) => void (await resolveTag(decode(bytes))) },
  expression: { families: ['expression'], share: 1, read: async ({ bytes }) => void parseExpression(decode(bytes)) },
  sketch: { families: ['sketch'], share: 1, read: async ({ bytes }) => void encodeForDigest(decodeSketch(bytes, 'm.sketch')) },
  register: { families: ['entry'], share: 1, read: readEntry },
};
/** Every `reader/family`, and what part of the usual number of inputs it gets. */
export const UNITS: ReadonlyMap<string, number> = new Map(
  Object.entries(READERS).flatMap(([name, { families, share }]) => families.map((family) => [`${name}/${family}`, share] as const)),
);

/** A range outside the file means that a reader believed an offset it had not checked. */
async function typed(work: () => Promise<unknown>): Promise<Answer> {
  try {
    return (await work()) === 'refused' ? 'refused' : 'read';
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code === 'SOURCE_OUT_OF_RANGE') throw error;
    return 'refused';
  }
}

async function mustHold(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Error(`the copy is not what was written: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws what is no typed error, and `SOURCE_OUT_OF_RANGE`. */
export async function runInput(input: Input): Promise<Answer> {
  const tree = memoryTree('fuzzed', { ...input.beside, [input.path]: input.bytes });
  return typed(() => READERS[input.unit.split('/')[0]!]!.read(input, tree));
}
