/**
 * Where a sketch looks. Positions are a pure function of role family and shape, never of the layer index,
 * so every layer of one model is comparable with every layer of another of that shape. Prefixes agree:
 * a sketch that keeps more positions keeps all those of a smaller one.
 * @module
 */
import { shake256 } from '../base/index.ts';

/** Bump when positions change: sketches of different versions are not comparable. */
export const POSITIONS_DOMAIN = 'heirloom/sketch/v1';

/** Most consecutive units a sketch may hold; run starts leave room for them. */
export const MAX_UNITS = 256;

/** Start of the run of units in `[0, n)`; 0 when there are at most `room`. @param salt '' for the public sketch. */
export function runStart(key: string, n: number, room: number, salt: string): number {
  if (n <= room) return 0;
  // Even, so that consecutive pairs (2k, 2k+1) stay inside attention heads.
  return 2 * Math.floor(stream(`${salt}|run|${key}|${n}`, 6)() % Math.floor((n - room) / 2 + 1));
}

/** First sampled unit of a role; neurons' runs depend on their number alone, so that gate, up and down meet. */
export function sampleStart(family: string, units: number, shape: readonly [number, number], salt: string): number {
  return runStart(family === 'mlp' ? `mlp|${units}` : `${family}|${shape[0]}x${shape[1]}`, units, MAX_UNITS, salt);
}

/** Features sampled of each unit where they are spread, not neighbors. */
export function sampleColumns(family: string, features: number, count: number, salt: string): Int32Array {
  return positions(`${family}|${features}`, features, count, salt);
}

/** The first `count` entries of a fixed pseudo-random order of `0 … n-1`. */
export function positions(key: string, n: number, count: number, salt: string): Int32Array {
  const take = Math.min(n, count);
  const out = new Int32Array(take);
  if (take === 0) return out;
  const next = stream(`${salt}|order|${key}|${n}`, 6 * take);
  // Fisher–Yates on a sparse array: only touched places are stored. The bias of `% m` is below n / 2^48.
  const moved = new Map<number, number>();
  for (let i = 0; i < take; i++) {
    const j = i + (next() % (n - i));
    out[i] = moved.get(j) ?? j;
    moved.set(j, moved.get(i) ?? i);
  }
  return out;
}

/** 48-bit integers from SHAKE-256. */
function stream(label: string, bytes: number): () => number {
  const data = shake256(new TextEncoder().encode(`${POSITIONS_DOMAIN}${label}`), bytes);
  let at = 0;
  return () => {
    let value = 0;
    for (let i = 0; i < 6; i++) value = value * 256 + data[at++]!;
    return value;
  };
}
