/**
 * Which axis of a Keras weight is the output. Keras stores kernels `[...spatial, in, out]` on every back end.
 * Sources: Keras 3 layer code (`kernel` shapes of Dense, Conv*, DepthwiseConv*, Conv*Transpose, recurrent cells, MultiHeadAttention) and its saving code:
 * legacy files name weights (`dense/kernel:0`), Keras 3 numbers them under the layer class (`layers/conv2d_1/vars/0`).
 * @module
 */

/**
 * @param path of the weight inside its file.
 * @returns the order that puts outputs first, or undefined when rows are outputs already or nothing says what they are.
 */
export function kerasOutputFirst(path: string, rank: number): readonly number[] | undefined {
  const parts = path.toLowerCase().replace(/:\d+$/, '').split('/');
  const name = parts.at(-1) ?? '';
  const layer = parts.slice(0, -1).join('/');
  if (rank < 2 || rank > 5) return undefined;
  const numbered = /^\d+$/.test(name);
  if (!numbered && !name.endsWith('kernel')) return undefined;
  if (numbered && !/(^|\/)[a-z0-9_]*(dense|conv|lstm|gru|rnn)[a-z0-9_]*\/vars$/.test(layer)) return undefined;
  // Attention keeps heads apart: query, key and value are [in, heads, size], the output is [heads, size, out].
  if (rank === 3 && /(query|key|value)(_dense)?(\/vars)?$/.test(layer)) return [1, 2, 0];
  if (rank === 3 && /(attention_output|output_dense)(\/vars)?$/.test(layer)) return [2, 0, 1];
  // Any other einsum says what its axes are only in its equation.
  if (/einsum_dense[^/]*(\/vars)?$/.test(layer)) return undefined;
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i);
  const turned = name === 'depthwise_kernel' || /(depthwise_conv|transpose)[^/]*(\/vars)?$/.test(layer);
  // Depthwise: [..., in, multiplier]; transposed: [..., out, in].
  if (turned && rank > 2) return [rank - 2, rank - 1, ...spatial];
  return [rank - 1, rank - 2, ...spatial];
}
