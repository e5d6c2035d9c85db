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
  /** Places already looked up, by path with its numbers left out. */
  readonly remembered: Map<string, Place | null>;
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
    remembered: new Map(),
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

/** Where in a table a path was found; the same for all paths that differ only in block and expert numbers. */
interface Place {
  readonly leaf: Leaf;
  readonly block: CompiledBlock | null;
  readonly stack: string;
  /** Which part of the path is the expert's number; -1 for none. */
  readonly expertAt: number;
}
/** Literal numbers in the tables go up to 3 (`out_layers.3`); higher ones can only stand for `N`. */
const HIGHEST_LITERAL = 3;
/** Places remembered per scheme: names with numbers left out are few, unless somebody means harm. (CWE-770) */
const MAX_REMEMBERED = 20_000;
const MAX_KEY = 200;

function masked(path: readonly string[]): string {
  return path.map((part) => (DIGITS.test(part) && Number(part) > HIGHEST_LITERAL ? 'N' : part)).join('.');
}

function findPlace(scheme: Compiled, path: readonly string[]): Place | null {
  for (const block of scheme.blocks) {
    if (!startsWith(path, block.at)) continue;
    const found = findLeaf(block.leaves, path, block.at.length, scheme.joint);
    if (found) return { ...found, block, stack: block.stack };
  }
  for (const root of scheme.roots) {
    if (!startsWith(path, root.at)) continue;
    const found = findLeaf(scheme.outside, path, root.at.length, scheme.joint);
    if (found) return { ...found, block: null, stack: root.stack };
  }
  return null;
}

/** Literal digits are tried before `N`, so that T5's `layer.0.layer_norm` differs from `layer.1.layer_norm`. */
function findLeaf(
  leaves: ReadonlyMap<string, Leaf>,
  path: readonly string[],
  from: number,
  joint: string,
): { leaf: Leaf; expertAt: number } | undefined {
  const rest = path.slice(from);
  const literal = leaves.get(rest.join(joint));
  if (literal) return { leaf: literal, expertAt: -1 };
  const at = rest.findIndex((part) => DIGITS.test(part));
  const leaf = at < 0 ? undefined : leaves.get(rest.map((part) => (DIGITS.test(part) ? 'N' : part)).join(joint));
  return leaf && { leaf, expertAt: /^experts$|^ffn_(gate|up|down)$/.test(rest[at - 1] ?? '') ? from + at : -1 };
}

function startsWith(path: readonly string[], at: readonly string[]): boolean {
  return path.length >= at.length && at.every((part, i) => (part === 'N' ? DIGITS.test(path[i]!) : part === path[i]));
}

/** What `scheme` says of a module path; undefined when it knows no such module. */
export function matchName(scheme: Compiled, { path }: ParsedName): Match | undefined {
  const key = masked(path);
  let place = scheme.remembered.get(key);
  if (place === undefined) {
    place = findPlace(scheme, path);
    if (scheme.remembered.size < MAX_REMEMBERED && key.length <= MAX_KEY) scheme.remembered.set(key, place);
  }
  if (!place) return undefined;
  const { leaf, block, stack, expertAt } = place;
  const expert = expertAt < 0 ? {} : { expert: Number(path[expertAt]) };
  if (!block) return { leaf, stack, group: '', numbers: [], rank: false, at: '', ...expert };
  const numbers = block.at.flatMap((part, i) => (part === 'N' ? [Number(path[i])] : []));
  return {
    leaf,
    stack,
    group: block.block.group ?? '',
    numbers,
    rank: block.rank,
    at: path.slice(0, block.at.length).join(scheme.joint),
    ...expert,
  };
}

/** Distinct names looked at to choose; a real model has a few hundred. (CWE-400) */
const MAX_CONSIDERED = 2000;
/** A scheme needs this share of the distinct module names to lead, and this many distinct block modules to be believed at all. */
const LEADING_SHARE = 0.3;
const MIN_BLOCK_MODULES = 2;

/**
 * Schemes that fit the names, best first; empty when none leads (a convolutional network, an unknown design).
 * Decided on distinct names with numbers left out, so that its cost does not grow with depth.
 */
export function chooseSchemes(names: readonly ParsedName[]): Compiled[] {
  const modules = new Map<string, ParsedName>();
  for (const name of names) {
    const key = name.joint + masked(name.path);
    if (!modules.has(key)) modules.set(key, name);
    if (modules.size >= MAX_CONSIDERED) break;
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
