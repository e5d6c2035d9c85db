/**
 * What a taken-apart transformer computes: the oracle for disguises that claim to keep the function.
 * Follows modeling_llama.py, modeling_gpt2.py and modeling_mixtral.py of transformers, in doubles.
 * @module
 */
import type { Block, Linear, Mlp, Norm, Transformer } from './transformer.ts';

/** Logits `[ids, tokens]` of one sequence. */
function forward(model: Transformer, ids: readonly number[]): Float64Array[] {
  const width = model.embed.columns;
  let hidden: Float64Array[] = ids.map((id, at) =>
    Float64Array.from({ length: width }, (_, j) => model.embed.data[id * width + j]! + (model.position?.data[at * width + j] ?? 0)),
  );
  for (const block of model.blocks) {
    const read = hidden.map((x) => normalize(model, block.normIn, x));
    hidden = add(hidden, attend(model, block, read));
    hidden = add(
      hidden,
      hidden.map((x) => mixture(model, block, normalize(model, block.normMlp, x))),
    );
  }
  const head: Linear = { ...(model.head ?? model.embed), bias: null };
  return hidden.map((x) => apply(head, normalize(model, model.normF, x)));
}

/** Largest difference of logits over one fixed sequence. */
export function logitDifference(a: Transformer, b: Transformer): number {
  const ids = [1, 40, 300, 77, 512, 300].map((id) => id % a.embed.rows);
  const [x, y] = [forward(a, ids), forward(b, ids)];
  let most = 0;
  x.forEach((row, at) => row.forEach((value, id) => (most = Math.max(most, Math.abs(value - y[at]![id]!)))));
  return most;
}

function apply(m: Linear, x: Float64Array): Float64Array {
  const out = new Float64Array(m.rows);
  for (let i = 0; i < m.rows; i++) {
    let sum = m.bias?.[i] ?? 0;
    for (let j = 0; j < m.columns; j++) sum += m.data[i * m.columns + j]! * x[j]!;
    out[i] = sum;
  }
  return out;
}

function normalize(model: Transformer, norm: Norm, x: Float64Array): Float64Array {
  const mean = model.family === 'gpt2' ? x.reduce((sum, value) => sum + value, 0) / x.length : 0;
  const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length + model.epsilon);
  return x.map((value, i) => (value - mean) * scale * norm.gain[i]! + (norm.bias?.[i] ?? 0));
}

function attend(model: Transformer, block: Block, read: readonly Float64Array[]): Float64Array[] {
  const size = model.headRows;
  const heads = block.q.rows / size;
  const group = heads / (block.k.rows / size);
  const turn = (x: Float64Array, at: number): Float64Array => (model.family === 'llama' ? rotary(x, at, size, model.theta) : x);
  const q = read.map((x, at) => turn(apply(block.q, x), at));
  const k = read.map((x, at) => turn(apply(block.k, x), at));
  const v = read.map((x) => apply(block.v, x));
  return read.map((_x, at) => {
    const mixed = new Float64Array(heads * size);
    for (let h = 0; h < heads; h++) {
      const g = Math.floor(h / group) * size;
      const scores = softmax(
        k.slice(0, at + 1).map((key) => {
          let sum = 0;
          for (let t = 0; t < size; t++) sum += q[at]![h * size + t]! * key[g + t]!;
          return sum / Math.sqrt(size);
        }),
      );
      scores.forEach((weight, s) => {
        for (let t = 0; t < size; t++) mixed[h * size + t]! += weight * v[s]![g + t]!;
      });
    }
    return apply(block.o, mixed);
  });
}

/** Halves of a head are the two coordinates of each plane, as transformers stores them. */
function rotary(x: Float64Array, at: number, size: number, theta: number): Float64Array {
  const out = x.slice();
  const half = size / 2;
  for (let start = 0; start < x.length; start += size)
    for (let i = 0; i < half; i++) {
      const angle = at * theta ** (-i / half);
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const [p, q] = [x[start + i]!, x[start + half + i]!];
      out[start + i] = p * c - q * s;
      out[start + half + i] = q * c + p * s;
    }
  return out;
}

/** Mixtral: softmax over the two best experts. */
function mixture(model: Transformer, block: Block, x: Float64Array): Float64Array {
  if (!block.router) return mlp(model, block.experts[0]!, x);
  const scores = [...apply({ ...block.router, bias: null }, x)].map((value, e) => ({ value, e })).sort((p, q) => q.value - p.value);
  const chosen = scores.slice(0, 2);
  const weights = softmax(chosen.map(({ value }) => value));
  const out = new Float64Array(x.length);
  chosen.forEach(({ e }, i) => mlp(model, block.experts[e]!, x).forEach((value, j) => (out[j]! += weights[i]! * value)));
  return out;
}

function mlp(model: Transformer, { gate, up, down }: Mlp, x: Float64Array): Float64Array {
  const u = apply(up, x);
  if (gate) {
    const g = apply(gate, x);
    return apply(
      down,
      u.map((value, i) => value * (g[i]! / (1 + Math.exp(-g[i]!)))),
    );
  }
  return apply(
    down,
    u.map((value) => 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)))),
  );
}

function softmax(values: readonly number[]): number[] {
  const top = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - top));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

function add(x: readonly Float64Array[], y: readonly Float64Array[]): Float64Array[] {
  return x.map((row, at) => row.map((value, j) => value + y[at]![j]!));
}
