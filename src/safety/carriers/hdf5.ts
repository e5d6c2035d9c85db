/**
 * HDF5 files, alone or in a `.keras` archive: Keras configurations in attributes, links and values that lead to other files.
 * Built from "HDF5 File Format Specification Version 3.0", IV.A.2.g (links, type 64: external), .h (external file list), .i (layout, class 3: virtual),
 * .w (attribute info). Sources: CVE-2025-9905, CVE-2026-1669.
 * @module
 */
import { type ByteSource, decodeLatin1, HeirloomError } from '../../base/index.ts';
import { type Hdf5File, type Hdf5Message, openHdf5, readGroup, readTextAttributes } from '../../weights/index.ts';
import { type Collector, report } from '../rules.ts';
import { commandIn } from './commands.ts';
import { judgeKerasConfig } from './keras.ts';

/** Groups and datasets looked at, and how deep they nest. (CWE-834, CWE-674) */
const MAX_OBJECTS = 200_000;
const MAX_DEPTH = 64;
/** Bytes searched when the structure cannot be read. */
const MAX_SEARCH = 16 << 20;
const MAX_TRIED = 20;
const EXTERNAL_FILES = 0x07;
const LAYOUT = 0x08;
const ATTRIBUTE_INFO = 0x15;

/** @throws SourceError */
export async function judgeHdf5(source: ByteSource, into: Collector): Promise<void> {
  let whole = false;
  try {
    const file = await openHdf5(source);
    const seen = new Set<number>();
    whole = await judgeObject(file, file.rootAddress, '', 0, seen, into);
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    report(into, error.code === 'WEIGHTS_NOT_READ_YET' ? 'not-read' : 'broken-file', error.where ?? { file: source.name }, error.message);
  }
  if (!whole) await searchHdf5(source, into);
}

/** @returns whether all of it was read. */
async function judgeObject(
  file: Hdf5File,
  address: number,
  name: string,
  depth: number,
  seen: Set<number>,
  into: Collector,
): Promise<boolean> {
  const { source } = file;
  if (seen.has(address)) return true;
  if (depth > MAX_DEPTH || seen.size >= MAX_OBJECTS) {
    report(into, 'not-read', { file: source.name, byte: address }, 'the file holds more groups than are looked into');
    return false;
  }
  seen.add(address);
  const messages = await file.messages(address);
  let whole = await judgeAttributes(file, messages, name, into);
  judgeStorage(source, messages, name, into);
  const group = await readGroup(file, messages);
  if (!group) return whole;
  for (const link of group.links)
    if (link.external)
      report(
        into,
        'external-path',
        { file: source.name, field: `${name}/${link.name}` },
        `"${name}/${link.name}" is a link into another file, which whoever reads it opens`,
      );
  for (const [member, at] of group.hard)
    whole = (await judgeObject(file, at, name ? `${name}/${member}` : member, depth + 1, seen, into)) && whole;
  return whole;
}

async function judgeAttributes(file: Hdf5File, messages: readonly Hdf5Message[], name: string, into: Collector): Promise<boolean> {
  const { source } = file;
  for (const [key, text] of await readTextAttributes(file, messages)) {
    const field = name ? `${name}@${key}` : key;
    if (/^\s*[{[]/.test(text) && /"class_name"|"module"/.test(text)) judgeKerasConfig(new TextEncoder().encode(text), source.name, into);
    else if (commandIn(text))
      report(
        into,
        'metadata-code',
        { file: source.name, field },
        `the attribute "${field}" reads like a command: ${JSON.stringify(text.slice(0, 80))}`,
      );
  }
  const dense = messages.find((message) => message.type === ATTRIBUTE_INFO);
  if (!dense) return true;
  const at = 2 + (dense.data.u8(1) & 1 ? 2 : 0);
  if (dense.data.u64(at) === -1) return true;
  report(into, 'not-read', { file: source.name, byte: dense.at }, `the attributes of "${name}" stand in a heap that is not read`);
  return false;
}

function judgeStorage(source: ByteSource, messages: readonly Hdf5Message[], name: string, into: Collector): void {
  const where = { file: source.name, field: name };
  const external = messages.find((message) => message.type === EXTERNAL_FILES);
  if (external)
    report(
      into,
      'external-path',
      { ...where, byte: external.at },
      `the values of "${name}" stand in other files, which whoever reads them opens`,
    );
  const layout = messages.find((message) => message.type === LAYOUT);
  // Version 4 has the class behind the version; class 3 puts a dataset together from datasets of other files.
  if (layout && layout.data.u8(0) >= 3 && layout.data.u8(1) === 3)
    report(into, 'external-path', { ...where, byte: layout.at }, `"${name}" is put together from datasets that may stand in other files`);
}

/** Configurations are plain text in the file, wherever its structure puts them: what cannot be walked is searched for them. */
export async function searchHdf5(source: ByteSource, into: Collector): Promise<void> {
  const text = decodeLatin1(await source.read(0, Math.min(source.size, MAX_SEARCH)));
  searchLinks(text, source.name, into);
  let end = 0;
  let tried = 0;
  for (const match of text.matchAll(/\{\s*"(class_name|module|config|name|registered_name|build_config|compile_config)"/g)) {
    if (match.index < end || ++tried > MAX_TRIED) continue;
    end = objectEnd(text, match.index);
    const bytes = Uint8Array.from(text.slice(match.index, end), (c) => c.charCodeAt(0));
    if (end > match.index) judgeKerasConfig(bytes, source.name, into);
  }
}

/** Messages of external links (type 64) among bytes: a name, then two texts that fill the length they state. */
function searchLinks(text: string, file: string, into: Collector): void {
  const code = (at: number): number => text.charCodeAt(at);
  for (const match of text.matchAll(/\x01[\x08\x0c\x18\x1c]\x40/g)) {
    const flags = code(match.index + 1);
    const at = match.index + 3 + (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
    const end = at + 1 + code(at);
    const length = code(end) + 256 * code(end + 1);
    const value = text.slice(end + 2, end + 2 + length);
    if (!/^\0[^\0]+\0[^\0]+\0$/.test(value)) continue;
    const [, other] = value.split('\0');
    return report(
      into,
      'external-path',
      { file, byte: match.index },
      `"${text.slice(at + 1, end)}" is a link into ${JSON.stringify(other!.slice(0, 100))}, which whoever reads it opens`,
    );
  }
}

/** Behind the brace that closes the object at `start`; `start` itself when none does. */
function objectEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const c = text[at];
    if (c === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
    } else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return at + 1;
  }
  return start;
}
