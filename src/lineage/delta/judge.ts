/**
 * From the full comparison to a kind, in the order that works (research "lineage trials, transformers", section 6): equal values,
 * quantization, zeros, depth, rearrangements, rank, noise, and only then a dense change, which gets no name beyond its size.
 * @module
 */
import { median } from '../../math/index.ts';
import type { Kind } from '../types.ts';
import type { Pairing } from './pairs.ts';
import type { TensorDelta } from './pass.ts';
import type { Rearranged } from './rearranged.ts';
import type { SchemeProof } from './requantize.ts';
import { precisionOf } from './tally.ts';
import { changeOf, isTied } from './tied.ts';

/** Zeros of one matrix beyond what dense models hold (< .001). */
const PRUNED = 0.05;
/** Of the values that are not zero, those that must be A's for nothing but zeros to have been set. */
const ONLY_ZEROS = 0.99;
/** Sizes of change over sizes of weights, tensor by tensor: their spread under added noise stays below this, training's is several times it. */
const SAME_SIZE = 0.04;
/** Largest singular value over noise's edge, in the median and at most. */
const FLAT = 1.02;
const FLAT_MOST = 1.08;
/** Matrices that must agree before noise is spoken of, or a rank. */
const MIN_MATRICES = 4;
/** Share of touched matrices whose changes have the rank that is told. */
const SAME_RANK = 0.6;
/** Values left alone in rows that changed, and the share of changes by a single step that a smooth change of that size would show at least. */
const UNTOUCHED = 0.1;
const FEW_SMALL_STEPS = 1 / 3;
/** Share of B's parameters from which a part without a tie is a part and not a detail. */
const PART = 0.05;

export interface Findings {
  readonly pairing: Pairing;
  readonly tensors: readonly TensorDelta[];
  /** Null when A has the shapes and order of B in all tensors that were paired. */
  readonly rearranged: Rearranged | null;
  readonly proof: SchemeProof | null;
  /** Quantization seen in B's values or stated by its format, '' for none; and whether A shows one. */
  readonly latticeB: string;
  readonly latticeA: string;
  readonly layerMap: readonly number[] | null;
  readonly formats: { readonly a: string; readonly b: string };
  /** Share of the paired values that was read; below 1 nothing is said of equality. */
  readonly readShare: number;
}

export interface Judged {
  readonly kind: Kind;
  /** Share of B's parameters in tensors that show the tie. */
  readonly share: number;
  /** Slots that do, and those that were compared and do not. */
  readonly tied: readonly string[];
  readonly untied: readonly string[];
}

export function judgeKind(findings: Findings): Judged {
  const { pairing, tensors, rearranged } = findings;
  const isTie = (tensor: TensorDelta): boolean => isTied(tensor) || (rearranged?.tied.has(tensor.slotB) ?? false);
  const tied = tensors.filter(isTie);
  const untied = tensors.filter((tensor) => !isTie(tensor) && tensor.tally.n > 0);
  const unpairedTied = pairing.unpaired.filter(({ slot }) => rearranged?.tied.has(slot));
  const values = (list: readonly TensorDelta[]): number => list.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const read = findings.readShare < 1 ? values(tensors) : pairing.parametersB;
  const share = Math.min(1, (values(tied) + unpairedTied.reduce((sum, entry) => sum + entry.values, 0)) / Math.max(1, read));
  const kind = withExtras(nameOf(findings, tied, untied, share), findings);
  return {
    kind,
    share,
    tied: [...tied.map((tensor) => tensor.slotB), ...unpairedTied.map((entry) => entry.slot)],
    untied: untied.map((tensor) => tensor.slotB),
  };
}

function nameOf(findings: Findings, tied: readonly TensorDelta[], untied: readonly TensorDelta[], share: number): Kind {
  const { pairing, tensors, rearranged, layerMap, readShare } = findings;
  const change = changeOf(tied);
  const base = change === null ? {} : { relativeChange: change };
  const equalThroughout = tensors.length > 0 && tensors.every(({ tally }) => tally.equal === tally.n && tally.nonFinite === 0);
  const wholeModel =
    pairing.unpaired.length === 0 && pairing.missing.length === 0 && !layerMap && readShare === 1 && !rearranged?.disguises.length;
  const table = tableChange(findings);
  if (equalThroughout && wholeModel && table === null) return sameValues(findings, base);
  const size = change === null ? '' : `, with a change of ${percent(change)} of the weights' size in what matches`;
  if (findings.latticeB !== '' && findings.latticeA === '') return quantized(findings, base);
  const pruned = prunedKind(tied, base);
  if (pruned) return pruned;
  if (layerMap) {
    const kept = layerMap.filter((from) => from >= 0);
    const inserted = layerMap.length - kept.length;
    if (inserted > 0 && !kept.every((from, i) => from === i))
      return {
        name: 'partial',
        note: `${kept.length} of ${layerMap.length} blocks are those of the first model${size}`,
        layerMap,
        ...base,
      };
    return {
      name: 'depth-changed',
      note: `${inserted > 0 ? `${inserted} layers that do nothing were inserted` : 'layers were dropped, repeated or reordered'}${equalThroughout ? ', every value kept' : size}`,
      layerMap,
      ...base,
    };
  }
  if (rearranged && rearranged.widths.length > 0) return { name: 'width-changed', note: `${rearranged.widths.join('; ')}${size}`, ...base };
  if (rearranged && rearranged.disguises.length > 0) {
    const rest = tied.filter(({ slotB }) => !rearranged.tied.has(slotB));
    const moved = changeOf(rest);
    return {
      name: 'disguised',
      note: `the function is kept and the numbers rearranged: ${rearranged.disguises.join(', ')}${moved !== null && moved > 0.005 ? `; the other tensors changed by ${percent(moved)} of their size` : '; the other tensors hold the same values'}`,
    };
  }
  if (table && equalThroughout && pairing.unpaired.length === 0)
    return table.rows > 0
      ? { name: 'partial', note: `every value of the first model is kept and ${table.rows} token rows are added`, ...base }
      : { name: 'pruned', note: `${-table.rows} token rows are gone; every other value is kept`, pattern: 'token rows', ...base };
  const lowRank = lowRankKind(tensors, base);
  if (lowRank) return lowRank;
  const isPart = 1 - share >= PART && readShare === 1;
  // Noise is said of a whole model; where a part shows no tie, what was done to that part is not known.
  const noise = isPart ? null : noiseKind(tied, base);
  if (noise) return noise;
  if (isPart)
    return {
      name: 'partial',
      note: `${percent(share)} of the parameters match: ${modulesOf(tied.map(({ slotB }) => slotB))}${size}. No tie shows in ${modulesOf([...untied.map(({ slotB }) => slotB), ...pairing.unpaired.map(({ slot }) => slot)])}`,
      ...base,
    };
  return denseKind(tensors, change, equalThroughout, readShare);
}

function sameValues({ formats, tensors }: Findings, base: object): Kind {
  const casts = [...new Set(tensors.flatMap(({ dtypeA, dtypeB }) => (dtypeA === dtypeB ? [] : [`${dtypeA} to ${dtypeB}`])))];
  if (casts.length === 0 && formats.a === formats.b) return { name: 'copy', note: 'every value is the same, in the same format', ...base };
  const lossy = tensors.some(({ dtypeA, dtypeB }) => precisionOf(dtypeB) < precisionOf(dtypeA));
  return {
    name: 're-encoded',
    note: `every value is the same${casts.length > 0 ? ` after a cast from ${casts.join(' and ')}${lossy ? ', which loses digits' : ''}` : ''}; stored as ${formats.a} and ${formats.b}`,
    ...base,
  };
}

function quantized({ proof, latticeB }: Findings, base: object): Kind {
  if (!proof) return { name: 'quantized', note: `values of the suspect lie on a coarse lattice (${latticeB})`, scheme: latticeB, ...base };
  const shown = proof.proved
    ? `quantizing the first model anew gives the suspect to the bit (${proof.tested} values${proof.coverage < 0.999 ? `, ${percent(proof.coverage)} of the quantized ones` : ''})`
    : proof.tested === 0
      ? 'this type is not rebuilt here, so the scheme is that of the file'
      : `quantizing the first model anew gives ${percent(proof.equal / proof.tested)} of ${proof.tested} values tested (${percent(proof.coverage)} of the quantized ones)`;
  return { name: 'quantized', note: `${proof.scheme}: ${shown}`, scheme: proof.scheme, schemeProved: proof.proved, ...base };
}

function prunedKind(tensors: readonly TensorDelta[], base: object): Kind | null {
  const touched = tensors.filter(({ rows, tally }) => rows > 1 && tally.zerosB >= PRUNED * tally.n);
  if (touched.length === 0) return null;
  const sum = (pick: (tensor: TensorDelta) => number): number => touched.reduce((total, tensor) => total + pick(tensor), 0);
  const zeros = sum(({ tally }) => tally.zerosB);
  const sparsity = zeros / sum(({ tally }) => tally.n);
  const left = sum(({ tally }) => tally.n - tally.zerosB);
  const kept = left > 0 ? sum(({ tally }) => tally.equal) / left : 1;
  const inRows = sum(({ tally, columns }) => tally.rowsZeroed * columns) / zeros;
  const fours = sum(({ tally }) => tally.fours);
  const halved = fours > 0 ? sum(({ tally }) => tally.foursHalved) / fours : 0;
  const inRuns = sum(({ tally }) => tally.zerosInRuns) / zeros;
  const pattern = inRows > 0.95 ? 'rows' : halved > 0.99 && sparsity < 0.6 ? '2:4' : inRuns > 0.95 ? 'blocks' : 'unstructured';
  return {
    name: 'pruned',
    note: `${percent(sparsity)} of the weights in ${touched.length} matrices were set to zero (${pattern}); ${kept >= ONLY_ZEROS ? 'the others are kept' : `${percent(kept)} of the others are kept, the rest was trained further`}`,
    sparsity,
    pattern,
    ...base,
  };
}

/** Untouched tensors and one small rank in the others: what merging an adapter leaves. */
function lowRankKind(tensors: readonly TensorDelta[], base: object): Kind | null {
  const matrices = tensors.filter(({ rows, columns }) => rows > 1 && columns > 1);
  const touched = matrices.filter(({ tally }) => tally.equal < tally.n);
  const probed = touched.flatMap(({ probe }) => (probe ? [probe] : []));
  const ranks = probed.flatMap(({ rank }) => (rank === null ? [] : [rank]));
  if (probed.length === 0 || ranks.length < SAME_RANK * probed.length) return null;
  const counts = new Map<number, number>();
  for (const rank of ranks) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  const [rank, votes] = [...counts].sort((x, y) => y[1] - x[1] || x[0] - y[0])[0]!;
  const near = ranks.filter((other) => Math.abs(other - rank) <= 1).length;
  if (near < SAME_RANK * probed.length) return null;
  return {
    name: 'low-rank',
    note: `the change has rank ${rank} in ${votes} of ${probed.length} matrices it touches, and ${matrices.length - touched.length} matrices are untouched: an adapter of rank ${rank} that was merged`,
    rank,
    alternatives: ['training that was itself confined to a change of low rank'],
    ...base,
  };
}

function noiseKind(tensors: readonly TensorDelta[], base: object): Kind | null {
  const changed = tensors.filter(({ probe, tally }) => probe !== null && tally.equal < 0.5 * tally.n);
  const probed = changed.map(({ probe }) => probe!.flatness);
  if (changed.length < MIN_MATRICES || median(probed)! > FLAT || Math.max(...probed) > FLAT_MOST) return null;
  const step = ({ tally: { sumDD, n } }: TensorDelta): number => Math.sqrt(sumDD / n);
  const spread = ({ tally: { sumA, sumAA, n } }: TensorDelta): number => Math.sqrt(Math.max(1e-300, sumAA / n - (sumA / n) ** 2));
  const relative = changed.map((tensor) => step(tensor) / spread(tensor));
  const flat = [relative, changed.map(step)].some((sizes) => {
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    return Math.sqrt(sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / sizes.length) < SAME_SIZE * mean;
  });
  if (!flat) return null;
  // Noise knows nothing of the weights: its product with them is chance.
  const along = changed.every(({ tally: { sumAA, sumBB, sumDD, n } }) => {
    const product = (sumBB - sumAA - sumDD) / 2;
    return Math.abs(product) < (6 / Math.sqrt(n) + 0.02) * Math.sqrt(sumAA * sumDD);
  });
  return along
    ? {
        name: 'noise',
        note: `independent noise of ${percent(median(relative)!)} of the weights' spread, the same in ${changed.length} matrices; training leaves no change as flat as this`,
        alternatives: ['rounding to a coarse random grid'],
        ...base,
      }
    : null;
}

function denseKind(tensors: readonly TensorDelta[], change: number | null, equal: boolean, readShare: number): Kind {
  if (change === null) return { name: 'unknown', note: 'the values could not be laid over each other' };
  const matrices = tensors.filter(({ rows, columns }) => rows > 1 && columns > 1);
  const untouched = readShare === 1 ? matrices.filter(({ tally }) => tally.equal === tally.n).length : 0;
  const marks = trimmedShare(matrices);
  const note = equal
    ? 'no change in what was compared'
    : `${marks === null ? 'a dense change' : `a change that leaves ${percent(marks)} of the values alone, scattered, with few small steps beside them`} of ${percent(change)} of the weights' size (${rolesOf(matrices)})${untouched > 0 ? `; ${untouched} of ${matrices.length} matrices are untouched` : ''}`;
  return {
    name: 'fine-tune',
    note,
    relativeChange: change,
    alternatives:
      marks === null
        ? ['continued pretraining', 'several steps of training', 'a merge with near relatives']
        : ['a merge of trimmed changes (TIES, DARE)', 'training of selected weights'],
  };
}

/** Share of values left alone in changed rows, where a smooth change would have left many small steps beside them. */
function trimmedShare(matrices: readonly TensorDelta[]): number | null {
  const marked = matrices.flatMap(({ tally: { changed } }) => {
    const left = changed.equal / Math.max(1, changed.n);
    const small = changed.near / Math.max(1, changed.n - changed.equal);
    return changed.n > 0 ? [{ left, is: left >= UNTOUCHED && small < FEW_SMALL_STEPS * left }] : [];
  });
  const found = marked.filter(({ is }) => is);
  return found.length >= MIN_MATRICES && found.length >= 0.7 * marked.length ? median(found.map(({ left }) => left)) : null;
}

/** Token rows that B has more than A, or fewer; null when the tables are as long. */
function tableChange({ pairing, tensors, rearranged }: Findings): { rows: number } | null {
  const table = pairing.tables.find(({ rowsA, rowsB }) => rowsA !== rowsB);
  return table && !rearranged?.disguises.some((name) => name.startsWith('vocabulary')) && tensors.some(({ slotB }) => slotB === table.slot)
    ? { rows: table.rowsB - table.rowsA }
    : null;
}

/** What holds beside any kind. */
function withExtras(kind: Kind, findings: Findings): Kind {
  const { rearranged } = findings;
  const table = tableChange(findings);
  const disguises = [...(table ? [table.rows > 0 ? 'vocabulary extended' : 'vocabulary pruned'] : []), ...(rearranged?.disguises ?? [])];
  const blocks = [...(rearranged?.neuronMaps ?? [])].sort((x, y) => x[0] - y[0]).map(([, map]) => map);
  return { ...kind, ...(disguises.length > 0 && { disguises }), ...(blocks.length > 0 && { neuronMap: blocks }) };
}

/** Change by role, in the order of size. */
function rolesOf(matrices: readonly TensorDelta[]): string {
  const roles = new Map<string, TensorDelta[]>();
  for (const tensor of matrices) roles.set(tensor.role, [...(roles.get(tensor.role) ?? []), tensor]);
  return [...roles]
    .map(([role, list]) => [role, changeOf(list) ?? 0] as const)
    .sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1))
    .slice(0, 8)
    .map(([role, size]) => `${role} ${percent(size)}`)
    .join(', ');
}

/** Slots as modules: blocks counted, the rest by name. */
function modulesOf(slots: readonly string[]): string {
  const blocks = new Set<string>();
  const others = new Set<string>();
  for (const slot of slots) {
    const block = /^(.*?\.\d+)\./.exec(slot);
    if (block) blocks.add(block[1]!);
    else others.add(slot.replace(/\.(weight|bias)$/, ''));
  }
  const named = [...others, ...blocks];
  return named.length === 0 ? 'nothing' : `${named.slice(0, 8).join(', ')}${named.length > 8 ? ` and ${named.length - 8} more` : ''}`;
}

export function percent(value: number): string {
  const scaled = 100 * value;
  return `${scaled.toFixed(scaled > 0 && scaled < 10 ? (scaled < 0.1 ? 3 : 1) : 0)} %`;
}
