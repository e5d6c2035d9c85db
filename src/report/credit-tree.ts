/**
 * Whose work a model is made of, as an indented tree for the terminal.
 * @module
 */
import type { CreditNode } from '../credit/index.ts';
import { clean } from './text.ts';

const ENDS: Readonly<Record<NonNullable<CreditNode['ends']>, string>> = {
  loop: 'stands above itself by the cards: not followed further',
  told: 'its own bases are told above',
  bound: 'not followed further up',
};

/** @param leftOut what is not told as a base, and why. */
export function renderCreditTree(root: CreditNode, leftOut: readonly string[]): string {
  const lines = [label(root)];
  const walk = (nodes: readonly CreditNode[], lead: string): void => {
    nodes.forEach((node, k) => {
      const isLast = k === nodes.length - 1;
      lines.push(`${lead}${isLast ? '└─ ' : '├─ '}${label(node)}`);
      walk(node.bases, `${lead}${isLast ? '   ' : '│  '}`);
    });
  };
  walk(root.bases, '');
  if (root.bases.length === 0) lines.push('no model it was made from is known');
  for (const why of leftOut) lines.push(`not told as a base: ${clean(why)}`);
  return `${lines.join('\n')}\n`;
}

function label(node: CreditNode): string {
  const parts = [
    node.licenses.length > 0 ? node.licenses.map((id) => clean(id)).join(' and ') : node.known ? 'no license known' : 'not in the register',
    ...(node.revision === undefined ? [] : [`version ${clean(node.revision)}`]),
    ...(node.change === undefined ? [] : [node.change]),
    ...(node.share === undefined ? [] : [`${Math.round(100 * node.share)} % of the weights`]),
    ...(node.because === 'subject' ? [] : [node.because === 'weights' ? 'shown by the weights' : 'named by a card']),
    ...(node.ends === undefined ? [] : [ENDS[node.ends]]),
  ];
  return `${clean(node.name)} (${parts.join('; ')})`;
}
