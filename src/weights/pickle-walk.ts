/**
 * Finds tensors, and the words and numbers beside them, anywhere in an unpickled object.
 * @module
 */
import type { MetaValue } from './types.ts';
import { WeightsError } from './types.ts';
import { MAX_TENSORS } from './checkpoint.ts';
import { calleeName, dictEntries, objectArrayItems, sequenceItems, type TensorClaim, tensorClaim } from './pickle-objects.ts';
import { isObject, type PickleCall, type PickleObject, type PicklePersistent, type PickleValue } from './pickle-values.ts';

/** Objects looked at; each is looked at once, so shared and cyclic objects cost nothing twice. (CWE-834) */
const MAX_VISITS = 20_000_000;
/** Objects waiting to be looked at. (CWE-770) */
const MAX_PENDING = 2_000_000;
/** Keys on the way to a tensor. (CWE-674) */
const MAX_DEPTH = 200;
/** Characters of one name, and of all names together. (CWE-770) */
const MAX_NAME = 2048;
const MAX_NAMES = 64 << 20;
/** Words and numbers kept beside the tensors, and the length of one. */
const MAX_METADATA = 10_000;
const MAX_TEXT = 64 << 10;
const MAX_UNREAD = 1000;
/** Longer lists of numbers are walked item by item only for tensors. */
const MAX_LIST = 64;

export interface FoundTensor {
  readonly name: string;
  readonly claim: TensorClaim;
}
export interface Found {
  readonly tensors: readonly FoundTensor[];
  readonly metadata: Map<string, MetaValue>;
  /** Values we do not read (sparse, nested, object storages): callee and path, at most `MAX_UNREAD`. */
  readonly unread: readonly { readonly callee: string; readonly path: string }[];
  /** Names that stood twice and were numbered. */
  readonly renamed: readonly string[];
}

interface Place {
  readonly value: PickleValue;
  readonly parent: Place | null;
  /** '' for levels that add nothing to a name. */
  readonly segment: string;
  readonly depth: number;
  /** Whether the holder is a Python object and its keys are attributes. */
  readonly attribute: boolean;
  /** Bookkeeping whose words and numbers say nothing about the model. */
  readonly quiet: boolean;
}

/** Containers that hold a whole model and nothing else; the names inside them are the model's own. */
const HOLDERS: ReadonlySet<string> = new Set([
  'state_dict',
  'model_state_dict',
  'model',
  'module',
  'net',
  'network',
  'params',
  'params_ema',
  'model_state',
]);
/** Attributes of a pickled `torch.nn.Module` that its own `state_dict()` leaves out of names. */
const MODULE_LEVELS: ReadonlySet<string> = new Set(['_parameters', '_buffers', '_modules']);

/**
 * @param persistent says which tensor a persistent id stands for, where ids stand for tensors (torch's tar files).
 * A tensor's name is the path of keys to it joined by '.'. One outermost key is left out when it is a known
 * holder (`state_dict`, `model`...) and all tensors are inside it; this repeats for holders in holders.
 * @throws WeightsError `WEIGHTS_LIMIT`
 */
export function findTensors(root: PickleValue, file: string, persistent?: (id: PicklePersistent) => TensorClaim | null): Found {
  const leaves: { place: Place; claim: TensorClaim }[] = [];
  const notes: { place: Place; value: MetaValue }[] = [];
  const unread: { callee: string; path: string }[] = [];
  const seen = new Set<PickleObject>();
  const stack: Place[] = [{ value: root, parent: null, segment: '', depth: 0, attribute: false, quiet: false }];
  let visits = 0;
  while (stack.length > 0) {
    const place = stack.pop()!;
    if (++visits > MAX_VISITS)
      throw new WeightsError('WEIGHTS_LIMIT', `${file}: the pickled object has more than ${MAX_VISITS} parts`, { where: { file } });
    const { value } = place;
    const claim = isObject(value) && value.kind === 'persistent' ? (persistent?.(value) ?? null) : tensorClaim(value);
    if (claim) {
      leaves.push({ place, claim });
      if (leaves.length > MAX_TENSORS)
        throw new WeightsError('WEIGHTS_LIMIT', `${file} refers to more than ${MAX_TENSORS} tensors`, { where: { file } });
      continue;
    }
    const meta = isObject(value) ? metaValue(value) : undefined;
    if (meta !== undefined) {
      if (!place.quiet && place.segment !== '' && notes.length < MAX_METADATA) notes.push({ place, value: meta });
      continue;
    }
    if (!isObject(value) || seen.has(value)) continue;
    seen.add(value);
    if (value.kind === 'call' && HOLDS_VALUES.test(calleeName(value)) && !objectArrayItems(value) && unread.length < MAX_UNREAD)
      unread.push({ callee: calleeName(value), path: pathOf(place, 0) });
    if (place.depth >= MAX_DEPTH) continue;
    const inner = children(value);
    const at = (i: number): Place => {
      const key = inner[i] as string;
      const segment = place.attribute && MODULE_LEVELS.has(key) ? '' : key;
      const quiet =
        place.quiet ||
        segment.startsWith('_') ||
        segment.startsWith('args.') ||
        (value.kind === 'call' && QUIET_CALLS.test(calleeName(value)));
      return {
        value: inner[i + 1]!,
        parent: place,
        segment,
        depth: place.depth + 1,
        attribute: value.kind === 'call' && key === '',
        quiet,
      };
    };
    // Plain values are noted here: a vocabulary of millions must not become millions of places.
    for (let i = 0; i < inner.length && notes.length < MAX_METADATA; i += 2) {
      const meta = isObject(inner[i + 1]) ? undefined : metaValue(inner[i + 1]!);
      if (meta === undefined || meta === null || inner[i] === 'training' || inner[i] === '') continue;
      const noted = at(i);
      if (!noted.quiet) notes.push({ place: noted, value: meta });
    }
    for (let i = inner.length - 2; i >= 0; i -= 2) if (isObject(inner[i + 1])) stack.push(at(i));
    if (stack.length > MAX_PENDING)
      throw new WeightsError('WEIGHTS_LIMIT', `${file}: one container of the pickled object has over ${MAX_PENDING} objects`, {
        where: { file },
      });
  }
  return { ...nameAll(leaves, file), metadata: nameNotes(notes), unread };
}

/** dtypes and scalars of NumPy. */
const QUIET_CALLS = /^numpy\.(dtype$|_?core\.multiarray\.scalar$)/;
const HOLDS_VALUES =
  /^torch\._utils\._rebuild_|^torch\.storage\._load_from_bytes$|^torch\._tensor\._rebuild|multiarray\._reconstruct$|\._frombuffer$/;

/** Flat list of key, value. */
function children(value: PickleObject): PickleValue[] {
  const out: PickleValue[] = [];
  const entries = dictEntries(value);
  if (entries) {
    for (let i = 0; i + 1 < entries.length; i += 2) out.push(keyText(entries[i]!), entries[i + 1]!);
    return out;
  }
  const array = objectArrayItems(value);
  const items = array?.items ?? sequenceItems(value);
  // `np.save` of a dict is an object array without axes: the dict is the array.
  if (items) return items.flatMap((item, i) => [array && array.shape.length === 0 ? '' : String(i), item]);
  if (value.kind !== 'call') return out;
  out.push(...callChildren(value));
  return out;
}

/** A Python object: its attributes, then what a container class would have been filled with, then arguments. */
function callChildren(call: PickleCall): PickleValue[] {
  const out: PickleValue[] = [];
  const state = isObject(call.state) && call.state.kind === 'tuple' ? call.state.items : [call.state];
  for (const part of state) if (part !== undefined) out.push('', part);
  for (let i = 0; call.entries && i + 1 < call.entries.length; i += 2) out.push(keyText(call.entries[i]!), call.entries[i + 1]!);
  (call.items ?? []).forEach((item, i) => out.push(String(i), item));
  (sequenceItems(call.args) ?? []).forEach((item, i) => out.push(`args.${i}`, item));
  return out;
}

function keyText(key: PickleValue): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key);
  const parts = isObject(key) && key.kind === 'tuple' ? key.items : null;
  return parts
    ? `(${parts
        .slice(0, 8)
        .map((part) => (isObject(part) ? '?' : String(part)))
        .join(',')})`
    : key === null
      ? 'None'
      : '?';
}

function metaValue(value: PickleValue): MetaValue | undefined {
  if (typeof value === 'string') return value.length <= MAX_TEXT ? value : undefined;
  if (typeof value === 'bigint') return String(value);
  if (!isObject(value)) return value;
  if ((value.kind !== 'list' && value.kind !== 'tuple') || value.items.length > MAX_LIST || value.items.length === 0) return undefined;
  const flat = value.items.map((item) => (isObject(item) ? undefined : metaValue(item)));
  return flat.every((item) => item !== undefined) ? (flat as MetaValue[]) : undefined;
}

function segmentsOf(place: Place): string[] {
  const segments: string[] = [];
  for (let at: Place | null = place; at; at = at.parent) if (at.segment !== '') segments.unshift(at.segment);
  return segments;
}
function pathOf(place: Place, strip: number): string {
  return segmentsOf(place).slice(strip).join('.');
}

function nameAll(leaves: readonly { place: Place; claim: TensorClaim }[], file: string): { tensors: FoundTensor[]; renamed: string[] } {
  const strip = sharedHolders(leaves.map((leaf) => leaf.place));
  const names = new Map<string, number>();
  const renamed: string[] = [];
  let total = 0;
  const tensors = leaves.map(({ place, claim }) => {
    let name = pathOf(place, strip);
    total += name.length;
    if (name.length > MAX_NAME || total > MAX_NAMES)
      throw new WeightsError(
        'WEIGHTS_LIMIT',
        `${file}: tensor names are longer than ${MAX_NAME} characters each or ${MAX_NAMES} together`,
        { where: { file } },
      );
    if (name === '') name = 'tensor';
    const plain = name;
    for (let n = names.get(plain) ?? 1; names.has(name); n++) {
      name = `${plain}#${n + 1}`;
      names.set(plain, n + 1);
    }
    if (name !== plain) renamed.push(plain);
    names.set(name, 1);
    return { name, claim };
  });
  return { tensors, renamed };
}

/** How many outermost keys all tensors share and are holders; at least one key stays. */
function sharedHolders(places: readonly Place[]): number {
  const first = places[0] && segmentsOf(places[0]);
  if (!first) return 0;
  let strip = 0;
  while (strip < first.length - 1 && HOLDERS.has(first[strip]!)) strip++;
  for (const place of places) {
    if (strip === 0) return 0;
    const segments = segmentsOf(place);
    let same = 0;
    while (same < strip && same < segments.length - 1 && segments[same] === first[same]) same++;
    strip = same;
  }
  return strip;
}

function nameNotes(notes: readonly { place: Place; value: MetaValue }[]): Map<string, MetaValue> {
  const out = new Map<string, MetaValue>();
  for (const { place, value } of notes) {
    const path = pathOf(place, 0);
    if (path.length <= MAX_NAME && !out.has(path)) out.set(path, value);
  }
  return out;
}
