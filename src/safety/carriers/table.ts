/**
 * Which carrier judges which format. Pickles, archives and arrays are judged by their own machines.
 * To add a format: one file with one function `(place, collector)`, one line here, its rules in rules.json.
 * @module
 */
import { type ByteSource, type FileTree, HeirloomError } from '../../base/index.ts';
import { type Checkpoint, type Detected, openCheckpoint } from '../../weights/index.ts';
import { type Collector, report } from '../rules.ts';
import { judgeMetadata, judgeMetadataKey } from './commands.ts';
import { judgeSecrets } from './secrets.ts';

/** A file, and what stands beside it; `tree` is null for a member of an archive. */
interface Place {
  readonly source: ByteSource;
  readonly tree: FileTree | null;
}
type Carrier = (place: Place, into: Collector) => Promise<void>;

/** Imported when first met: most scans meet one or two of them. */
const CARRIERS: Partial<Record<Detected, Carrier>> = {
  safetensors: (place, into) => judgeHeader(place, into),
  gguf: async (place, into) => judgeHeader(place, into, (await import('./gguf.ts')).judgeGguf),
  onnx: async ({ source, tree }, into) => (await import('./onnx.ts')).judgeOnnx(source, tree, into),
  'tf-graphdef': async ({ source }, into) => (await import('./graphdef.ts')).judgeGraphDef(source, into),
  caffe: async ({ source }, into) => (await import('./caffe.ts')).judgeCaffe(source, into),
  'keras-h5': async ({ source }, into) => (await import('./hdf5.ts')).judgeHdf5(source, into),
  tflite: async ({ source }, into) => (await import('./tflite.ts')).judgeTflite(source, into),
};
/** Bare protobufs have no mark: bytes that only look like one and break are something else. */
const UNMARKED: readonly { readonly format: Detected; readonly suffix: RegExp }[] = [
  { format: 'onnx', suffix: /\.onnx$/i },
  { format: 'tf-graphdef', suffix: /\.pb$/i },
  { format: 'caffe', suffix: /\.caffemodel$/i },
];

/** @returns whether the format has a carrier, and the bytes are in it. */
export async function carry(format: Detected, source: ByteSource, tree: FileTree | null, into: Collector): Promise<boolean> {
  const carrier = CARRIERS[format];
  if (!carrier) return false;
  const unmarked = UNMARKED.find((one) => one.format === format);
  if (!unmarked || unmarked.suffix.test(source.name)) {
    await carrier({ source, tree }, into);
    return true;
  }
  const trial: Collector = { ...into, findings: [] };
  await carrier({ source, tree }, trial);
  if (trial.findings.some((one) => one.rule === 'safety/broken-file')) return false;
  into.findings.push(...trial.findings);
  return true;
}

/** Formats without code: the header must hold; templates, keys and commands among the metadata are looked at. */
async function judgeHeader(
  { source, tree }: Place,
  into: Collector,
  judge?: (source: ByteSource, checkpoint: Checkpoint, into: Collector) => void,
): Promise<void> {
  let checkpoint: Checkpoint;
  try {
    checkpoint = await openCheckpoint(tree ?? only(source), source.name);
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    // A part of a split set whose other parts are elsewhere.
    if (error.code !== 'WEIGHTS_MISSING_FILE') report(into, 'broken-file', error.where ?? { file: source.name }, error.message);
    return;
  }
  for (const finding of checkpoint.findings)
    if (finding.rule === 'weights/unclaimed-bytes') report(into, 'trailing-data', finding.where, finding.what);
  const { judgeTemplate } = await import('./template.ts');
  for (const [key, value] of checkpoint.metadata) {
    judgeMetadataKey(key, source.name, into);
    if (Array.isArray(value) && /template/.test(key))
      for (const one of value.slice(0, 100)) if (typeof one === 'string') judgeTemplate(one, source.name, key, into);
    if (typeof value !== 'string') continue;
    judgeTemplate(value, source.name, key, into, /chat_template/.test(key));
    if (!/chat_template|license$|\.description$/.test(key)) judgeMetadata(key, value, source.name, into);
    judgeSecrets(value, source.name, key, into);
  }
  judge?.(source, checkpoint, into);
}

/** A source as a tree of its own. */
function only(source: ByteSource): FileTree {
  return {
    locator: source.name,
    name: source.name,
    kind: 'memory',
    files: [{ path: source.name, size: source.size }],
    findings: [],
    stats: source.stats,
    open: async () => source,
    async close() {},
  };
}
