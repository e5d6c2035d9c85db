/**
 * Output heads: their rows mean classes, boxes or landmarks, so rows are not exchangeable and
 * strangers trained for one task agree on them.
 * @module
 */
import { roleShape, type RoleTensor } from '../model/index.ts';

/** Names under which frameworks store classifiers, detectors' heads and projections to the output. */
const HEAD_NAME =
  /(^|[._/-])(fc|conf|loc|classifier|classification|cls|logits?|head|heads|fc_out|output|out_proj_final|predictions?|bbox|boxes|box|landmarks?|regression|regress|priors?|anchors?|prob|detect|score)([._/\-0-9]|$)|(classification|regression)_headers/i;

/** Tables whose rows are users, items, words or codes: the data fixes their order. */
const TABLE_NAME =
  /(^|[._/-])(emb|embed|embeds|embedding|embeddings|items?|users?|entit(y|ies)|lookup|codebook|factors?|vocab|table)([._/\-0-9]|$)/i;

/** Gains of a norm over two axes: their rows are frequencies or places, not channels. */
const NORM_NAME = /(^|[._])(ln|layer_?norm|norm|bn|gn)\d*([._](weight|gamma|scale|g))?$/i;

/** Rows that the next matrix reads are hidden units, whatever they are called: `fc1` before `fc2`. Fewer are classes or boxes. */
const MIN_HIDDEN = 16;

/** Why a role is taken for a head, or ''. Without a graph: by name, or as the last matrix of the file. */
export function headReason(roles: readonly RoleTensor[]): (rt: RoleTensor) => string {
  const matrices = roles.filter((rt) => rt.role === 'conv' || rt.role === 'linear');
  const last = matrices.at(-1);
  const hidden = new Set(
    matrices.filter((rt, i) => {
      const next = matrices[i + 1];
      const outputs = roleShape(rt)[0];
      return next?.role === rt.role && outputs >= MIN_HIDDEN && rt.tensor.shape.length === 2 && roleShape(next)[1] === outputs;
    }),
  );
  return (rt) => {
    if (rt.role !== 'conv' && rt.role !== 'linear') return '';
    if (rt.tensor.shape.length === 2 && NORM_NAME.test(rt.slot)) return 'gains of a norm over two axes, whose rows have places';
    if (HEAD_NAME.test(rt.slot) && !hidden.has(rt)) return 'named as an output head';
    if (TABLE_NAME.test(rt.slot)) return 'named as a table, whose rows the data fixes';
    if (rt === last) return 'last matrix of the model, taken for its output head';
    return '';
  };
}
