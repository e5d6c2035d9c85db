/**
 * The generator behind `torch.manual_seed` and `numpy.random.seed`: MT19937 (Matsumoto and Nishimura, ACM TOMACS 8, 1998).
 * @module
 */

const N = 624;
const M = 397;

/**
 * The first `count` 32-bit outputs after seeding with one 32-bit integer (`init_genrand` of the reference code, 2002;
 * ATen's `mt19937::init_with_uint32`).
 */
export function mersenneTwister(seed: number, count: number): Uint32Array {
  const state = new Uint32Array(N);
  state[0] = seed >>> 0;
  for (let i = 1; i < N; i++) {
    const before = state[i - 1]!;
    state[i] = (Math.imul(1812433253, before ^ (before >>> 30)) + i) >>> 0;
  }
  const out = new Uint32Array(count);
  for (let at = 0; at < count; at++) {
    if (at % N === 0) twist(state);
    let y = state[at % N]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    out[at] = y ^ (y >>> 18);
  }
  return out;
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < N; i++) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % N]! & 0x7fffffff);
    state[i] = state[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}
