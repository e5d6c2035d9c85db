/**
 * A relation told from sketches, with its kind and share from both files laid over each other slot by slot.
 * The verdict is the sketches'; only "the same values" is confirmed or taken back, because here they were all read.
 * @module
 */
import type { Watch } from '../../base/index.ts';
import { type Model, readRoleRows, type RoleTensor, roleShape } from '../../model/index.ts';
import { directionOf, latticeOf, limitsWith } from '../kind.ts';
import type { Sketch } from '../sketch.ts';
import type { Evidence, Kind, Relation } from '../types.ts';
import { judgeKind, type Judged, percent } from './judge.ts';
import { type Pairing, pairSlots, type SlotPair, tokenMapOf, weightsOf } from './pairs.ts';
import { makeMeter, type TensorDelta } from './pass.ts';
import { findRearranged, type Rearranged } from './rearranged.ts';
import { proveScheme } from './requantize.ts';
import { readingOrder, settledBy } from './settled.ts';
import { changeOf, isTied } from './tied.ts';

export interface Measured {
  /** In the order of the pairs; those that were not read are left out. */
  readonly tensors: readonly TensorDelta[];
  /** Share of the pairs' values that was read. */
  readonly readShare: number;
  /** Why the rest was not. */
  readonly stopped: string | null;
}

/** Reads all pairs, or enough of them; the register's workers and `measurePairs` do. */
export type MeasureAll = (pairs: readonly SlotPair[], watch: Watch) => Promise<Measured>;

/** In this thread, one pair after the other. @param mayStop whether to stop once the answer is certain. */
export function measurePairs(a: Model, b: Model, mayStop = false): MeasureAll {
  const meter = makeMeter(a, b);
  return async (pairs, watch) =>
    gatherPairs(pairs, mayStop, watch, async (take) => {
      for (let next = take(); next !== null; next = take()) next.done(await meter(pairs[next.index]!, watch));
    });
}

/** Hands out pairs in reading order until all are measured or the answer is certain. */
export async function gatherPairs(
  pairs: readonly SlotPair[],
  mayStop: boolean,
  watch: Watch,
  run: (take: () => { readonly index: number; readonly done: (tensor: TensorDelta) => void } | null) => Promise<void>,
): Promise<Measured> {
  const total = pairs.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const order = readingOrder(pairs);
  const found = new Map<number, TensorDelta>();
  let [read, at] = [0, 0];
  let stopped: string | null = null;
  const inOrder = (): TensorDelta[] => pairs.flatMap((_, i) => found.get(i) ?? []);
  await run(() => {
    watch.signal?.throwIfAborted();
    if (stopped !== null || at >= order.length) return null;
    const index = order[at++]!;
    return {
      index,
      done(tensor) {
        found.set(index, tensor);
        read += pairs[index]!.rows * pairs[index]!.columns;
        watch.onProgress?.({ what: 'lay the weights over each other', done: read, total });
        if (mayStop && stopped === null && found.size < pairs.length) stopped = settledBy(inOrder(), pairs, read / total);
      },
    };
  });
  return { tensors: inOrder(), readShare: total === 0 ? 1 : found.size === pairs.length ? 1 : read / total, stopped };
}

export interface Opened {
  readonly model: Model;
  readonly sketch: Sketch;
}

/**
 * @param relation `identical` or `derived`, of these two models, neither an adapter; any other comes back as it is.
 * @param measure reads the pairs. The trees must be open.
 * @throws SourceError, WeightsError when bytes cannot be had; the signal's reason.
 */
export async function refineKind(
  relation: Relation,
  first: Opened,
  second: Opened,
  measure: MeasureAll,
  watch: Watch = {},
): Promise<Relation> {
  const [a, b] = [first.model, second.model];
  const trained = relation.verdict === 'derived' || relation.verdict === 'identical';
  if (!trained || a.isAdapter || b.isAdapter || !a.checkpoint || !b.checkpoint) return relation;
  const layerMap = await depthOf(a, b, relation.kind.layerMap ?? null);
  const maps = layerMap ? { layerMap: new Map([['', layerMap]]) } : {};
  const tokenMap = await fittingTokens(a, b);
  const renamed = isGeneric(first.sketch, second.sketch) ? { sameAs: sameValues(first.sketch, second.sketch) } : {};
  const pairing = pairSlots(a, b, { ...maps, ...renamed, ...(tokenMap && { tokenMap }) });
  const { tensors, readShare, stopped } = await measure(pairing.pairs, watch);
  const [latticeA, latticeB] = [latticeOf(first.sketch), latticeOf(second.sketch)];
  const moved =
    pairing.unpaired.length > 0 ||
    tensors.some(
      (tensor) =>
        (tensor.tally.n > 0 && (!isTied(tensor) || (changeOf([tensor]) ?? 0) > 0.2)) || tensor.tally.rowsScaled > 0.5 * tensor.rows,
    );
  const rearranged = withTokens(moved && readShare === 1 ? await findRearranged(a, b, tensors, watch) : null, tokenMap);
  const proof = latticeB !== '' && latticeA === '' ? await proveScheme(a, b, pairing.pairs, watch) : null;
  const judged = judgeKind({
    pairing,
    tensors,
    rearranged,
    proof,
    latticeA,
    latticeB,
    layerMap,
    formats: { a: formatOf(first.sketch), b: formatOf(second.sketch) },
    readShare,
  });
  return withFindings(
    relation,
    first.sketch,
    second.sketch,
    judged,
    evidenceOf(relation, pairing, tensors, { tensors, readShare, stopped }),
    pairing,
    {
      tensors,
      readShare,
      stopped,
    },
  );
}

/** Tables that were laid over each other by their tokens' strings were rearranged. */
function withTokens(found: Rearranged | null, tokenMap: Int32Array | null): Rearranged | null {
  if (!tokenMap) return found;
  const name = tokenMap.every((from) => from >= 0) ? 'vocabulary permuted' : 'vocabulary remapped';
  const none: Rearranged = { disguises: [], neuronMaps: new Map(), tied: new Set(), widths: [] };
  return { ...(found ?? none), disguises: [name, ...(found?.disguises ?? [])] };
}

/** Under this share the slots say little, and what was told without them stays. */
const LITTLE = 0.5;

function withFindings(
  relation: Relation,
  a: Sketch,
  b: Sketch,
  judged: Judged,
  evidence: Evidence,
  pairing: Pairing,
  { readShare, stopped }: Measured,
): Relation {
  const tests = [...relation.tests, evidence];
  const toldOtherwise = ['disguised', 'width-changed', 'depth-changed'].includes(relation.kind.name);
  const found = ['disguised', 'width-changed', 'depth-changed'].includes(judged.kind.name);
  if (judged.share < LITTLE && !found && (toldOtherwise || judged.share === 0)) return { ...relation, tests };
  // Converted networks carry other names: what their values show without them is more.
  const seen = relation.share.fraction ?? 0;
  const same = ['copy', 're-encoded'].includes(judged.kind.name);
  const incomplete = pairing.unpaired.length > 0 || pairing.missing.length > 0;
  if (isGeneric(a, b) && incomplete && (judged.share < seen - 0.02 || (relation.verdict === 'identical' && !same)))
    return { ...relation, tests };
  // Alignment saw what slots do not: its words stay, and what slots add stands beside them.
  const kind: Kind =
    toldOtherwise && !found && relation.kind.name !== 'depth-changed' && judged.share < 0.95
      ? { ...judged.kind, ...relation.kind }
      : judged.kind;
  const complete = readShare === 1;
  const isSame = complete && (judged.kind.name === 'copy' || judged.kind.name === 're-encoded');
  const wasSame =
    relation.verdict === 'identical' && complete && pairing.unpaired.length === 0 && pairing.missing.length === 0 && judged.share > 0.95;
  const verdict = isSame ? 'identical' : wasSame && !['disguised', 'quantized'].includes(kind.name) ? 'derived' : relation.verdict;
  const because = isSame
    ? `every value of the two models is equal${judged.kind.name === 're-encoded' ? ' after the cast' : ''}: all were read`
    : verdict !== relation.verdict
      ? `the rows that were sampled are equal, but not all values are: ${kind.note}`
      : relation.because;
  const direction = directionOf(a, b, kind, 'value by value');
  return {
    ...relation,
    verdict,
    because,
    kind,
    ...direction,
    // What alignment tied stays tied, though its slots moved.
    share:
      toldOtherwise && judged.share < (relation.share.fraction ?? 0)
        ? relation.share
        : {
            fraction: judged.share,
            part: judged.share > 0.98 ? 'all' : judged.share > 0 ? 'part of the tensors' : 'none shown slot by slot',
            slots: judged.share > 0.98 ? [] : judged.tied.slice(0, MAX_SLOTS),
          },
    tests,
    limits: limitsWith(direction.direction, [
      ...relation.limits.filter((limit) => !complete || !limit.startsWith('only sampled rows')),
      ...(stopped === null ? [] : [`${percent(readShare)} of the values were read: ${stopped}`]),
      ...(pairing.unpaired.length === 0 || judged.share > 0.98
        ? []
        : [
            `${pairing.unpaired.length} tensors of the suspect have no partner of their place and shape; without a match they count as not shared`,
          ]),
    ]),
  };
}

function isGeneric(a: Sketch, b: Sketch): boolean {
  return a.subject.scheme === 'generic' || b.subject.scheme === 'generic';
}

/** Tensors that were printed whole and hold the same values in the same order, where names differ. */
function sameValues(a: Sketch, b: Sketch): Map<string, string> {
  const own = new Map(a.prints.map((print) => [print.slot, print.ordered]));
  const free = new Map(a.prints.map((print) => [`${print.ordered}/${print.count}`, print.slot]));
  return new Map(
    b.prints.flatMap(({ slot, ordered, count }) => {
      const source = own.get(slot) === ordered ? slot : free.get(`${ordered}/${count}`);
      return source === undefined ? [] : [[slot, source] as const];
    }),
  );
}

/** Slots listed of a part; the evidence counts them all. */
const MAX_SLOTS = 400;

function evidenceOf(relation: Relation, pairing: Pairing, tensors: readonly TensorDelta[], { readShare, stopped }: Measured): Evidence {
  const n = tensors.reduce((sum, { tally }) => sum + tally.n, 0);
  const equal = tensors.reduce((sum, { tally }) => sum + tally.equal, 0);
  const change = changeOf(tensors.filter(isTied));
  const rounded = (value: number): number => Number(value.toPrecision(6));
  const listed = tensors.filter(({ rows }) => rows > 1).slice(0, MAX_SLOTS);
  return {
    test: 'full-comparison',
    version: 1,
    class: 'descriptive',
    question: 'What changed, value by value, between tensors in the same place?',
    statistic: { name: 'share of equal values, after a cast to the coarser format', value: n === 0 ? 0 : equal / n },
    n: tensors.length,
    log10P: null,
    effect: change === null ? null : { name: '|B - A| / |A| over tensors that tie', value: change },
    nullModel: 'tensors trained apart do not correlate in their places, token tables and gains excepted',
    assumptions: ['tensors of one name and shape play the same part in both models'],
    details: {
      values: n,
      equalValues: equal,
      notNumbers: tensors.reduce((sum, { tally }) => sum + tally.nonFinite, 0),
      unpairedTensors: pairing.unpaired.length,
      shareRead: readShare,
      stopped: stopped ?? 'read to the end',
      slots: listed.map(({ slotB }) => slotB),
      change: listed.map(({ tally }) => rounded(tally.sumAA > 0 ? Math.sqrt(tally.sumDD / tally.sumAA) : 0)),
      equal: listed.map(({ tally }) => rounded(tally.n > 0 ? tally.equal / tally.n : 0)),
      newZeros: listed.map(({ tally }) => rounded(tally.n > 0 ? tally.zerosB / tally.n : 0)),
      rank: listed.map(({ probe }) => probe?.rank ?? -1),
    },
    inputs: relation.tests[0]?.inputs ?? { a: relation.a.digest, b: relation.b.digest },
  };
}

function formatOf({ subject }: Sketch): string {
  return `${subject.format} ${subject.dtype}`;
}

/** The sketches' layer map, or one that steps over layers that do nothing: output and down projection zero throughout. */
async function depthOf(a: Model, b: Model, told: readonly number[] | null): Promise<readonly number[] | null> {
  const writers = (model: Model): Map<number, RoleTensor[]> => {
    const blocks = new Map<number, RoleTensor[]>();
    for (const rt of weightsOf(model))
      if ((rt.role === 'o' || rt.role === 'down') && rt.stack === '' && rt.block !== null)
        blocks.set(rt.block, [...(blocks.get(rt.block) ?? []), rt]);
    return blocks;
  };
  const [left, right] = [writers(a), writers(b)];
  if (right.size <= left.size) return told;
  const map: number[] = [];
  let next = 0;
  for (const block of [...right.keys()].sort((x, y) => x - y)) {
    const idle = await Promise.all(right.get(block)!.map((rt) => isZero(b, rt)));
    map[block] = idle.length > 0 && idle.every(Boolean) ? -1 : next++;
  }
  return next === left.size ? map : told;
}

async function isZero(model: Model, rt: RoleTensor): Promise<boolean> {
  const [rows, columns] = roleShape(rt);
  const perBlock = Math.max(1, Math.floor((1 << 20) / columns));
  for (let start = 0; start < rows; start += perBlock)
    if ((await readRoleRows(model.checkpoint!, rt, start, Math.min(perBlock, rows - start))).some((value) => value !== 0)) return false;
  return true;
}

/** Token rows on which the two ways of laying tables over each other are compared. */
const TRIED_TOKENS = 64;

/** The map by token strings where the rows agree by it and not by their ids: a tokenizer may also have been put beside other weights. */
async function fittingTokens(a: Model, b: Model): Promise<Int32Array | null> {
  const map = await tokenMapOf(a, b);
  const [embedA, embedB] = [a, b].map((model) => weightsOf(model).find((rt) => rt.role === 'embed' && rt.stack === ''));
  if (!map || !embedA || !embedB || roleShape(embedA)[1] !== roleShape(embedB)[1]) return null;
  const [rowsA, width] = roleShape(embedA);
  const rowsB = roleShape(embedB)[0];
  const tried = Array.from(map.keys()).filter((id) => map[id]! >= 0 && map[id] !== id && id < rowsB && map[id]! < rowsA && id < rowsA);
  const step = Math.max(1, Math.floor(tried.length / TRIED_TOKENS));
  let [byString, byId] = [0, 0];
  for (const id of tried.filter((_, i) => i % step === 0).slice(0, TRIED_TOKENS)) {
    const row = await readRoleRows(b.checkpoint!, embedB, id, 1);
    byString += cosine(row, await readRoleRows(a.checkpoint!, embedA, map[id]!, 1), width);
    byId += cosine(row, await readRoleRows(a.checkpoint!, embedA, id, 1), width);
  }
  return byString > byId + 0.1 * Math.min(TRIED_TOKENS, tried.length) ? map : null;
}

function cosine(x: Float32Array, y: Float32Array, width: number): number {
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < width; i++) {
    xx += x[i]! ** 2;
    yy += y[i]! ** 2;
    xy += x[i]! * y[i]!;
  }
  return xx > 0 && yy > 0 && xx + yy < Infinity ? xy / Math.sqrt(xx * yy) : 0;
}
