/**
 * Rearrangements that keep a transformer's function: each returns another model that computes the same logits (see forward.ts).
 * Algebra: research "lineage", section 2.
 * @module
 */
import { multiply } from '../../../math/index.ts';
import { randomness } from '../synthetic.ts';
import { invertible, mixColumns, mixRows, pickColumns, pickRows, pickValues, range, rotation, shuffled, transposed } from './matrices.ts';
import { type Block, type Linear, mapBlocks, mapMlps, type Matrix, type Norm, type Transformer } from './transformer.ts';

/** What happens to the hidden space: `read` to rows that read it, `write` to matrices that write it, `vector` to norms and shifts. */
interface HiddenChange {
  readonly read: <T extends Matrix>(m: T) => T;
  readonly write: (m: Linear) => Linear;
  readonly norm: (n: Norm) => Norm;
}

function changeHidden(model: Transformer, { read, write, norm }: HiddenChange): Transformer {
  const changed = mapBlocks(model, (block) => ({
    normIn: norm(block.normIn),
    q: read(block.q),
    k: read(block.k),
    v: read(block.v),
    o: write(block.o),
    normMlp: norm(block.normMlp),
    experts: block.experts.map(({ gate, up, down }) => ({ gate: gate && read(gate), up: read(up), down: write(down) })),
    router: block.router && read(block.router),
  }));
  return {
    ...changed,
    embed: read(model.embed),
    position: model.position && read(model.position),
    head: model.head && read(model.head),
    normF: norm(model.normF),
  };
}

/** Channels in another order, each possibly negated (RMSNorm only: LayerNorm's mean forbids signs). */
export function permuteHidden(model: Transformer, seed: number, signs: boolean = model.family === 'llama'): Transformer {
  const order = shuffled(model.embed.columns, seed);
  const { uniform } = randomness(seed + 1);
  const sign = order.map(() => (signs && uniform() < 0.5 ? -1 : 1));
  const by = (i: number): number => sign[i]!;
  return changeHidden(model, {
    read: (m) => pickColumns(m, order, by),
    write: (m) => pickRows(m, order, by),
    norm: (n) => ({ gain: pickValues(n.gain, order), bias: n.bias && pickValues(n.bias, order, by) }),
  });
}

/** Gains become one: what follows a norm takes its gain in; a tied head is cut loose. */
export function foldGains(model: Transformer): Transformer {
  return rescaleGains(model, (n: Norm) => n.gain.map((g) => 1 / (g || 1)));
}

/** Gains times `scale`, and what reads them divided. */
function rescaleGains(model: Transformer, scale: (n: Norm) => Float64Array): Transformer {
  const scaled = (n: Norm): readonly [Norm, <T extends Matrix>(m: T) => T] => {
    const s = scale(n);
    return [
      { gain: n.gain.map((g, i) => g * s[i]!), bias: n.bias && n.bias.map((b, i) => b * s[i]!) },
      <T extends Matrix>(m: T): T => pickColumns(m, range(m.columns), (j) => 1 / s[j]!),
    ];
  };
  const [normF, toHead] = scaled(model.normF);
  const changed = mapBlocks(model, (block) => {
    const [normIn, toAttention] = scaled(block.normIn);
    const [normMlp, toMlp] = scaled(block.normMlp);
    return {
      ...block,
      normIn,
      q: toAttention(block.q),
      k: toAttention(block.k),
      v: toAttention(block.v),
      normMlp,
      experts: block.experts.map(({ gate, up, down }) => ({ gate: gate && toMlp(gate), up: toMlp(up), down })),
      router: block.router && toMlp(block.router),
    };
  });
  return { ...changed, normF, head: toHead(model.head ?? model.embed) };
}

/** Gains scattered by factors of about two, undone in the matrices behind them. */
export function scatterGains(model: Transformer, seed: number): Transformer {
  const { normal } = randomness(seed);
  return rescaleGains(model, (n) => n.gain.map(() => Math.exp(0.7 * normal())));
}

/** Gains folded, then the whole hidden space turned. */
export function rotateHidden(model: Transformer, seed: number): Transformer {
  const width = model.embed.columns;
  const r = rotation(width, seed, model.family === 'gpt2');
  const right = <T extends Matrix>(m: T): T => ({ ...m, data: multiply(m.data, r.data, m.rows, width, width) });
  const back = transposed(r);
  return changeHidden(foldGains(model), {
    read: right,
    write: (m) => mixRows(m, 0, back),
    norm: (n) => ({ gain: n.gain, bias: n.bias && multiply(n.bias, r.data, 1, width, width) }),
  });
}

/** Everything in the hidden space times `factor`; the norms' epsilon follows. */
export function scaleResidual(model: Transformer, factor: number): Transformer {
  const all = <T extends Matrix>(m: T): T => ({ ...m, data: m.data.map((x) => x * factor) });
  const write = (m: Linear): Linear => ({ ...all(m), bias: m.bias && m.bias.map((x) => x * factor) });
  const changed = mapBlocks(model, (block) => ({
    ...block,
    o: write(block.o),
    experts: block.experts.map((mlp) => ({ ...mlp, down: write(mlp.down) })),
  }));
  return {
    ...changed,
    embed: all(model.embed),
    head: model.head ?? model.embed,
    position: model.position && all(model.position),
    epsilon: model.epsilon * factor ** 2,
  };
}

export function permuteNeurons(model: Transformer, seed: number): Transformer {
  return mapMlps(model, ({ gate, up, down }, n) => {
    const order = shuffled(up.rows, seed + n);
    return { gate: gate && pickRows(gate, order), up: pickRows(up, order), down: pickColumns(down, order) };
  });
}

/** What a neuron reads times a factor of either sign, what it writes divided by it; gated MLPs only. */
export function scaleNeurons(model: Transformer, seed: number): Transformer {
  const { normal, uniform } = randomness(seed);
  return mapMlps(model, (mlp) => {
    if (!mlp.gate) return mlp;
    const scale = range(mlp.up.rows).map(() => Math.exp(0.7 * normal()) * (uniform() < 0.5 ? -1 : 1));
    return {
      ...mlp,
      up: pickRows(mlp.up, range(mlp.up.rows), (i) => scale[i]!),
      down: pickColumns(mlp.down, range(mlp.up.rows), (i) => 1 / scale[i]!),
    };
  });
}

/** Key/value groups in another order, and the query heads inside each. */
export function permuteHeads(model: Transformer, seed: number): Transformer {
  const size = model.headRows;
  const rows = (heads: readonly number[]): number[] => heads.flatMap((h) => range(size, h * size));
  return mapBlocks(model, (block, n) => {
    const groups = shuffled(block.k.rows / size, seed + n);
    const per = block.q.rows / block.k.rows;
    const heads = groups.flatMap((g, i) => shuffled(per, seed + 17 * n + i).map((h) => g * per + h));
    return {
      ...block,
      q: pickRows(block.q, rows(heads)),
      k: pickRows(block.k, rows(groups)),
      v: pickRows(block.v, rows(groups)),
      o: pickColumns(block.o, rows(heads)),
    };
  });
}

/** Queries and keys in another basis of each head: turned and scaled inside the rotary planes, or freely where positions are learned. */
export function rebaseKeys(model: Transformer, seed: number): Transformer {
  const size = model.headRows;
  return mapBlocks(model, (block, n) => {
    let { q, k } = block;
    const per = q.rows / k.rows;
    for (let g = 0; g < k.rows / size; g++) {
      const [m, inverse] = model.family === 'llama' ? planes(size, seed + 31 * n + g) : invertible(size, seed + 31 * n + g);
      k = mixRows(k, g * size, transposed(inverse));
      for (let h = 0; h < per; h++) q = mixRows(q, (g * per + h) * size, m);
    }
    return { ...block, q, k };
  });
}

/** A turn and a scale in every rotary plane, and the inverse. */
function planes(size: number, seed: number): readonly [Matrix, Matrix] {
  const { uniform } = randomness(seed);
  const half = size / 2;
  const [m, inverse] = [new Float64Array(size * size), new Float64Array(size * size)];
  for (let i = 0; i < half; i++) {
    const [angle, scale] = [2 * Math.PI * uniform(), 2 ** (2 * uniform() - 1)];
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const put = (to: Float64Array, cc: number, ss: number): void => {
      to[i * size + i] = to[(i + half) * size + i + half] = cc;
      to[i * size + i + half] = -ss;
      to[(i + half) * size + i] = ss;
    };
    put(m, c * scale, s * scale);
    put(inverse, c / scale, -s / scale);
  }
  return [
    { rows: size, columns: size, data: m },
    { rows: size, columns: size, data: inverse },
  ];
}

/** Values and outputs in another basis of each head. */
export function rebaseValues(model: Transformer, seed: number): Transformer {
  const size = model.headRows;
  return mapBlocks(model, (block, n) => {
    let { v, o } = block;
    const per = block.q.rows / v.rows;
    for (let g = 0; g < v.rows / size; g++) {
      const [m, inverse] = invertible(size, seed + 37 * n + g);
      v = mixRows(v, g * size, m);
      for (let h = 0; h < per; h++) o = mixColumns(o, (g * per + h) * size, inverse);
    }
    return { ...block, v, o };
  });
}

/** Grouped key and value heads repeated, one for each query head. */
export function repeatKeys(model: Transformer): Transformer {
  const size = model.headRows;
  return mapBlocks(model, (block: Block) => {
    const per = block.q.rows / block.k.rows;
    const order = range(block.q.rows / size).flatMap((h) => range(size, Math.floor(h / per) * size));
    return { ...block, k: pickRows(block.k, order), v: pickRows(block.v, order) };
  });
}

/** Everything above at once that the family allows. */
export function disguiseAll(model: Transformer, seed: number): Transformer {
  const steps: ((m: Transformer) => Transformer)[] = [
    (m) => permuteNeurons(m, seed),
    (m) => scaleNeurons(m, seed + 1000),
    (m) => permuteHeads(m, seed + 2000),
    (m) => rebaseKeys(m, seed + 3000),
    (m) => rebaseValues(m, seed + 4000),
    (m) => rotateHidden(m, seed + 5000),
    (m) => scatterGains(m, seed + 6000),
    (m) => scaleResidual(m, 3),
  ];
  return steps.reduce((made, step) => step(made), model);
}
