/** The syntax tree of a Jinja template; `at` is a place in its text. @module */

export type Expr = { readonly at: number } & (
  | { readonly kind: 'const'; readonly value: string | number | boolean | null }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Expr[] }
  | { readonly kind: 'dict'; readonly pairs: readonly (readonly [Expr, Expr])[] }
  | { readonly kind: 'attribute'; readonly of: Expr; readonly name: string }
  | { readonly kind: 'item'; readonly of: Expr; readonly key: Expr }
  | { readonly kind: 'slice'; readonly from: Expr | null; readonly to: Expr | null; readonly step: Expr | null }
  | ({ readonly kind: 'call'; readonly of: Expr } & Arguments)
  | ({ readonly kind: 'filter'; readonly of: Expr | null; readonly name: string } & Arguments)
  | ({ readonly kind: 'test'; readonly of: Expr; readonly name: string } & Arguments)
  | { readonly kind: 'binary'; readonly op: string; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'unary'; readonly op: string; readonly of: Expr }
  | { readonly kind: 'condition'; readonly test: Expr; readonly value: Expr; readonly otherwise: Expr | null }
);

export interface Arguments {
  readonly args: readonly Expr[];
  readonly named: readonly (readonly [string, Expr])[];
}

export type Statement = { readonly at: number } & (
  | { readonly kind: 'text'; readonly text: string }
  /** An expression that is printed, or run by `do`. */
  | { readonly kind: 'print'; readonly value: Expr }
  | { readonly kind: 'if'; readonly branches: readonly { readonly test: Expr | null; readonly body: readonly Statement[] }[] }
  | {
      readonly kind: 'for';
      readonly target: Expr;
      readonly over: Expr;
      readonly test: Expr | null;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  | { readonly kind: 'set'; readonly target: Expr; readonly value: Expr }
  /** `set` of a block's text, `filter`, `block`, `call`, `with`, `autoescape` and extensions: expressions, then a body. */
  | {
      readonly kind: 'scope';
      readonly tag: string;
      readonly target: Expr | null;
      readonly values: readonly Expr[];
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: 'macro';
      readonly name: string;
      readonly parameters: readonly (readonly [string, Expr | null])[];
      readonly body: readonly Statement[];
    }
  /** `include`, `import`, `from`, `extends`. */
  | { readonly kind: 'reference'; readonly tag: string; readonly target: Expr; readonly names: readonly string[] }
);
