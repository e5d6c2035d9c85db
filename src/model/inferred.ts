/**
 * Roles of a language model whose names no scheme knows: renaming every tensor is the cheapest disguise. Shapes tell most of it:
 * a table over the vocabulary fixes the hidden width, numbered groups of equal shapes are the blocks, and inside a block only the
 * MLP widens and narrows by the same amount. Names are asked only where shapes leave two readings.
 * @module
 */
import type { ParsedName } from './names.ts';
import { partView, type Piece } from './pieces.ts';
import type { Role, TensorView } from './types.ts';

/** A vocabulary is this much longer than the hidden space is wide, or this long. */
const TABLE_RATIO = 3;
const TABLE_ROWS = 1024;
const LEAST_BLOCKS = 2;
const LEAST_WIDTH = 16;

/** One tensor of every block: `layers.*.ff_in`. */
interface Column {
  readonly key: string;
  readonly shape: readonly number[];
  readonly members: ReadonlyMap<number, ParsedName>;
}

/** Entries for the tensors whose place is clear; none when this is no language model as far as shapes say. */
export function inferPieces(names: readonly ParsedName[]): Map<ParsedName, Piece[]> {
  const out = new Map<ParsedName, Piece[]>();
  const weights = names.filter((name) => name.param === 'weight' && !name.adapter && name.tensor.shape.length <= 2);
  const columns = blockColumns(weights);
  const inside = new Set(columns.flatMap((column) => [...column.members.values()]));
  const tables = weights.filter((name) => !inside.has(name) && isTable(name.tensor.shape));
  const width = tables[0]?.tensor.shape[1];
  if (columns.length === 0 || width === undefined || tables.some((name) => name.tensor.shape[1] !== width)) return out;
  const mlp = findMlp(columns, shiftsOf(names), width);
  if (!mlp) return out;

  const put = (name: ParsedName, slot: string, role: Role, block: number | null, view: TensorView = {}): void => {
    out.set(name, [...(out.get(name) ?? []), { slot, role, stack: '', block, view }]);
  };
  const [embed, head] = tablesInOrder(tables);
  put(embed!, 'embed', 'embed', null);
  if (head) put(head, 'head', 'head', null);
  for (const { column, role, view } of [...mlp, ...findAttention(columns, width), ...findNorms(columns, width)])
    for (const [block, name] of column.members) put(name, `layers.${block}.${role}`, role, block, view);
  const last = weights.filter((name) => !inside.has(name) && name.tensor.shape.length === 1 && name.tensor.shape[0] === width);
  if (last.length === 1) put(last[0]!, 'norm_f', 'norm_f', null);
  return out;
}

/** Names that differ in their first number only, for the most common set of block numbers. */
function blockColumns(names: readonly ParsedName[]): Column[] {
  const groups = new Map<string, Map<number, ParsedName>>();
  for (const name of names) {
    const found = /^(\D*)(\d{1,4})(.*)$/.exec(name.name);
    if (!found) continue;
    const key = `${found[1]}*${found[3]}`;
    const members = groups.get(key) ?? new Map<number, ParsedName>();
    groups.set(key, members.set(Number(found[2]), name));
  }
  const columns = [...groups].flatMap(([key, members]): Column[] => {
    const [first] = members.values();
    const shape = first!.tensor.shape;
    const same = [...members.values()].every(
      ({ tensor }) => tensor.shape.length === shape.length && tensor.shape.every((n, i) => n === shape[i]),
    );
    return same && members.size >= LEAST_BLOCKS ? [{ key, shape, members }] : [];
  });
  const sizes = new Map<number, number>();
  for (const column of columns) sizes.set(column.members.size, (sizes.get(column.members.size) ?? 0) + 1);
  const [blocks] = [...sizes].sort((x, y) => y[1] - x[1] || y[0] - x[0])[0] ?? [0];
  return columns.filter((column) => column.members.size === blocks).sort((x, y) => (x.key < y.key ? -1 : 1));
}

/** Lengths of the biases, by the key of the weight they stand beside. */
function shiftsOf(names: readonly ParsedName[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const { param, name, tensor } of names) {
    const found = /^(\D*)\d{1,4}(.*)$/.exec(name.replace(/bias$/, 'weight'));
    if (param === 'bias' && found && tensor.shape.length === 1) out.set(`${found[1]}*${found[2]}`, tensor.shape[0]!);
  }
  return out;
}

function isTable(shape: readonly number[]): boolean {
  const [rows = 0, width = 0] = shape;
  return shape.length === 2 && width >= LEAST_WIDTH && rows > width && (rows >= TABLE_RATIO * width || rows >= TABLE_ROWS);
}

/** The input's table first: by its name, else as it stands in the file. */
function tablesInOrder(tables: readonly ParsedName[]): ParsedName[] {
  const isHead = (name: ParsedName): boolean => /head|out|logit|unembed|classif|proj/i.test(name.name);
  return [...tables].sort((x, y) => Number(isHead(x)) - Number(isHead(y))).slice(0, 2);
}

interface Placed {
  readonly column: Column;
  readonly role: Role;
  readonly view: TensorView;
}

/** The matrices that widen (one, two, or two fused in one) and the one that narrows again, stored either way. */
function findMlp(columns: readonly Column[], shifts: ReadonlyMap<string, number>, width: number): Placed[] | null {
  const inner = new Set(
    columns.flatMap(({ shape: [rows, inputs] }) =>
      inputs === undefined ? [] : rows === width ? [inputs] : inputs === width ? [rows!] : [],
    ),
  );
  for (const n of [...inner].filter((size) => size !== width).sort((x, y) => y - x)) {
    const is = (rows: number, inputs: number) => (column: Column) =>
      column.shape.length === 2 && column.shape[0] === rows && column.shape[1] === inputs;
    for (const transpose of [false, true]) {
      const reads = columns.filter(transpose ? is(width, n) : is(n, width));
      const writes = columns.filter(transpose ? is(n, width) : is(width, n));
      const fused = columns.filter(transpose ? is(width, 2 * n) : is(2 * n, width));
      const view: TensorView = transpose ? { transpose } : {};
      const [write] = writes;
      if (!write || writes.length !== 1) continue;
      const down: Placed = { column: write, role: 'down', view };
      if (reads.length === 2) {
        const [gate, up] = gateFirst(reads[0]!, reads[1]!);
        return [{ column: gate, role: 'gate', view }, { column: up, role: 'up', view }, down];
      }
      if (fused.length === 1 && reads.length === 0)
        return [
          { column: fused[0]!, role: 'gate', view: partView({ role: 'gate', start: 0, count: n }, view, 2 * n) },
          { column: fused[0]!, role: 'up', view: partView({ role: 'up', start: n, count: n }, view, 2 * n) },
          down,
        ];
      // One each way can be stored either way round: only a shift beside it, as long as there are outputs, tells.
      if (reads.length === 1 && shifts.get(reads[0]!.key) === n && shifts.get(write.key) === width)
        return [{ column: reads[0]!, role: 'up', view }, down];
    }
  }
  return null;
}

/** By their names, else in the order of names: `gate` before `up`, `w1` before `w3`. */
function gateFirst(x: Column, y: Column): [Column, Column] {
  const isUp = (column: Column): boolean => /up|w3|lin_2|fc_2|linear_v/i.test(column.key);
  return isUp(x) && !isUp(y) ? [y, x] : [x, y];
}

/** Only with names that say so: shapes alone do not tell keys from values, nor queries from outputs. */
function findAttention(columns: readonly Column[], width: number): Placed[] {
  const named = (role: Role, pattern: RegExp): Placed[] => {
    const found = columns.filter((column) => column.shape.length === 2 && pattern.test(column.key));
    const [column] = found;
    return column && found.length === 1 && column.shape.includes(width) ? [{ column, role, view: {} }] : [];
  };
  return [
    ...named('q', /(^|[._])(wq|q|q_proj|query|to_q)([._]|$)/i),
    ...named('k', /(^|[._])(wk|k|k_proj|key|to_k)([._]|$)/i),
    ...named('v', /(^|[._])(wv|v|v_proj|value|to_v)([._]|$)/i),
    ...named('o', /(^|[._])(wo|o|o_proj|out_proj|attn_out|to_out)([._]|$)/i),
  ].filter(({ column, role }) => column.shape[role === 'o' ? 0 : 1] === width);
}

/** Two gains a block, the one before attention first: by names that say so, else in the order of names. */
function findNorms(columns: readonly Column[], width: number): Placed[] {
  const gains = columns.filter((column) => column.shape.length === 1 && column.shape[0] === width);
  if (gains.length !== 2) return [];
  const isMlp = (column: Column): boolean => /ffn|ff_|mlp|post|second|2/i.test(column.key);
  const [first, second] = isMlp(gains[0]!) && !isMlp(gains[1]!) ? [gains[1]!, gains[0]!] : [gains[0]!, gains[1]!];
  return [
    { column: first, role: 'norm_in', view: {} },
    { column: second, role: 'norm_mlp', view: {} },
  ];
}
