/**
 * Finds a name in the scheme tables, and the scheme in the names.
 * @module
 */
import type { ParsedName } from './names.ts';
import { type Block, type Leaves, type Scheme, SCHEMES } from './schemes.ts';

/** A leaf of a table, taken apart. */
export interface Leaf {
  /** A role, or a split when it begins with `=`. */
  readonly what: string;
  readonly slot: string;
  readonly expertStack: boolean;
  readonly conv1d: boolean;
}

export interface Match {
  readonly leaf: Leaf;
  readonly stack: string;
  readonly group: string;
  /** The numbers of the block, outermost first; empty outside blocks. */
  readonly numbers: readonly number[];
  /** Whether blocks of this kind are numbered by their order. */
  readonly rank: boolean;
  readonly expert?: number;
  /** Path of the block, to find siblings: `model.layers.3`. */
  readonly at: string;
}

interface CompiledBlock {
  readonly at: readonly string[];
  readonly block: Block;
  readonly stack: string;
  readonly rank: boolean;
  readonly leaves: ReadonlyMap<string, Leaf>;
}
interface CompiledRoot {
  readonly at: readonly string[];
  readonly stack: string;
}
export interface Compiled {
  readonly scheme: Scheme;
  readonly joint: '.' | '_';
  readonly blocks: readonly CompiledBlock[];
  readonly roots: readonly CompiledRoot[];
  readonly outside: ReadonlyMap<string, Leaf>;
}

function compile(scheme: Scheme, joint: '.' | '_'): Compiled {
  const split = (path: string): string[] =>
    path === '' ? [] : path.split('.').flatMap((part) => (joint === '_' ? part.split('_') : [part]));
  const table = (leaves: Leaves): Map<string, Leaf> =>
    new Map(Object.entries(leaves).map(([key, leaf]) => [split(key).join(joint), readLeaf(leaf)]));
  const roots: CompiledRoot[] = [['', ''] as const, ...scheme.roots].map(([at, stack]) => ({ at: split(at), stack }));
  return {
    scheme,
    joint,
    // Longest first: `language_model.model` before `language_model`.
    roots: roots.sort((a, b) => b.at.length - a.at.length),
    blocks: roots.flatMap((root) =>
      scheme.blocks.map((block) => {
        const at = [...root.at, ...split(block.at)];
        return {
          at,
          block,
          stack: [root.stack, block.stack].filter(Boolean).join('.'),
          rank: block.rank === true || at.filter((part) => part === 'N').length > 1,
          leaves: table(block.leaves),
        };
      }),
    ),
    outside: table(scheme.outside),
  };
}

function readLeaf(text: string): Leaf {
  const expertStack = text.startsWith('#');
  const conv1d = text.slice(expertStack ? 1 : 0).startsWith('~');
  const body = text.slice((expertStack ? 1 : 0) + (conv1d ? 1 : 0));
  const [what = '', slot = what.startsWith('=') ? what.slice(1).replace(/[?/].*/, '') : what] = body.split('@');
  return { what, slot, expertStack, conv1d };
}

/** Compiled on first use: most models need one or two of the tables. */
const compiled = new Map<string, Compiled>();
function compiledScheme(scheme: Scheme, joint: '.' | '_'): Compiled {
  const key = joint + scheme.name;
  let found = compiled.get(key);
  if (!found) compiled.set(key, (found = compile(scheme, joint)));
  return found;
}

const DIGITS = /^\d{1,9}$/;
/** Literal digits are tried before `N`, so that T5's `layer.0.layer_norm` differs from `layer.1.layer_norm`. */
function findLeaf(leaves: ReadonlyMap<string, Leaf>, rest: readonly string[], joint: string): { leaf: Leaf; expert?: number } | undefined {
  const literal = leaves.get(rest.join(joint));
  if (literal) return { leaf: literal };
  const at = rest.findIndex((part) => DIGITS.test(part));
  if (at < 0) return undefined;
  const leaf = leaves.get(rest.map((part) => (DIGITS.test(part) ? 'N' : part)).join(joint));
  if (!leaf) return undefined;
  return /^experts$|^ffn_(gate|up|down)$/.test(rest[at - 1] ?? '') ? { leaf, expert: Number(rest[at]) } : { leaf };
}

function startsWith(path: readonly string[], at: readonly string[]): boolean {
  return path.length >= at.length && at.every((part, i) => (part === 'N' ? DIGITS.test(path[i]!) : part === path[i]));
}

/** What `scheme` says of a module path; undefined when it knows no such module. */
export function matchName(scheme: Compiled, parsed: ParsedName): Match | undefined {
  const { path } = parsed;
  for (const { at, block, stack, rank, leaves } of scheme.blocks) {
    if (!startsWith(path, at)) continue;
    const found = findLeaf(leaves, path.slice(at.length), scheme.joint);
    if (!found) continue;
    const numbers = at.flatMap((part, i) => (part === 'N' ? [Number(path[i])] : []));
    return { ...found, stack, group: block.group ?? '', numbers, rank, at: path.slice(0, at.length).join(scheme.joint) };
  }
  for (const root of scheme.roots) {
    if (!startsWith(path, root.at)) continue;
    const found = findLeaf(scheme.outside, path.slice(root.at.length), scheme.joint);
    if (found) return { ...found, stack: root.stack, group: '', numbers: [], rank: false, at: '' };
  }
  return undefined;
}

/** A scheme needs this share of the distinct module names to lead, and this many distinct block modules to be believed at all. */
const LEADING_SHARE = 0.3;
const MIN_BLOCK_MODULES = 2;

/**
 * Schemes that fit the names, best first; empty when none leads (a convolutional network, an unknown design).
 * Decided on distinct names with numbers left out, so that its cost does not grow with depth.
 */
export function chooseSchemes(names: readonly ParsedName[]): Compiled[] {
  const modules = new Map<string, ParsedName>();
  // The highest literal numbers are kept apart for one or two digits only: T5 and CompVis tell modules apart by them.
  for (const name of names) {
    const key = name.joint + name.path.map((part) => (DIGITS.test(part) && Number(part) > 2 ? 'N' : part)).join(name.joint);
    if (!modules.has(key)) modules.set(key, name);
  }
  const scored = (['.', '_'] as const).flatMap((joint) =>
    SCHEMES.map((scheme) => {
      const table = compiledScheme(scheme, joint);
      let all = 0;
      const inside = new Set<string>();
      for (const name of modules.values()) {
        if (name.joint !== joint) continue;
        const match = matchName(table, name);
        if (match) all++;
        if (match && match.numbers.length > 0 && !/^(norm|other|bias)/.test(match.leaf.what)) inside.add(match.leaf.what);
      }
      return { table, all, inside: inside.size };
    }),
  );
  const fitting = scored.filter((score) => score.inside >= MIN_BLOCK_MODULES).sort((a, b) => b.all - a.all);
  return fitting.length > 0 && fitting[0]!.all >= LEADING_SHARE * modules.size ? fitting.map((score) => score.table) : [];
}
