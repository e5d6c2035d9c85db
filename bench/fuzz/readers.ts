/** The public readers, each over one input; what they throw on bad input must be a HeirloomError. */
import { HeirloomError, memoryTree, type FileTree } from '../../src/base/index.ts';
import { identifyLicense, judgeLicense, resolveTag } from '../../src/license/index.ts';
import { parseExpression } from '../../src/license/expression.ts';
import { decodeSketch, encodeForDigest } from '../../src/lineage/index.ts';
import { readModel } from '../../src/model/index.ts';
import { decodeEntry, entryId } from '../../src/register/entry.ts';
import { scanTree } from '../../src/safety/index.ts';
import { openCheckpoint, rowCount, rowLength } from '../../src/weights/index.ts';
import type { Group } from './seeds.ts';

export interface Input {
  readonly reader: string;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly beside: Readonly<Record<string, Uint8Array>>;
}

interface Reader {
  readonly group: Group;
  /** How often it is drawn: quick readers of many forms most. */
  readonly weight: number;
  readonly read: (input: Input, tree: FileTree) => Promise<unknown>;
}

const TENSORS_READ = 8;
const VALUES_READ = 20_000;

/** The header, then a little of each tensor. */
async function readWeights(path: string, tree: FileTree): Promise<void> {
  const checkpoint = await openCheckpoint(tree, path);
  for (const tensor of checkpoint.tensors.slice(0, TENSORS_READ))
    await typed(() => checkpoint.readRows(tensor, 0, Math.min(rowCount(tensor), Math.floor(VALUES_READ / Math.max(1, rowLength(tensor))))));
  JSON.stringify([checkpoint.findings, [...checkpoint.metadata]], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

async function readDocuments(tree: FileTree): Promise<void> {
  const model = await readModel(tree);
  await typed(() => model.tokens());
  JSON.stringify([model.card, [...model.configs], model.claims, model.findings]);
  await judgeLicense(model, []);
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function readEntry(bytes: Uint8Array): void {
  const name = /"name"\s*:\s*"([^"\\]*)"/.exec(decode(bytes))?.[1] ?? '';
  decodeEntry(bytes, 'e.json', entryId(name));
}

export const READERS: Readonly<Record<string, Reader>> = {
  checkpoint: { group: 'weights', weight: 100, read: ({ path }, tree) => readWeights(path, tree) },
  scan: { group: 'weights', weight: 90, read: async (_, tree) => JSON.stringify(await scanTree(tree)) },
  model: { group: 'documents', weight: 12, read: (_, tree) => readDocuments(tree) },
  'scan-documents': { group: 'documents', weight: 12, read: async (_, tree) => JSON.stringify(await scanTree(tree)) },
  template: { group: 'templates', weight: 30, read: async (_, tree) => JSON.stringify(await scanTree(tree)) },
  sketch: { group: 'sketches', weight: 30, read: async ({ bytes }) => encodeForDigest(decodeSketch(bytes, 'm.sketch')) },
  license: { group: 'licenses', weight: 1, read: ({ bytes }) => identifyLicense(decode(bytes)) },
  tag: { group: 'expressions', weight: 9, read: ({ bytes }) => resolveTag(decode(bytes)) },
  expression: { group: 'expressions', weight: 18, read: async ({ bytes }) => parseExpression(decode(bytes)) },
  register: { group: 'entries', weight: 18, read: async ({ bytes }) => readEntry(bytes) },
};

/** A range outside the file means that a reader believed an offset it had not checked. */
async function typed(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code === 'SOURCE_OUT_OF_RANGE') throw error;
  }
}

/** @throws what is no typed error, and `SOURCE_OUT_OF_RANGE`. */
export async function runInput(input: Input): Promise<void> {
  const tree = memoryTree('fuzzed', { ...input.beside, [input.path]: input.bytes });
  await typed(() => READERS[input.reader]!.read(input, tree));
}
