/**
 * Output heads: their rows mean classes, boxes or landmarks, so rows are not exchangeable and
 * strangers trained for one task agree on them.
 * @module
 */
import type { RoleTensor } from '../model/index.ts';

/** Names under which frameworks store classifiers, detectors' heads and projections to the output. */
const HEAD_NAME =
  /(^|[._/-])(fc|conf|loc|classifier|classification|cls|logits?|head|heads|fc_out|output|out_proj_final|predictions?|bbox|boxes|box|landmarks?|regression|regress|priors?|anchors?|prob|detect|score)([._/\-0-9]|$)|(classification|regression)_headers/i;

/** Tables whose rows are users, items, words or codes: the data fixes their order. */
const TABLE_NAME =
  /(^|[._/-])(emb|embed|embeds|embedding|embeddings|items?|users?|entit(y|ies)|lookup|codebook|factors?|vocab|table)([._/\-0-9]|$)/i;

/** Why a role is taken for a head, or ''. Without a graph: by name, or as the last matrix of the file. */
export function headReason(roles: readonly RoleTensor[]): (rt: RoleTensor) => string {
  const matrices = roles.filter((rt) => rt.role === 'conv' || rt.role === 'linear');
  const last = matrices.at(-1);
  return (rt) => {
    if (rt.role !== 'conv' && rt.role !== 'linear') return '';
    if (HEAD_NAME.test(rt.slot)) return 'named as an output head';
    if (TABLE_NAME.test(rt.slot)) return 'named as a table, whose rows the data fixes';
    if (rt === last) return 'last matrix of the model, taken for its output head';
    return '';
  };
}
