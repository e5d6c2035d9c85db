/** Going through a template's tree. @module */
import type { Expr, Statement } from './jinja-types.ts';

/** Statements inside a statement. */
export function bodies(one: Statement): readonly (readonly Statement[])[] {
  if (one.kind === 'if') return one.branches.map((branch) => branch.body);
  if (one.kind === 'for') return [one.body, one.otherwise];
  return one.kind === 'scope' || one.kind === 'macro' ? [one.body] : [];
}

/** Expressions directly inside an expression. */
export function partsOf(e: Expr): Expr[] {
  switch (e.kind) {
    case 'list':
      return [...e.items];
    case 'dict':
      return e.pairs.flat();
    case 'attribute':
    case 'unary':
      return [e.of];
    case 'item':
      return [e.of, e.key];
    case 'slice':
      return [e.from, e.to, e.step].filter((part) => part !== null);
    case 'call':
    case 'test':
      return [e.of, ...e.args, ...e.named.map(([, value]) => value)];
    case 'filter':
      return [...(e.of ? [e.of] : []), ...e.args, ...e.named.map(([, value]) => value)];
    case 'binary':
      return [e.left, e.right];
    case 'condition':
      return [e.test, e.value, ...(e.otherwise ? [e.otherwise] : [])];
    default:
      return [];
  }
}

/** How deep an expression's tree is; chains such as `a ~ b ~ c` count each link. */
export function treeDepth(root: Expr): number {
  let level: readonly Expr[] = [root];
  let depth = 0;
  for (; level.length > 0; depth++) level = level.flatMap(partsOf);
  return depth;
}
