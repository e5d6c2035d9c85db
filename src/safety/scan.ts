/**
 * Scans files of a model: what would loading them run, reach or exhaust? Nothing is loaded, rendered or run.
 * @module
 */
import { type ByteSource, type FileTree, type Finding, HeirloomError, type Watch } from '../base/index.ts';
import { compressionOf, type Detected, detectBytes, isTarHeader, readZip } from '../weights/index.ts';
import { isMedia, isTextFile, judgeCompiled, judgeName, judgeShadow, judgeTextFile, promisedFormat } from './carriers/files.ts';
import { judgeSecrets } from './carriers/secrets.ts';
import { carry } from './carriers/table.ts';
import { isStartupFile } from './code.ts';
import { scanCompressed } from './compressed.ts';
import { contentName, type InnerKind, isText, MAX_DEPTH, type ScanInner } from './inner.ts';
import { scanTar } from './tar.ts';
import { scanZip } from './zip.ts';
import { hidesPickle, resync } from './pickle-behind.ts';
import { scanNpy } from './npy.ts';
import { mayBePickle } from './pickle-run.ts';
import { scanPickles } from './pickles.ts';
import { executableName, findProgram, isProgram, judgeHiddenProgram } from './programs.ts';
import { type Collector, newCollector, report, rulebook, verdictOf, worst } from './rules.ts';
import { newTurns, type Turn } from './turns.ts';
import type { FileSafety, SafetyReport } from './types.ts';

/** Text files looked at whole. */
const MAX_TEXT = 64 << 20;
/** A configuration that is asked one thing. */
const MAX_CONFIG = 1 << 20;
/** Bytes of a header searched for marks. */
const MAX_SEARCH = 8 << 20;
/** End record of a zip behind the longest comment. */
const MAX_ZIP_TAIL = 22 + 0xffff;
const TEXT_NAMES = /\.(json|ya?ml|jinja2?|j2|tmpl|tpl|template)$|template[^/]*\.txt$/i;
/** Names under which weights are expected; an empty file of that name was never written or downloaded. */
const WEIGHT_NAME = /\.(safetensors|gguf|onnx|pt|pth|bin|ckpt|h5|keras|npy|npz|pb|tflite|caffemodel|pkl|joblib)$/i;
/** Names under which only pickles are published; anything else there is a broken file. */
const PICKLE_NAMES = /\.(pkl|pickle|joblib|dill|pt|pth|ckpt|pkl\d?)$/i;

/** Files over this size wait for their turn before they are held whole. */
const MUCH = 4 << 20;
/** Git LFS pointers as they are written; one with more in it is looked at as what it is named. (git-lfs, docs/spec.md) */
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:[0-9a-f]{64}\nsize \d+\n$/;

/** Files scanned at the same time. */
const AT_ONCE = 4;

/**
 * Files in a row that a server did not give before the others are not asked for: each costs several tries, and a dead server
 * would be asked for hours.
 */
const MAX_REFUSED = 8;

/**
 * Scans every file of a tree, several at once; the answer is in the tree's order. A file whose bytes cannot be had is
 * unreadable, has the error, and does not keep the others from being judged. @throws only when the caller gave up.
 */
export async function scanTree(tree: FileTree, watch: Watch = {}): Promise<SafetyReport> {
  const files: FileSafety[] = [];
  let next = 0;
  let done = 0;
  let refused = 0;
  let lastError: HeirloomError | undefined;
  const total = tree.files.length;
  const turns = newTurns();
  const tryFile = async (path: string): Promise<FileSafety> => {
    if (lastError && refused >= MAX_REFUSED) return unavailable(path, lastError);
    try {
      const file = await scanInTurn(tree, path, turns(), watch.signal);
      refused = 0;
      return file;
    } catch (error) {
      // The others end what they have begun: the caller closes the tree next.
      if (watch.signal?.aborted || !(error instanceof HeirloomError)) next = total;
      watch.signal?.throwIfAborted();
      if (!(error instanceof HeirloomError)) throw error;
      if (error.code === 'SOURCE_HTTP') refused += 1;
      lastError = error;
      return unavailable(path, error);
    }
  };
  // Files wait for bytes from disk or network; a few at once keep it busy and memory bounded.
  const worker = async (): Promise<void> => {
    for (let at = next++; at < total; at = next++) {
      watch.signal?.throwIfAborted();
      const { path } = tree.files[at]!;
      watch.onProgress?.({ what: `scanning ${path}`, done, total });
      files[at] = await tryFile(path);
      done += 1;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, total) }, worker));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
  return { verdict: worst(files.map((file) => file.verdict)), files };
}

async function unavailable(path: string, error: HeirloomError): Promise<FileSafety> {
  const into = newCollector(await rulebook(), 0);
  report(into, 'unavailable', { file: path }, error.message);
  return { path, format: 'unknown', verdict: verdictOf(into), findings: into.findings, error: error.toJSON() };
}

/** Scans one file. What cannot be read is a finding and the verdict `unreadable`. @throws SourceError when bytes cannot be had. */
export function scanFile(tree: FileTree, path: string): Promise<FileSafety> {
  return scanInTurn(tree, path);
}

async function scanInTurn(tree: FileTree, path: string, turn?: Turn, signal?: AbortSignal): Promise<FileSafety> {
  const source = await tree.open(path);
  const into = newCollector(await rulebook(), source.size, turn, signal);
  try {
    const format = await scanTop(tree, source, into).catch((error: unknown) => brokenFile(error, source, into));
    // Marks of other formats can stand in a pickle, and no name keeps a loader from reading one.
    if (format !== 'pickle' && (await hidesPickle(source, into))) await scanPickles(source, into);
    const imports = [...into.imports];
    return { path, format, verdict: verdictOf(into), findings: into.findings, ...(imports.length > 0 && { imports }) };
  } finally {
    turn?.end();
  }
}

async function brokenFile(error: unknown, source: ByteSource, into: Collector): Promise<string> {
  if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
  report(into, 'broken-file', error.where ?? { file: source.name }, error.message);
  return detectBytes(await source.read(0, Math.min(source.size, 1024)), source.size, source.name);
}

async function scanTop(tree: FileTree, source: ByteSource, into: Collector): Promise<string> {
  const head = await source.read(0, Math.min(source.size, 1024));
  const path = source.name;
  const detected = detectBytes(head, source.size, path);
  judgeName(path, detected, into);
  // What stands in for a file that was never downloaded is harmless, and says nothing about the file.
  if (detected === 'lfs-pointer') {
    report(into, 'unavailable', { file: path, byte: 0 }, 'the file is a Git LFS pointer; what it points to is not here');
    if (source.size === head.length && POINTER.test(new TextDecoder().decode(head))) return detected;
  }
  if (detected === 'html' && WEIGHT_NAME.test(path))
    report(into, 'unavailable', { file: path, byte: 0 }, 'the file is named as weights and is a web page, as failed downloads are');
  judgeShadow(path, into);
  const text = await scanText(tree, source, head, detected, into);
  if (text) return text;
  if (/(^|\/)keras_metadata\.pb$/.test(path)) {
    await (await import('./carriers/graphdef.ts')).judgeKerasMetadata(source, into);
    return 'protobuf';
  }
  if (/(^|\/)saved_model\.pb$/.test(path) && ['unknown', 'onnx', 'caffe'].includes(detected)) {
    await (await import('./carriers/graphdef.ts')).judgeGraphDef(source, into);
    return 'tf-graphdef';
  }
  if (/\.meta$/i.test(path) && !isText(head)) await (await import('./carriers/graphdef.ts')).judgeMeta(source, into);
  if (/\.pyc$/i.test(path) && source.size <= MAX_SEARCH) {
    judgeCompiled(await source.read(0, source.size), path, into);
    return 'python';
  }
  if (WEIGHT_NAME.test(path) && isProgram(head))
    report(into, 'program-as-weights', { file: path, byte: 0 }, `the file is named as weights and is ${executableName(head)!}`);
  if (await carry(detected, source, tree, into)) return detected;
  if (detected === 'unknown' && WEIGHT_NAME.test(path)) await judgeHiddenProgram(source, into);
  const promised = promisedFormat(path);
  const message =
    promised === 'protobuf' && detected === 'unknown' && (await (await import('./carriers/onnx.ts')).judgeMessage(source, into));
  // Fields stand in any order: a graph need not begin with a node.
  if (message) {
    const trial: Collector = { ...into, findings: [] };
    await (await import('./carriers/graphdef.ts')).judgeGraphDef(source, trial);
    await (await import('./carriers/onnx.ts')).judgeOnnx(source, null, trial);
    into.findings.push(...trial.findings.filter((one) => one.rule !== 'safety/broken-file'));
  }
  if (detected === 'unknown' && promised && !message)
    report(into, 'broken-file', { file: path, byte: 0 }, `the file is named as ${promised} and does not begin like it`);
  const format = await scanSource(source, into, 0, { torchscript: false, mixed: false });
  if (promised === 'HDF5' && detected === 'unknown') await (await import('./carriers/hdf5.ts')).searchHdf5(source, into);
  if (format === 'unknown' && into.findings.length === 0 && !isMedia(path))
    report(into, 'unknown-content', { file: path, byte: 0 }, 'the file is in no format known here');
  return format;
}

/** `vocab_size` of the configuration beside a tokenizer; that it cannot be had is told where it is scanned itself. */
async function embeddingRows(tree: FileTree, path: string): Promise<number | undefined> {
  const config = path.replace(/tokenizer\.json$/, 'config.json');
  const entry = tree.files.find((one) => one.path === config);
  if (!entry || entry.size > MAX_CONFIG) return undefined;
  const bytes = await tree
    .open(config)
    .then((source) => source.read(0, entry.size))
    .catch(() => new Uint8Array(0));
  const text = new TextDecoder().decode(bytes);
  const found = /"vocab_size"\s*:\s*(\d{1,9})\b/.exec(text);
  return found ? Number(found[1]) : undefined;
}

/** Formats that no text is in, whatever the file is called. */
function isBinary(detected: Detected): boolean {
  return !['unknown', 'json', 'empty', 'html', 'lfs-pointer', 'tfjs'].includes(detected);
}

/** Texts beside weights. @returns the format; null when the file is none of them. */
async function scanText(tree: FileTree, source: ByteSource, head: Uint8Array, detected: Detected, into: Collector): Promise<string | null> {
  const path = source.name;
  const text = isText(head);
  if (/\.pth$/i.test(path) && text && source.size <= MAX_SEARCH) {
    if (!isStartupFile(new TextDecoder().decode(await source.read(0, source.size)))) return null;
    report(into, 'startup-file', { file: path, byte: 0 }, 'the file is Python start-up code, not weights');
    return 'text';
  }
  if (TEXT_NAMES.test(path) && source.size <= MAX_TEXT && !isBinary(detected)) {
    const rows = /(^|\/)tokenizer\.json$/.test(path) ? await embeddingRows(tree, path) : undefined;
    if (source.size > MUCH) await into.turn?.take();
    const { judgeText } = await import('./text.ts');
    await judgeText(await source.read(0, source.size), path, into, rows);
    // What is in no text's letters may be another thing under a text's name.
    return text || source.size === 0 || head.includes(0) ? (/\.json$/i.test(path) ? 'json' : 'text') : null;
  }
  if ((TEXT_NAMES.test(path) && source.size > MAX_TEXT) || (/\.(pyw?|ipynb|sh|ps1|bat)$/i.test(path) && source.size > MAX_SEARCH))
    report(into, 'not-read', { file: path }, `${path} is ${source.size} bytes of text, more than is looked into`);
  if (!isTextFile(path) || isBinary(detected) || (executableName(head) && !text) || source.size > MAX_SEARCH) return null;
  const bytes = await source.read(0, source.size);
  const decoded = new TextDecoder().decode(bytes);
  judgeSecrets(decoded, path, '', into);
  judgeTextFile(bytes, decoded, path, into);
  return /\.pyw?$/i.test(path) ? 'python' : 'text';
}

/** What any bytes are: by content, never by name. @returns the format. */
async function scanSource(source: ByteSource, into: Collector, depth: number, kind: InnerKind): Promise<string> {
  // What tells by its name does so by the one it had before it was compressed.
  const name = contentName(source.name);
  if (source.size === 0) {
    if (WEIGHT_NAME.test(name)) report(into, 'broken-file', { file: source.name, byte: 0 }, `${name} is empty`);
    return 'empty';
  }
  const head = await source.read(0, Math.min(source.size, 1024));
  const format = detectBytes(head, source.size, name);
  if (depth > MAX_DEPTH) {
    report(into, 'not-read', { file: source.name }, `archives nest deeper than ${MAX_DEPTH}`);
    return format;
  }
  const inner: ScanInner = async (member, collector, at, of) => {
    let found = '';
    try {
      found = await scanSource(member, collector, at, of);
    } finally {
      if (found !== 'pickle' && (await hidesPickle(member, collector))) await scanPickles(member, collector, of);
    }
  };
  if (format === 'zip') return scanZip(source, into, depth, inner);
  if (format === 'tar' || ((format === 'unknown' || format === 'pickle') && isTarHeader(head))) {
    await scanTar(source, into, depth, inner);
    // A first name may begin like a pickle; loaders that know no tar read one.
    if (format !== 'pickle') return 'tar';
  }
  if (/\.(zip|npz|keras)$/i.test(name) && !(await endsLikeZip(source)) && !compressionOf(head))
    report(into, 'broken-file', { file: source.name, byte: 0 }, `${name} is no zip archive`);
  else if (depth === 0 && format !== 'keras-h5') await scanZipTail(source, into, inner);
  if (format === 'npy') {
    await scanNpy(source, into);
    return 'npy';
  }
  if (await carry(format, source, null, into)) return format;
  if (format === 'html' || format === 'lfs-pointer') return format;
  const compression = await scanCompressed(source, head, into, depth, inner);
  if (compression) return compression;
  if (format === 'pickle' || PICKLE_NAMES.test(name) || (await looksLikePickle(source, head, into))) {
    await scanPickles(source, into, { ...kind, depth, scanInside: (inside) => scanSource(inside, into, depth + 1, kind).then(() => {}) });
    return 'pickle';
  }
  // An import in the middle of what looks like text: a pickle behind a comment or a broken one.
  if (depth > 0) await resync(source, 0, into, { ...kind, text: isText(head) });
  const program = depth > 0 && isText(head) ? null : executableName(head);
  if (program && program !== 'a zip archive') report(into, 'executable', { file: source.name, byte: 0 }, `the file begins like ${program}`);
  else if (!program && !isText(head)) await findProgram(source, into);
  return isText(head) ? 'text' : format;
}

async function endsLikeZip(source: ByteSource): Promise<boolean> {
  const size = Math.min(source.size, MAX_ZIP_TAIL);
  const tail = await source.read(source.size - size, size);
  for (let at = tail.lastIndexOf(0x50); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(0x50, at - 1))
    if (tail[at + 1] === 0x4b && tail[at + 2] === 5 && tail[at + 3] === 6) return true;
  return false;
}

/** A file of another format with a zip archive at its end is two files: readers of zip look at the end first. */
async function scanZipTail(source: ByteSource, into: Collector, inner: ScanInner): Promise<void> {
  if (source.size < 22 || !(await endsLikeZip(source))) return;
  const trial: Collector = { ...into, findings: [] };
  let whole = false;
  try {
    whole = (await readZip(source)).suffixBytes === 0;
    await scanZip(source, trial, 0, inner);
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    return;
  }
  // An archive among the bytes of a pickle is data, and judged for what is in it.
  if (whole) report(into, 'archive-differs', { file: source.name }, `${source.name} does not begin like a zip archive and ends like one`);
  into.findings.push(...trial.findings.filter((one) => whole || /^safety\/pickle-/.test(one.rule)));
}

/** Old pickles have no mark: bytes that decode and import something are one. */
async function looksLikePickle(source: ByteSource, head: Uint8Array, into: Collector): Promise<boolean> {
  if (!mayBePickle(head)) return false;
  const trial: Collector = { ...into, findings: [] };
  await scanPickles(source, trial);
  const broken = trial.findings.find((one: Finding) => one.rule === 'safety/pickle-broken');
  // Raw numbers begin with any byte, also with one that takes an import from a registry; a call is no accident.
  const tells = (one: Finding): boolean =>
    one.rule === 'safety/pickle-dangerous-global' ||
    (one.rule === 'safety/pickle-unresolved-global' && one.evidence?.['argument'] !== undefined);
  return !broken || trial.findings.some(tells);
}
