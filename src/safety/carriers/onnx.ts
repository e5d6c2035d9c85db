/**
 * ONNX: where values come from, wherever in the graph a tensor stands, and what nodes need beside ONNX.
 * Built from onnx.proto of ONNX 1.23; rules of onnx `checker.cc` and `external_data_helper.py`.
 * Sources: CVE-2022-25882, CVE-2024-27318, CVE-2025-51480, CVE-2026-27489, CVE-2026-34446; ONNX Runtime's sparse initializers.
 * @module
 */
import { type ByteSource, type FileTree, HeirloomError } from '../../base/index.ts';
import { openCheckpoint, type ProtoField, protoReader, type ProtoReader, sliceSource } from '../../weights/index.ts';
import { scanPickles } from '../pickles.ts';
import { type Collector, report } from '../rules.ts';
import { judgeMetadata } from './commands.ts';

/** Graphs in graphs. (CWE-674) */
const MAX_GRAPHS = 16;
/** A text that is looked at; documentation and class lists are shorter. */
const MAX_TEXT = 1 << 20;
const KEYS = new Set(['location', 'offset', 'length', 'checksum', 'basepath']);
/** Operators that run a script or a program by name. */
const SCRIPTS =
  /[Pp]ython|Py(Op|Func|Call)|^Py[A-Z]\w*Op$|py_(op|func|call)|Script(Op)?$|ScriptExec|Lua(Op|Func)?$|Shell|[Ss]ubprocess|System(Call)?$|Popen|^(Exec|Execute|Eval)$/;
const DOMAINS =
  /^(|ai\.onnx(\..*)?|com\.microsoft(\..*)?|com\.ms\.internal\.nhwc|org\.pytorch(\..*)?|pkg\.(onnxscript|torch)(\..*)?|ai\.onnx\.contrib|aten|onnxscript\..*)$/;

interface Look {
  readonly reader: ProtoReader;
  readonly source: ByteSource;
  readonly tree: FileTree | null;
  readonly into: Collector;
  readonly custom: Map<string, { readonly op: string; readonly byte: number; count: number }>;
  readonly functions: Set<string>;
  readonly scripts: { readonly domain: string; readonly op: string; readonly byte: number }[];
  readonly pickles: { readonly start: number; readonly end: number }[];
}
function newLook(source: ByteSource, tree: FileTree | null, into: Collector): Look {
  return { reader: protoReader(source), source, tree, into, custom: new Map(), functions: new Set(), scripts: [], pickles: [] };
}
type Range = { readonly start: number; readonly end: number };

/** @param tree that holds the file; null for a member of an archive. */
export async function judgeOnnx(source: ByteSource, tree: FileTree | null, into: Collector): Promise<void> {
  const look = newLook(source, tree, into);
  try {
    await judgeModel(look);
  } catch (error) {
    tell(error, source, into);
  }
  for (const { domain, op, byte } of look.scripts)
    if (domain === '' || !look.functions.has(domain))
      report(
        into,
        'onnx-python-operator',
        { file: source.name, byte },
        `the graph names the operator ${domain ? `${domain}.` : ''}${op}, which runs a script by name`,
      );
  for (const [domain, { op, byte, count }] of look.custom)
    if (!look.functions.has(domain))
      report(
        into,
        'custom-operator',
        { file: source.name, byte },
        `${count} nodes need operators of "${domain}" (${op}…), which are not part of ONNX`,
      );
  for (const { start, end } of look.pickles) {
    report(into, 'pickle-in-pickle', { file: source.name, byte: start }, `${end - start} bytes at byte ${start} of a node are a pickle`);
    await scanPickles(sliceSource(source, start, end - start, `${source.name}!bytes@${start}`), into);
  }
  if (tree) await judgeTensors(tree, source, into);
}

/**
 * A protobuf message of no model: inputs and outputs beside ONNX models are tensors alone, fingerprints stand beside SavedModels.
 * @returns whether it is a message to its end; as a tensor it is judged then.
 */
export async function judgeMessage(source: ByteSource, into: Collector): Promise<boolean> {
  const trial: Collector = { ...into, findings: [] };
  const look = newLook(source, null, trial);
  try {
    await judgeTensor(look, { start: 0, end: source.size, tag: 0 });
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    return false;
  }
  // Other messages have other things in these fields.
  into.findings.push(...trial.findings.filter((one) => one.rule === 'safety/external-path'));
  return source.size > 0;
}

/** What the reader of weights refuses: values that do not fit, names that stand twice. */
async function judgeTensors(tree: FileTree, source: ByteSource, into: Collector): Promise<void> {
  try {
    const { findings } = await openCheckpoint(tree, source.name);
    const missing = findings.find((one) => one.rule === 'weights/external-data-missing');
    if (missing) report(into, 'external-missing', missing.where, missing.what);
  } catch (error) {
    // Paths are judged above, by every key and in every place.
    if (error instanceof HeirloomError && error.code === 'WEIGHTS_PATH') return;
    tell(error, source, into);
  }
}

function tell(error: unknown, source: ByteSource, into: Collector): void {
  if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
  if (error.code === 'WEIGHTS_NOT_READ_YET' || error.code === 'WEIGHTS_MISSING_FILE') return;
  if (into.findings.some((one) => one.what === error.message)) return;
  report(into, 'broken-file', error.where ?? { file: source.name }, error.message);
}

async function judgeModel(look: Look): Promise<void> {
  const { reader, source } = look;
  const properties: [string, string][] = [];
  await reader.walk(0, source.size, (field) => {
    if (field.wire !== 2) return undefined;
    if (field.number === 7) return judgeGraph(look, field, 0);
    if (field.number === 14) return entry(look, field).then((property) => void properties.push(property));
    if (field.number === 20)
      return reader.walk(field.start, field.end, (part) =>
        (part.number === 1 || part.number === 2) && part.wire === 2 ? judgeGraph(look, part, 0) : undefined,
      );
    return field.number === 25 ? judgeFunction(look, field) : undefined;
  });
  for (const [key, value] of properties) judgeMetadata(key, value, source.name, look.into);
}

async function judgeFunction(look: Look, range: Range): Promise<void> {
  await look.reader.walk(range.start, range.end, (field) => {
    if (field.wire !== 2) return undefined;
    if (field.number === 10) look.functions.add(look.reader.text(field));
    if (field.number === 7) return judgeNode(look, field, 0);
    return field.number === 11 ? judgeAttribute(look, field, '', 0) : undefined;
  });
}

async function judgeGraph(look: Look, range: Range, depth: number): Promise<void> {
  if (depth > MAX_GRAPHS)
    return report(look.into, 'not-read', { file: look.source.name, byte: range.start }, `graphs nest deeper than ${MAX_GRAPHS}`);
  await look.reader.walk(range.start, range.end, (field) => {
    if (field.wire !== 2) return undefined;
    if (field.number === 1) return judgeNode(look, field, depth);
    if (field.number === 5) return judgeTensor(look, field);
    return field.number === 15 ? judgeSparse(look, field) : undefined;
  });
}

async function judgeNode(look: Look, range: ProtoField, depth: number): Promise<void> {
  let op = '';
  let domain = '';
  const attributes: Range[] = [];
  await look.reader.walk(range.start, range.end, (field) => {
    if (field.wire !== 2) return;
    if (field.number === 4) op = look.reader.text(field);
    else if (field.number === 7) domain = look.reader.text(field);
    else if (field.number === 5) attributes.push({ start: field.start, end: field.end });
  });
  if (SCRIPTS.test(op)) {
    if (look.scripts.length < 1000) look.scripts.push({ domain, op, byte: range.tag });
  } else if (!DOMAINS.test(domain)) {
    const known = look.custom.get(domain);
    if (known) known.count++;
    else if (look.custom.size < 1000) look.custom.set(domain, { op, byte: range.tag, count: 1 });
  }
  for (const attribute of attributes) await judgeAttribute(look, attribute, op, depth);
}

async function judgeAttribute(look: Look, range: Range, op: string, depth: number): Promise<void> {
  let name = '';
  await look.reader.walk(range.start, range.end, async (field) => {
    if (field.wire !== 2) return;
    switch (field.number) {
      case 1:
        name = look.reader.text(field);
        return;
      case 4:
      case 9: {
        const head = await look.source.read(field.start, Math.min(2, field.end - field.start));
        const last = field.end > field.start ? await look.source.read(field.end - 1, 1) : head;
        if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5 && last[0] === 0x2e && look.pickles.length < 100) look.pickles.push(field);
        // ONNX Runtime reads a compiled program from the path in an EPContext node.
        else if (op === 'EPContext' && name === 'ep_cache_context' && field.end - field.start < 4096)
          judgeLocation(
            look,
            new TextDecoder().decode(await look.source.read(field.start, field.end - field.start)),
            'ep_cache_context',
            field.tag,
          );
        return;
      }
      case 5:
      case 10:
        return judgeTensor(look, field);
      case 6:
      case 11:
        return judgeGraph(look, field, depth + 1);
      case 22:
      case 23:
        return judgeSparse(look, field);
    }
  });
}

async function judgeSparse(look: Look, range: Range): Promise<void> {
  await look.reader.walk(range.start, range.end, async (field) => {
    if ((field.number === 1 || field.number === 2) && field.wire === 2) await judgeTensor(look, field);
  });
}

async function entry(look: Look, range: Range): Promise<[string, string]> {
  let key = '';
  let value = '';
  await look.reader.walk(range.start, range.end, async (field) => {
    if (field.number === 1) key = look.reader.text(field);
    if (field.number === 2 && field.wire === 2) value = await look.reader.longText(field, MAX_TEXT);
  });
  return [key, value];
}

async function judgeTensor(look: Look, range: Range & { readonly tag: number }): Promise<void> {
  let name = '';
  let external = false;
  const entries: [string, string][] = [];
  await look.reader.walk(range.start, range.end, async (field) => {
    if (field.number === 8 && field.wire === 2) name = look.reader.text(field);
    else if (field.number === 14) external = field.value === 1;
    else if (field.number === 13 && field.wire === 2 && entries.length < 100) entries.push(await entry(look, field));
  });
  if (!external && entries.length === 0) return;
  const where = { file: look.source.name, byte: range.tag, field: name };
  const keys = new Map<string, string>();
  for (const [key, value] of entries) {
    if (!KEYS.has(key))
      report(
        look.into,
        'broken-file',
        where,
        `tensor "${name}" gives its external values the unknown key ${JSON.stringify(key.slice(0, 60))}`,
      );
    if (keys.has(key) && keys.get(key) !== value)
      report(look.into, 'broken-file', where, `tensor "${name}" gives "${key}" of its external values twice`);
    keys.set(key, value);
  }
  // Every spelling is looked at: which of two equal keys a reader keeps is its own affair.
  for (const [key, value] of entries) if (key === 'location' || key === 'basepath') judgeLocation(look, value, name, range.tag);
  if (external && !keys.has('location'))
    report(look.into, 'broken-file', where, `tensor "${name}" keeps its values in another file and does not say which`);
  for (const key of ['offset', 'length'] as const)
    if (keys.has(key) && !/^\d{1,19}$/.test(keys.get(key)!))
      report(
        look.into,
        'broken-file',
        where,
        `tensor "${name}" gives its external values the impossible ${key} ${JSON.stringify(keys.get(key)!.slice(0, 40))}`,
      );
}

/** A path must stay in the model's folder on every system; a detour through `..` that comes back is only odd. */
function judgeLocation(look: Look, location: string, name: string, byte: number): void {
  const where = { file: look.source.name, byte, field: name };
  const shown = JSON.stringify(location.slice(0, 120));
  const parts = location.split(/[\\/]/);
  let depth = 0;
  let leaves = /^[\\/~]|^[a-z]:|:\/\/|\0/i.test(location);
  for (const part of parts) {
    if (part === '..') depth--;
    else if (part !== '.' && part !== '') depth++;
    if (depth < 0) leaves = true;
  }
  const folder = look.source.name.slice(0, look.source.name.lastIndexOf('/') + 1);
  const path = folder + parts.filter((part) => part !== '.' && part !== '').join('/');
  if (look.tree?.findings.some((one) => one.rule === 'sources/link-outside' && one.where.file === path)) leaves = true;
  const links = look.tree?.files.find((one) => one.path === path)?.links ?? 1;
  if (links > 1)
    report(look.into, 'external-path-odd', where, `tensor "${name}" reads its values from ${shown}, which has ${links} names on this disk`);
  if (leaves) report(look.into, 'external-path', where, `tensor "${name}" reads its values from ${shown}, outside the model's folder`);
  else if (parts.includes('..') || location.includes('\\'))
    report(look.into, 'external-path-odd', where, `tensor "${name}" reads its values from ${shown}, which goes up and comes back`);
}
