/**
 * What was rearranged so that the function stays and slots no longer agree: rows, heads, scales, changes of basis.
 * Each is undone on its own matrices; a hidden space that was rotated or permuted as a whole is the aligned comparison's.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { type Model, readHeads, readRoleRows, type Role, type RoleTensor, roleShape } from '../../model/index.ts';
import { type HeadMatch, matchHeads } from './heads.ts';
import { columnHashes, columnScales, isInPlace, matchDirections, matchedShare, matchHashes, rowHashes } from './lookup.ts';
import type { TensorDelta } from './pass.ts';
import { weightsOf } from './pairs.ts';
import { changeOf, isTied } from './tied.ts';

/** Share of rows, columns or heads that must be accounted for. */
const NEARLY_ALL = 0.9;
/** Cosine of two columns over the rows looked at from which one is a multiple of the other. */
const SAME_COLUMN = 0.999;
/** Cosine of a head's answers that only a change of basis leaves. */
const SAME_PRODUCT = 0.998;
/** Blocks looked at in a model over this many parameters: enough to name what was done, which is done to all. */
const LARGE = 4e9;
const BLOCKS_OF_LARGE = 4;

export interface Rearranged {
  /** In the words of docs/verdicts.md, in a fixed order. */
  readonly disguises: readonly string[];
  /** For each block the neurons of A that B's stand for, where they moved. */
  readonly neuronMaps: ReadonlyMap<number, readonly number[]>;
  /** Slots of B that show the tie once what was done is undone. */
  readonly tied: ReadonlySet<string>;
  /** Widths that differ, e.g. `288 neurons a block became 192`. */
  readonly widths: readonly string[];
}

/** Change of a tied tensor from which a rearrangement of some of its rows may be behind it. */
const LARGE_CHANGE = 0.2;

const ORDER = [
  'vocabulary permuted',
  'vocabulary remapped',
  'hidden channels permuted',
  'residual stream scaled',
  'norm gains rescaled',
  'heads permuted',
  'query and key basis changed',
  'value and output basis changed',
  'key and value heads repeated',
  'neurons permuted',
  'neurons scaled',
];

type Slots = (role: Role) => RoleTensor | undefined;
interface Block {
  readonly number: number;
  readonly a: Slots;
  readonly b: Slots;
}

/** @param tensors of the pass. @throws SourceError, WeightsError */
export async function findRearranged(a: Model, b: Model, tensors: readonly TensorDelta[], watch: Watch = {}): Promise<Rearranged> {
  const found = new Set<string>();
  const tied = new Set<string>();
  const widths = new Set<string>();
  const neuronMaps = new Map<number, readonly number[]>();
  const bySlot = new Map(tensors.map((tensor) => [tensor.slotB, tensor]));
  const open = (rt: RoleTensor | undefined): boolean => {
    const tensor = rt && bySlot.get(rt.slot);
    return rt !== undefined && (!tensor || !isTied(tensor) || (changeOf([tensor]) ?? 0) > LARGE_CHANGE);
  };
  /** Whether training alone does not account for a slot: then less must agree for a rearrangement to be believed. */
  const lost = (...slots: RoleTensor[]): boolean =>
    slots.some((rt) => {
      const tensor = bySlot.get(rt.slot);
      return !tensor || !isTied(tensor);
    });
  const scaled = (rt: RoleTensor | undefined): boolean => {
    const tensor = rt && bySlot.get(rt.slot);
    return tensor !== undefined && tensor.tally.rowsScaled >= NEARLY_ALL * tensor.rows && tensor.rows > 1;
  };
  const tie = (...slots: (RoleTensor | undefined)[]): void => slots.forEach((rt) => rt && tied.add(rt.slot));
  for (const block of blocksOf(a, b, tensors)) {
    watch.signal?.throwIfAborted();
    const [up, gate, down] = [block.b('up'), block.b('gate'), block.b('down')];
    if (open(up) || open(gate) || open(down) || scaled(up)) await neurons(block);
    const [q, k, v, o] = [block.b('q'), block.b('k'), block.b('v'), block.b('o')];
    if (open(q) || open(k) || open(v) || open(o)) await attention(block);
    if ([q, k, v, up, gate].some((rt) => open(rt) && !tied.has(rt!.slot))) {
      await gains(block, 'norm_in', ['q', 'k', 'v']);
      await gains(block, 'norm_mlp', ['gate', 'up']);
    }
  }
  await tables();
  return { disguises: ORDER.filter((name) => found.has(name)), neuronMaps, tied, widths: [...widths] };

  async function neurons({ number, a: left, b: right }: Block): Promise<void> {
    const [up, gate, down] = [right('up'), right('gate'), right('down')];
    const [upA, gateA, downA] = [left('up'), left('gate'), left('down')];
    // Gates cannot be scaled without changing the function, so they keep their bits where rows only moved.
    const [key, keyA] = gate && gateA ? [gate, gateA] : [up, upA];
    if (!key || !keyA || !up || !upA || roleShape(key)[1] !== roleShape(keyA)[1]) return;
    const [rowsA, rowsB] = [roleShape(keyA)[0], roleShape(key)[0]];
    let map: Int32Array | null = matchHashes(await rowHashes(a, keyA), await rowHashes(b, key));
    if (matchedShare(map) < NEARLY_ALL) map = rowsA === rowsB && !open(key) ? null : await matchDirections(a, keyA, b, key);
    if (map && rowsA !== rowsB && matchedShare(map) >= 0.5) {
      widths.add(`${rowsA} neurons a block became ${rowsB}`);
      neuronMaps.set(number, [...map]);
      tie(up, gate, down);
      return;
    }
    if (map && matchedShare(map) >= NEARLY_ALL && !isInPlace(map)) {
      found.add('neurons permuted');
      neuronMaps.set(number, [...map]);
      tie(up, gate, down);
    }
    if (scaled(up) && down && downA && sameShape(down, downA)) {
      const { cosine } = await columnScales(a, downA, b, down);
      if (share(cosine, (value) => Math.abs(value) >= SAME_COLUMN) >= NEARLY_ALL) {
        found.add('neurons scaled');
        tie(up, gate, down);
      }
    }
  }

  async function attention({ a: left, b: right }: Block): Promise<void> {
    const [q, k, v, o] = [right('q'), right('k'), right('v'), right('o')];
    const [qA, kA, vA, oA] = [left('q'), left('k'), left('v'), left('o')];
    if (!q || !k || !v || !o || !qA || !kA || !vA || !oA || roleShape(q)[1] !== roleShape(qA)[1]) return;
    const [rowsA, rowsB] = [roleShape(qA)[0], roleShape(q)[0]];
    if (rowsA === rowsB && roleShape(k)[0] > roleShape(kA)[0] && !open(q)) {
      const size = readHeads(b.configs, b.checkpoint).headDim ?? 0;
      const groups = roleShape(kA)[0] / size;
      const repeat = roleShape(k)[0] / roleShape(kA)[0];
      if (!Number.isInteger(groups) || !Number.isInteger(repeat)) return;
      const [hashes, own] = [await rowHashes(a, kA), await rowHashes(b, k)];
      const source = (row: number): number => Math.floor(row / size / repeat) * size + (row % size);
      if (share(own, (hash, row) => hash === hashes[source(row)]) >= NEARLY_ALL) {
        found.add('key and value heads repeated');
        tie(k, v);
      }
      return;
    }
    if (rowsA !== rowsB) {
      const map = await matchDirections(a, qA, b, q);
      if (map && matchedShare(map) >= 0.5) {
        widths.add(`${rowsA} query rows a block became ${rowsB}`);
        tie(q, k, v, o);
      }
      return;
    }
    const map = matchHashes(await rowHashes(a, qA), await rowHashes(b, q));
    if (matchedShare(map) >= NEARLY_ALL && !isInPlace(map)) {
      found.add('heads permuted');
      tie(q, k, v, o);
      return;
    }
    const heads = await matchHeads(a, { q: qA, k: kA, v: vA, o: oA }, b, { q, k, v, o });
    if (!heads) return;
    const { queryKey, valueOutput } = heads;
    if (holds(queryKey, lost(q, k)) && (open(q) || open(k))) {
      found.add('query and key basis changed');
      if (!isInPlace(queryKey.map)) found.add('heads permuted');
      tie(q, k);
    }
    if (holds(valueOutput, lost(v, o)) && (open(v) || open(o))) {
      found.add('value and output basis changed');
      if (!isInPlace(valueOutput.map)) found.add('heads permuted');
      tie(v, o);
    }
  }

  /** What a norm's gain was multiplied by, the columns that read behind it must have been divided by. */
  async function gains({ a: left, b: right }: Block, norm: Role, readers: readonly Role[]): Promise<void> {
    const [gainA, gainB] = [left(norm), right(norm)];
    if (!gainA || !gainB || !sameShape(gainA, gainB)) return;
    const [x, y] = [await vector(a, gainA), await vector(b, gainB)];
    for (const role of readers) {
      const [rtA, rtB] = [left(role), right(role)];
      if (!rtA || !rtB || !sameShape(rtA, rtB) || roleShape(rtB)[1] !== x.length || tied.has(rtB.slot)) continue;
      const { scale, cosine } = await columnScales(a, rtA, b, rtB);
      const undone = share(cosine, (value, j) => value >= SAME_COLUMN && Math.abs((y[j]! * scale[j]!) / x[j]! - 1) < 0.05);
      if (undone < NEARLY_ALL || share(scale, (value) => Math.abs(value - 1) > 0.02) < 0.5) continue;
      found.add('norm gains rescaled');
      tie(rtB, gainB);
    }
  }

  /** Every matrix that reads or writes the hidden space must have moved the same way. */
  async function channels(map: Int32Array): Promise<void> {
    found.add('hidden channels permuted');
    const slotsA = new Map(weightsOf(a).map((rt) => [rt.slot, rt]));
    const follows = (hashesA: Float64Array, hashesB: Float64Array): boolean =>
      hashesB.length === map.length && share(hashesB, (hash, j) => hash === hashesA[map[j]!]) >= NEARLY_ALL;
    for (const { slotA, slotB } of tensors) {
      const [rtA, rtB] = [slotsA.get(slotA), weightsOf(b).find((rt) => rt.slot === slotB)];
      if (!rtA || !rtB) continue;
      watch.signal?.throwIfAborted();
      const [rows, columns] = roleShape(rtB);
      const reads = columns === map.length && follows(await columnHashes(a, rtA), await columnHashes(b, rtB));
      if (reads || (rows === map.length && follows(await rowHashes(a, rtA), await rowHashes(b, rtB)))) tie(rtB);
    }
  }

  async function tables(): Promise<void> {
    const [left, right] = [weightsOf(a), weightsOf(b)];
    const at = (list: readonly RoleTensor[], role: Role): RoleTensor | undefined => list.find((rt) => rt.role === role && rt.stack === '');
    const [embedA, embed] = [at(left, 'embed'), at(right, 'embed')];
    if (embedA && embed && open(embed) && roleShape(embedA)[1] === roleShape(embed)[1]) {
      const rows = matchHashes(await rowHashes(a, embedA), await rowHashes(b, embed));
      if (matchedShare(rows) >= NEARLY_ALL && !isInPlace(rows)) {
        found.add('vocabulary permuted');
        tie(embed, at(right, 'head'));
      } else if (sameShape(embedA, embed)) {
        const columns = matchHashes(await columnHashes(a, embedA), await columnHashes(b, embed));
        if (matchedShare(columns) >= NEARLY_ALL && !isInPlace(columns)) await channels(columns);
      }
    }
    const headOf =
      (list: readonly RoleTensor[]): Slots =>
      (role) =>
        at(list, role);
    const head = at(right, 'head');
    if (open(head) && head && !tied.has(head.slot)) await gains({ number: -1, a: headOf(left), b: headOf(right) }, 'norm_f', ['head']);
    const writers = tensors.filter(({ role, rows }) => (role === 'embed' || role === 'o' || role === 'down') && rows > 1);
    const factors = writers.map(({ tally }) => Math.sqrt(tally.sumBB / tally.sumAA));
    const [least, most] = [Math.min(...factors), Math.max(...factors)];
    if (
      writers.length > 2 &&
      writers.every(({ tally }) => tally.rowsScaled >= NEARLY_ALL * tally.rows) &&
      most - least < 0.01 * most &&
      writers.some(({ role }) => role === 'embed')
    )
      found.add('residual stream scaled');
  }
}

/** Blocks of the stack without a name, experts apart, as the pass laid them over each other. */
function blocksOf(a: Model, b: Model, tensors: readonly TensorDelta[]): Block[] {
  const collect = (model: Model): Map<number, Map<Role, RoleTensor>> => {
    const blocks = new Map<number, Map<Role, RoleTensor>>();
    for (const rt of weightsOf(model)) {
      if (rt.block === null || rt.stack !== '' || rt.expert !== undefined || rt.role === 'bias') continue;
      const block = blocks.get(rt.block) ?? new Map<Role, RoleTensor>();
      blocks.set(rt.block, block.set(rt.role, rt));
    }
    return blocks;
  };
  const [left, right] = [collect(a), collect(b)];
  const sourceOf = new Map(
    tensors.flatMap(({ block, slotA }) => {
      const source = /\.(\d+)\./.exec(slotA);
      return block !== null && source ? [[block, Number(source[1])] as const] : [];
    }),
  );
  const all = [...right.keys()].sort((x, y) => x - y);
  const step = b.parameters > LARGE ? Math.ceil(all.length / BLOCKS_OF_LARGE) : 1;
  return all
    .filter((_, i) => i % step === 0)
    .map((number) => {
      const [rolesA, rolesB] = [left.get(sourceOf.get(number) ?? number), right.get(number)!];
      return { number, a: (role) => rolesA?.get(role), b: (role) => rolesB.get(role) };
    });
}

/** Products of a trained child drift with its factors; those of a mere change of basis differ by rounding. */
function holds({ share: matched, least }: HeadMatch, isLost: boolean): boolean {
  return matched >= NEARLY_ALL && (isLost || least >= SAME_PRODUCT);
}

function sameShape(x: RoleTensor, y: RoleTensor): boolean {
  const [a, b] = [roleShape(x), roleShape(y)];
  return a[0] === b[0] && a[1] === b[1];
}

async function vector(model: Model, rt: RoleTensor): Promise<Float32Array> {
  return readRoleRows(model.checkpoint!, rt, 0, roleShape(rt)[0]);
}

function share(values: Float64Array, holds: (value: number, at: number) => boolean): number {
  let count = 0;
  values.forEach((value, i) => {
    if (holds(value, i)) count++;
  });
  return values.length === 0 ? 0 : count / values.length;
}
