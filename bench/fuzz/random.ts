/** Numbers that depend on a seed and an index alone, so that any input can be made again. Mulberry32. */
export interface Random {
  /** In [0, 1). */
  unit(): number;
  /** In [0, below). */
  int(below: number): number;
  pick<T>(items: readonly T[]): T;
  chance(probability: number): boolean;
}

export function random(seed: number, index: number): Random {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (below: number): number => Math.floor(unit() * below);
  return { unit, int, pick: (items) => items[int(items.length)]!, chance: (probability) => unit() < probability };
}
