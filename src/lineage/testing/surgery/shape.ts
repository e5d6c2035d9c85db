/**
 * Surgery that changes widths, depths, experts and vocabularies. What is said to keep the function does (see forward.ts).
 * @module
 */
import { randomness } from '../synthetic.ts';
import { pickColumns, pickRows, pickValues, range, shuffled } from './matrices.ts';
import { mapBlocks, mapMatrices, mapMlps, type Matrix, matrix, type Norm, type Transformer } from './transformer.ts';

/** Neurons repeated at random up to `count`, what each writes divided by its copies; keeps the function. */
export function widenNeurons(model: Transformer, count: number, seed: number): Transformer {
  return mapMlps(model, ({ gate, up, down }, n) => {
    const { uniform } = randomness(seed + n);
    const order = [...range(up.rows), ...range(count - up.rows).map(() => Math.floor(uniform() * up.rows))];
    const copies = new Float64Array(up.rows);
    for (const from of order) copies[from]!++;
    return {
      gate: gate && pickRows(gate, order),
      up: pickRows(up, order),
      down: pickColumns(down, order, (j) => 1 / copies[order[j]!]!),
    };
  });
}

/** Hidden channels picked by `order`: -1 gives a channel of zeros; what reads a channel is scaled by `read`, gains by `gain`. */
function pickHidden(model: Transformer, order: readonly number[], read: (j: number) => number, gain: number): Transformer {
  const norm = (n: Norm): Norm => ({
    gain: pickValues(n.gain, order).map((g, i) => (order[i]! < 0 ? 1 : g * gain)),
    bias: n.bias && pickValues(n.bias, order),
  });
  const changed = mapBlocks(model, (block) => ({
    normIn: norm(block.normIn),
    q: pickColumns(block.q, order, read),
    k: pickColumns(block.k, order, read),
    v: pickColumns(block.v, order, read),
    o: pickRows(block.o, order),
    normMlp: norm(block.normMlp),
    experts: block.experts.map(({ gate, up, down }) => ({
      gate: gate && pickColumns(gate, order, read),
      up: pickColumns(up, order, read),
      down: pickRows(down, order),
    })),
    router: block.router && pickColumns(block.router, order, read),
  }));
  return {
    ...changed,
    embed: pickColumns(model.embed, order),
    position: model.position && pickColumns(model.position, order),
    head: pickColumns(model.head ?? model.embed, order, read),
    normF: norm(model.normF),
  };
}

/** Channels of zeros added at random places; RMSNorm's mean over more channels is undone in the gains; keeps the function of Llama-type models. */
export function widenByZeros(model: Transformer, width: number, seed: number): Transformer {
  const old = model.embed.columns;
  const places = shuffled(width, seed)
    .slice(0, old)
    .sort((x, y) => x - y);
  const order = range(width).map((j) => places.indexOf(j));
  const made = pickHidden(model, order, () => 1, Math.sqrt(old / width));
  return { ...made, epsilon: (model.epsilon * old) / width };
}

/** Every channel twice, what reads them halved; keeps the function. */
export function widenByCopies(model: Transformer): Transformer {
  const old = range(model.embed.columns);
  return pickHidden(model, [...old, ...old], () => 0.5, 1);
}

export function pruneHidden(model: Transformer, keep: number, seed: number): Transformer {
  const order = shuffled(model.embed.columns, seed)
    .slice(0, keep)
    .sort((x, y) => x - y);
  return pickHidden(model, order, () => 1, 1);
}

export function pruneNeurons(model: Transformer, keep: number, seed: number): Transformer {
  return mapMlps(model, ({ gate, up, down }, n) => {
    const order = shuffled(up.rows, seed + n)
      .slice(0, keep)
      .sort((x, y) => x - y);
    return { gate: gate && pickRows(gate, order), up: pickRows(up, order), down: pickColumns(down, order) };
  });
}

/** Keeps `groups` key/value groups with their queries. */
export function pruneHeads(model: Transformer, groups: number): Transformer {
  const size = model.headRows;
  return mapBlocks(model, (block) => {
    const rows = range(groups * size, block.k.rows - groups * size);
    const per = block.q.rows / block.k.rows;
    const queries = range(groups * size * per, block.q.rows - groups * size * per);
    return {
      ...block,
      q: pickRows(block.q, queries),
      k: pickRows(block.k, rows),
      v: pickRows(block.v, rows),
      o: pickColumns(block.o, queries),
    };
  });
}

/** Blocks dropped, repeated or reordered: block j of the result is block `order[j]`. */
export function pickLayers(model: Transformer, order: readonly number[]): Transformer {
  return { ...model, blocks: order.map((n) => model.blocks[n]!) };
}

/** After each block of `after` a random one that writes nothing; keeps the function. */
export function insertIdentity(model: Transformer, after: readonly number[], seed: number): Transformer {
  const blank = mapMatrices({ ...model, head: null }, noisyLike(seed));
  const silent = <T extends Matrix & { bias: Float64Array | null }>(m: T): T => ({
    ...m,
    data: new Float64Array(m.data.length),
    bias: m.bias && new Float64Array(m.bias.length),
  });
  const blocks = model.blocks.flatMap((block, n) => {
    const made = blank.blocks[n]!;
    if (!after.includes(n)) return [block];
    return [block, { ...made, o: silent(made.o), experts: made.experts.map((mlp) => ({ ...mlp, down: silent(mlp.down) })) }];
  });
  return { ...model, blocks };
}

function noisyLike(seed: number): (m: Matrix) => Matrix {
  const { normal } = randomness(seed);
  return (m) => ({ ...m, data: m.data.map(() => 0.02 * normal()) });
}

/** Every MLP becomes `count` experts, copies of it with noise of `noise` standard deviations, behind a random router; without noise the function is kept. */
export function upcycle(model: Transformer, count: number, noise: number, seed: number): Transformer {
  const { normal } = randomness(seed);
  const shake = <T extends Matrix>(m: T): T => {
    const size = noise * deviation(m.data);
    return { ...m, data: m.data.map((x) => x + size * normal()) };
  };
  return mapBlocks(model, (block) => ({
    ...block,
    experts: range(count).map(() => {
      const [{ gate, up, down }] = block.experts as [(typeof block.experts)[number]];
      return { gate: gate && shake(gate), up: shake(up), down: shake(down) };
    }),
    router: matrix(count, model.embed.columns, () => 0.02 * normal()),
  }));
}

export function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
}

/** The tokens' rows in another order; keeps the function up to ids. Id i of the result is id `order[i]`. */
export function pickTokens(model: Transformer, order: readonly number[]): Transformer {
  return {
    ...model,
    embed: pickRows(model.embed, order),
    head: model.head && pickRows(model.head, order),
    tokens: model.tokens && order.map((id) => model.tokens![id] ?? ''),
  };
}

/** `count` new tokens with rows drawn about the mean row, as resizing does. */
export function extendTokens(model: Transformer, count: number, seed: number): Transformer {
  const { normal } = randomness(seed);
  const extend = (m: Matrix): Matrix => {
    const mean = Float64Array.from({ length: m.columns }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < m.rows; i++) sum += m.data[i * m.columns + j]! / m.rows;
      return sum;
    });
    return matrix(m.rows + count, m.columns, (i, j) => (i < m.rows ? m.data[i * m.columns + j]! : mean[j]! + 0.02 * normal()));
  };
  return {
    ...model,
    embed: extend(model.embed),
    head: model.head && extend(model.head),
    tokens: model.tokens && [...model.tokens, ...range(count).map((i) => `⟨new${seed}-${i}⟩`)],
  };
}

/** Another tokenizer: `share` of the strings stay with their rows, the others and their rows are new (convex mixtures of old ones); ids are shuffled. */
export function changeTokenizer(model: Transformer, share: number, seed: number): Transformer {
  const { uniform } = randomness(seed);
  const count = model.embed.rows;
  const kept = new Set(shuffled(count, seed).slice(0, Math.round(share * count)));
  const mixes = range(count).map(() => [Math.floor(uniform() * count), Math.floor(uniform() * count), uniform()] as const);
  const mix = (m: Matrix): Matrix =>
    matrix(count, m.columns, (i, j) => {
      if (kept.has(i)) return m.data[i * m.columns + j]!;
      const [p, q, w] = mixes[i]!;
      return w * m.data[p * m.columns + j]! + (1 - w) * m.data[q * m.columns + j]!;
    });
  const tokens = model.tokens && model.tokens.map((token, id) => (kept.has(id) ? token : `⟨other${seed}-${id}⟩`));
  return pickTokens({ ...model, embed: mix(model.embed), head: model.head && mix(model.head), tokens }, shuffled(count, seed + 1));
}

/** The same rows under strings of another language; keeps the function. */
export function renameTokens(model: Transformer, seed: number): Transformer {
  return { ...model, tokens: model.tokens && model.tokens.map((_token, id) => `⟨other${seed}-${id}⟩`) };
}
