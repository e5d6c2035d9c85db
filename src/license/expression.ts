/**
 * SPDX license expressions (SPDX 3.0.1, annex B): `MIT OR (Apache-2.0 AND BSD-3-Clause)`, `GPL-2.0-only WITH Classpath-exception-2.0`.
 * Only as much as the questions here need: which ids, and whether all or one of them bind.
 * @module
 */
import { LicenseError } from './types.ts';

export interface Expression {
  /** Ids in order of appearance, each once; `+` becomes `-or-later` elsewhere, exceptions are kept apart. */
  readonly ids: readonly string[];
  readonly operator: 'and' | 'or' | 'mixed';
  readonly exceptions: readonly string[];
}

/** Tokens of one expression; real ones have under 40. (CWE-674) */
const MAX_TOKENS = 200;
/** Nesting of parentheses. (CWE-674) */
const MAX_DEPTH = 20;

/** @throws LicenseError `LICENSE_EXPRESSION` when `text` is not an expression. */
export function parseExpression(text: string): Expression {
  const tokens = text.slice(0, 4000).replaceAll('(', ' ( ').replaceAll(')', ' ) ').trim().split(/\s+/);
  if (tokens.length > MAX_TOKENS || tokens[0] === '') throw bad(text);
  const ids = new Set<string>();
  const exceptions = new Set<string>();
  const operators = new Set<'and' | 'or'>();
  let at = 0;
  const term = (depth: number): void => {
    if (depth > MAX_DEPTH) throw bad(text);
    const token = tokens[at++];
    if (token === '(') {
      expression(depth + 1);
      if (tokens[at++] !== ')') throw bad(text);
      return;
    }
    if (token === undefined || !/^[A-Za-z0-9][A-Za-z0-9.+:-]{0,200}$/.test(token) || /^(and|or|with)$/i.test(token)) throw bad(text);
    ids.add(token);
    if (/^with$/i.test(tokens[at] ?? '')) {
      const exception = tokens[at + 1];
      if (exception === undefined || !/^[A-Za-z0-9][A-Za-z0-9.:-]{0,200}$/.test(exception)) throw bad(text);
      exceptions.add(exception);
      at += 2;
    }
  };
  const expression = (depth: number): void => {
    term(depth);
    while (/^(and|or)$/i.test(tokens[at] ?? '')) {
      operators.add(tokens[at]!.toLowerCase() as 'and' | 'or');
      at++;
      term(depth);
    }
  };
  expression(0);
  if (at !== tokens.length) throw bad(text);
  const operator = operators.size === 2 ? 'mixed' : operators.has('or') ? 'or' : 'and';
  return { ids: [...ids], operator, exceptions: [...exceptions] };
}

function bad(text: string): LicenseError {
  return new LicenseError('LICENSE_EXPRESSION', `"${text.slice(0, 80)}" is not an SPDX license expression`, {
    hint: 'write ids joined by AND or OR',
  });
}
