/**
 * The matrix of disguises: what is done to a base A, and what must be said of A and the result.
 * @module
 */
import { isUnreachable } from '../../aligned/tokens.ts';
import { addNoise, eraseTokens, mixModels, pruneSmall, roundTo, transplant } from './changes.ts';
import * as d from './disguises.ts';
import { range, shuffled } from './matrices.ts';
import * as s from './shape.ts';
import type { Block, Transformer } from './transformer.ts';
import type { WriteOptions } from './write.ts';

export interface Case extends WriteOptions {
  readonly name: string;
  /** From the base, an unrelated model of its shape, and a fine-tune of the base. */
  readonly make: (a: Transformer, other: Transformer, tuned: Transformer) => Transformer;
  /** Logits are those of the base. */
  readonly keeps?: boolean;
  readonly expect: {
    /** `tie`: derived or identical. `weak`: any word but those two. */
    readonly verdict: 'tie' | 'weak';
    /** Kinds that are true of it; the first is the best. */
    readonly kinds?: readonly string[];
    readonly layerMap?: readonly number[];
    /** Of the result's values, those that come from the base. */
    readonly share?: (a: Transformer) => number;
    /** What `share.part` must say. */
    readonly part?: RegExp;
  };
}

const SEED = 71;
const tie = (kinds: readonly string[], more: Omit<Case['expect'], 'verdict' | 'kinds'> = {}): Case['expect'] => ({
  verdict: 'tie',
  kinds,
  ...more,
});
const DISGUISED = tie(['disguised']);
const TABLES_ONLY: Case['expect'] = { verdict: 'weak', part: /token tables/ };
const unreachable = (a: Transformer): number[] => (a.tokens ?? []).flatMap((token, id) => (isUnreachable(token, true) ? [id] : []));

/** What `count` blocks are of a whole model; norms and shifts weigh next to nothing. */
function blockShare({ blocks, embed, head, position }: Transformer, count: number): number {
  const size = (m: { readonly data: Float64Array } | null): number => m?.data.length ?? 0;
  const block = ({ q, k, v, o, experts }: Block): number =>
    [q, k, v, o, ...experts.flatMap(({ gate, up, down }) => [gate, up, down])].reduce((sum, m) => sum + size(m), 0);
  const [one] = blocks.map(block) as [number];
  return (count * one) / (blocks.length * one + size(embed) + size(head) + size(position));
}

/** One disguise at a time; each keeps the function. */
const single: readonly Case[] = [
  { name: 'hidden permuted and signed', make: (a) => d.permuteHidden(a, SEED), keeps: true, expect: DISGUISED },
  { name: 'hidden rotated, gains folded', make: (a) => d.rotateHidden(a, SEED), keeps: true, expect: DISGUISED },
  { name: 'residual scaled by 3', make: (a) => d.scaleResidual(a, 3), keeps: true, expect: tie(['disguised', 'fine-tune']) },
  { name: 'neurons permuted', make: (a) => d.permuteNeurons(a, SEED), keeps: true, expect: DISGUISED },
  { name: 'neurons scaled and signed', make: (a) => d.scaleNeurons(a, SEED), keeps: true, expect: DISGUISED },
  { name: 'heads permuted', make: (a) => d.permuteHeads(a, SEED), keeps: true, expect: tie(['disguised', 'partial']) },
  { name: 'queries and keys re-based', make: (a) => d.rebaseKeys(a, SEED), keeps: true, expect: tie(['disguised', 'partial']) },
  { name: 'values and outputs re-based', make: (a) => d.rebaseValues(a, SEED), keeps: true, expect: tie(['disguised', 'partial']) },
  { name: 'gains scattered', make: (a) => d.scatterGains(a, SEED), keeps: true, expect: DISGUISED },
  { name: 'gains folded', make: (a) => d.foldGains(a), keeps: true, expect: DISGUISED },
  { name: 'grouped heads repeated', make: (a) => d.repeatKeys(a), keeps: true, expect: tie(['disguised', 'partial', 'width-changed']) },
];

const naming: readonly Case[] = [
  { name: 'qkv and gate-up fused', make: (a) => a, keeps: true, naming: 'fused', expect: tie(['re-encoded', 'copy']) },
  { name: 'tensors renamed', make: (a) => a, keeps: true, naming: 'renamed', expect: tie(['re-encoded', 'copy']) },
  { name: 'tensors under an unknown prefix', make: (a) => a, keeps: true, naming: 'prefixed', expect: tie(['re-encoded', 'copy']) },
  { name: 'tensors under unknown names', make: (a) => a, keeps: true, naming: 'unknown', expect: tie(['re-encoded', 'copy']) },
  { name: 'unknown names, neurons permuted', make: (a) => d.permuteNeurons(a, SEED), keeps: true, naming: 'unknown', expect: DISGUISED },
  { name: 'unknown names, hidden permuted', make: (a) => d.permuteHidden(a, SEED), keeps: true, naming: 'unknown', expect: DISGUISED },
  { name: 'unknown names, fine-tuned', make: (_a, _o, tuned) => tuned, naming: 'unknown', expect: tie(['fine-tune']) },
  { name: 'unknown names, all disguises', make: (a) => d.disguiseAll(a, SEED), naming: 'unknown', expect: DISGUISED },
];

const order = (a: Transformer): number[] => shuffled(a.embed.rows, SEED);
const vocabulary: readonly Case[] = [
  { name: 'vocabulary permuted', make: (a) => s.pickTokens(a, order(a)), expect: tie(['disguised']) },
  { name: 'vocabulary permuted, no tokenizer', make: (a) => ({ ...s.pickTokens(a, order(a)), tokens: null }), expect: tie(['disguised']) },
  { name: 'vocabulary extended by 100', make: (a) => s.extendTokens(a, 100, SEED), expect: tie(['fine-tune', 'copy', 'partial']) },
  { name: 'vocabulary pruned to 60 %', make: (a) => s.pickTokens(a, range(600)), expect: tie(['partial', 'pruned', 'copy']) },
  {
    name: 'tokenizer with half the strings',
    make: (a) => s.changeTokenizer(a, 0.5, SEED),
    expect: tie(['partial', 'disguised', 'fine-tune']),
  },
  {
    name: 'half the strings, all disguises',
    make: (a) => d.disguiseAll(s.changeTokenizer(a, 0.5, SEED), SEED),
    expect: DISGUISED,
  },
  { name: 'token strings replaced', make: (a) => s.renameTokens(a, SEED), keeps: true, expect: tie(['copy', 're-encoded']) },
  { name: 'token strings replaced, rotated', make: (a) => d.rotateHidden(s.renameTokens(a, SEED), SEED), keeps: true, expect: DISGUISED },
  {
    name: 'token strings replaced, all disguises',
    make: (a) => d.disguiseAll(s.renameTokens(a, SEED), SEED),
    keeps: true,
    expect: DISGUISED,
  },
  {
    name: 'strings replaced and shuffled, all disguises',
    make: (a) => d.disguiseAll(s.pickTokens(s.renameTokens(a, SEED), order(a)), SEED),
    expect: DISGUISED,
  },
  { name: 'no tokenizer, neurons permuted', make: (a) => ({ ...d.permuteNeurons(a, SEED), tokens: null }), keeps: true, expect: DISGUISED },
  { name: 'no tokenizer, hidden permuted', make: (a) => ({ ...d.permuteHidden(a, SEED), tokens: null }), keeps: true, expect: DISGUISED },
  { name: 'no tokenizer, rotated', make: (a) => ({ ...d.rotateHidden(a, SEED), tokens: null }), keeps: true, expect: DISGUISED },
  { name: 'no tokenizer, all disguises', make: (a) => ({ ...d.disguiseAll(a, SEED), tokens: null }), keeps: true, expect: DISGUISED },
  {
    name: 'all disguises, unreachable rows erased',
    make: (a) => d.disguiseAll(eraseTokens(a, unreachable(a), SEED), SEED),
    expect: DISGUISED,
  },
];

const shapes: readonly Case[] = [
  {
    name: 'neurons widened 1.5 x',
    make: (a) => s.widenNeurons(a, 1.5 * a.blocks[0]!.experts[0]!.up.rows, SEED),
    keeps: true,
    expect: tie(['width-changed']),
  },
  {
    name: 'neurons widened 1.5 x, all disguises',
    make: (a) => d.disguiseAll(s.widenNeurons(a, 1.5 * a.blocks[0]!.experts[0]!.up.rows, SEED), SEED),
    keeps: true,
    expect: tie(['width-changed']),
  },
  {
    name: 'hidden widened by zeros',
    make: (a) => s.widenByZeros(a, a.embed.columns + 32, SEED),
    keeps: true,
    expect: tie(['width-changed']),
  },
  { name: 'hidden widened by copies', make: (a) => s.widenByCopies(a), keeps: true, expect: tie(['width-changed']) },
  {
    name: 'hidden widened by zeros, all disguises',
    make: (a) => d.disguiseAll(s.widenByZeros(a, a.embed.columns + 32, SEED), SEED),
    expect: tie(['width-changed', 'disguised']),
  },
  { name: 'hidden pruned to four fifths', make: (a) => s.pruneHidden(a, 0.75 * a.embed.columns + 6, SEED), expect: tie(['width-changed']) },
  { name: 'neurons pruned to two thirds', make: (a) => s.pruneNeurons(a, 192, SEED), expect: tie(['width-changed', 'pruned']) },
  {
    name: 'neurons pruned to two thirds, all disguises',
    make: (a) => d.disguiseAll(s.pruneNeurons(a, 192, SEED), SEED),
    expect: tie(['width-changed', 'disguised']),
  },
  {
    name: 'heads pruned to half',
    make: (a) => s.pruneHeads(a, a.blocks[0]!.k.rows / a.headRows / 2),
    expect: tie(['width-changed', 'pruned', 'partial']),
  },
  {
    name: 'identity layers inserted',
    make: (a) => s.insertIdentity(a, [0, 2], SEED),
    keeps: true,
    expect: tie(['depth-changed'], { layerMap: [0, -1, 1, 2, -1, 3] }),
  },
  {
    name: 'identity layers inserted, all disguises',
    make: (a) => d.disguiseAll(s.insertIdentity(a, [0, 2], SEED), SEED),
    keeps: true,
    expect: tie(['depth-changed', 'disguised'], { layerMap: [0, -1, 1, 2, -1, 3] }),
  },
  { name: 'layer dropped', make: (a) => s.pickLayers(a, [0, 1, 3]), expect: tie(['depth-changed'], { layerMap: [0, 1, 3] }) },
  {
    name: 'layers doubled',
    make: (a) => s.pickLayers(a, [0, 1, 2, 1, 2, 3]),
    expect: tie(['depth-changed'], { layerMap: [0, 1, 2, 1, 2, 3] }),
  },
  { name: 'layers reordered', make: (a) => s.pickLayers(a, [0, 2, 1, 3]), expect: tie(['depth-changed'], { layerMap: [0, 2, 1, 3] }) },
  {
    name: 'layers reordered, all disguises',
    make: (a) => d.disguiseAll(s.pickLayers(a, [0, 2, 1, 3]), SEED),
    expect: tie(['depth-changed', 'disguised'], { layerMap: [0, 2, 1, 3] }),
  },
  {
    name: 'layers doubled, all disguises',
    make: (a) => d.disguiseAll(s.pickLayers(a, [0, 1, 2, 1, 2, 3]), SEED),
    expect: tie(['depth-changed', 'disguised'], { layerMap: [0, 1, 2, 1, 2, 3] }),
  },
  {
    name: 'layer dropped, all disguises',
    make: (a) => d.disguiseAll(s.pickLayers(a, [0, 1, 3]), SEED),
    expect: tie(['depth-changed', 'disguised'], { layerMap: [0, 1, 3] }),
  },
  {
    name: 'upcycled to 4 experts',
    make: (a) => s.upcycle(a, 4, 0.01, SEED),
    expect: tie(['depth-changed', 'partial', 'width-changed', 'disguised', 'fine-tune']),
  },
  {
    name: 'upcycled to 4 experts, all disguises',
    make: (a) => d.disguiseAll(s.upcycle(a, 4, 0.01, SEED), SEED),
    expect: tie(['depth-changed', 'partial', 'width-changed', 'disguised', 'fine-tune']),
  },
];

const values: readonly Case[] = [
  ...[0.01, 0.1, 0.3, 1].map((sd): Case => ({
    name: `noise of ${sd} sd`,
    make: (a) => addNoise(a, sd, SEED),
    expect: tie(['fine-tune', 'noise']),
  })),
  ...[0.5, 0.8].map((share): Case => ({ name: `${100 * share} % pruned`, make: (a) => pruneSmall(a, share), expect: tie(['pruned']) })),
  ...[8, 4, 2].map((bits): Case => ({
    name: `int${bits}`,
    make: (a) => roundTo(a, bits, bits === 8 ? 1024 : 32),
    expect: tie(['quantized']),
  })),
  { name: 'fine-tuned', make: (_a, _o, tuned) => tuned, expect: tie(['fine-tune']) },
  ...[0.5, 0.3, 0.1].map((share): Case => ({
    name: `merged with a stranger, share ${share}`,
    make: (a, other) => mixModels(a, other, share),
    expect: tie(['merge', 'fine-tune']),
  })),
  { name: 'merged with a relative, share 0.5', make: (a, _o, tuned) => mixModels(a, tuned, 0.5), expect: tie(['merge', 'fine-tune']) },
  {
    name: 'merged with a stranger, share 0.5, all disguises',
    make: (a, other) => d.disguiseAll(mixModels(a, other, 0.5), SEED),
    expect: tie(['merge', 'disguised']),
  },
];

const parts: readonly Case[] = [
  {
    name: 'one stolen layer in a stranger',
    make: (a, other) => transplant(other, a, 2, 1),
    expect: tie(['partial'], { share: (a) => blockShare(a, 1) }),
  },
  {
    name: 'one stolen layer in a stranger, all disguises',
    make: (a, other) => d.disguiseAll(transplant(other, a, 2, 1), SEED),
    expect: { verdict: 'weak' },
  },
  {
    name: 'two stolen layers in a stranger',
    make: (a, other) => transplant(transplant(other, a, 2, 1), a, 1, 3),
    expect: tie(['partial'], { share: (a) => blockShare(a, 2) }),
  },
  {
    name: 'layers of A, token tables of a stranger',
    make: (a, other) => ({ ...other, blocks: a.blocks }),
    expect: tie(['partial'], { share: (a) => blockShare(a, a.blocks.length) }),
  },
  {
    name: 'layers of A, token tables of a stranger, neurons permuted',
    make: (a, other) => d.permuteNeurons({ ...other, blocks: a.blocks }, SEED),
    expect: tie(['partial', 'disguised']),
  },
  { name: 'embedding table alone', make: (a, other) => ({ ...other, embed: a.embed }), expect: TABLES_ONLY },
  { name: 'head alone', make: (a, other) => ({ ...other, head: a.head }), expect: TABLES_ONLY },
  {
    name: 'embedding and head alone',
    make: (a, other) => ({ ...other, embed: a.embed, head: a.head }),
    expect: TABLES_ONLY,
  },
  {
    name: 'embedding alone, rotated',
    make: (a, other) => d.rotateHidden({ ...other, embed: a.embed, head: a.head }, SEED),
    expect: { verdict: 'weak' },
  },
  { name: 'tokenizer and configuration alone', make: (_a, other) => other, expect: { verdict: 'weak' } },
];

const all = (a: Transformer): Transformer => d.disguiseAll(a, SEED);
const together: readonly Case[] = [
  { name: 'all disguises', make: (a) => all(a), keeps: true, expect: DISGUISED },
  ...[0.1, 0.3, 1].map((sd): Case => ({
    name: `all disguises, noise of ${sd} sd`,
    make: (a) => addNoise(all(a), sd, SEED),
    expect: DISGUISED,
  })),
  { name: 'all disguises, 50 % pruned', make: (a) => pruneSmall(all(a), 0.5), expect: tie(['disguised', 'pruned']) },
  { name: 'all disguises, 80 % pruned', make: (a) => pruneSmall(all(a), 0.8), expect: tie(['disguised', 'pruned']) },
  ...[4, 2].map((bits): Case => ({
    name: `all disguises, int${bits}`,
    make: (a) => roundTo(all(a), bits, 32),
    expect: tie(['disguised', 'quantized']),
  })),
  { name: 'fine-tuned, all disguises', make: (_a, _o, tuned) => all(tuned), expect: DISGUISED },
  {
    name: 'fine-tuned, all disguises, vocabulary permuted, noise of 0.1 sd',
    make: (_a, _o, tuned) => addNoise(s.pickTokens(all(tuned), order(tuned)), 0.1, SEED),
    expect: DISGUISED,
  },
  {
    name: 'fine-tuned, all disguises, unreachable rows erased',
    make: (_a, _o, tuned) => all(eraseTokens(tuned, unreachable(tuned), SEED)),
    expect: DISGUISED,
  },
  {
    name: 'fine-tuned, neurons pruned, layer dropped, all disguises, int4',
    make: (_a, _o, tuned) => roundTo(all(s.pruneNeurons(s.pickLayers(tuned, [0, 1, 3]), 192, SEED)), 4, 32),
    expect: tie(['width-changed', 'depth-changed', 'disguised', 'quantized'], { layerMap: [0, 1, 3] }),
  },
];

export const CASES: readonly Case[] = [...single, ...naming, ...vocabulary, ...shapes, ...values, ...parts, ...together];
