// Detection against weight correlation, simulated through the public `relate`: B = rho A + sqrt(1 - rho^2) noise, on sketches of typical sizes.
import { relate } from '../../dist/lineage/index.js';
import { ALPHA_LOG10 } from '../../dist/math/index.js';

const CORRELATIONS = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5];
const TRIALS = 40;

/** Layers of `units` labels; each role with the features that a sketch keeps of it (src/lineage/plan.ts). */
const SIZES = [
  { test: 'swap-sign/neurons', size: 'a small transformer (4 blocks)', layers: 4, units: 128, roles: { up: 48, gate: 48, down: 24 } },
  { test: 'swap-sign/neurons', size: 'a large transformer (32 blocks)', layers: 32, units: 32, roles: { up: 48, gate: 48, down: 24 } },
  { test: 'swap-sign/value-channels', size: 'a large transformer (32 blocks)', layers: 32, units: 32, roles: { v: 48 } },
  { test: 'swap-sign/residual-channels', size: 'one token table of 256 sampled channels', layers: 1, units: 256, roles: { embed: 64 } },
  { test: 'swap-sign/filters', size: 'a convolutional network (20 layers of 64 filters)', layers: 20, units: 64, roles: { conv: 48 } },
  { test: 'swap-sign/adapter-b', size: 'an adapter of rank 16 on 64 matrices', layers: 64, units: 16, roles: { lora_b: 48 } },
];
const COLUMNS = new Set(['down', 'embed', 'lora_b']);

export function powerCurves() {
  return SIZES.map((form, i) => {
    let flips = 0;
    const features = Object.values(form.roles).reduce((sum, count) => sum + count, 0);
    const points = CORRELATIONS.map((correlation, j) => {
      let [detected, agreeing] = [0, 0];
      for (let trial = 0; trial < TRIALS; trial++) {
        const normal = normals(1_000_003 * i + 10_007 * j + trial + 1);
        const { a, b } = pairOf(form, correlation, normal);
        const evidence = relate(a, b).tests.find((test) => test.test === form.test);
        const counts = (key) => evidence.details[key].reduce((sum, count) => sum + count, 0);
        flips = Math.max(flips, counts('layerFlips'));
        agreeing += counts('layerAgree') / counts('layerFlips');
        if (evidence.log10P <= ALPHA_LOG10) detected++;
      }
      return { correlation, detected: round(detected / TRIALS), agreeing: round(agreeing / TRIALS) };
    });
    return { test: form.test, size: form.size, flips, features, trials: TRIALS, points };
  });
}

function round(value) {
  return Number(value.toFixed(4));
}

function pairOf(form, correlation, normal) {
  const [left, right] = [[], []];
  const noise = Math.sqrt(1 - correlation ** 2);
  for (let block = 0; block < form.layers; block++)
    for (const [role, features] of Object.entries(form.roles)) {
      const a = Float64Array.from({ length: form.units * features }, normal);
      const b = a.map((value) => correlation * value + noise * normal());
      left.push(sampleOf(role, block, a, form.units, features, 'a'));
      right.push(sampleOf(role, block, b, form.units, features, 'b'));
    }
  const isAdapter = 'lora_b' in form.roles;
  return { a: sketchOf('a', left, isAdapter), b: sketchOf('b', right, isAdapter) };
}

/** Whole numbers of 127 steps a unit, as a sketch stores them. */
function sampleOf(role, block, values, units, features, side) {
  const scales = new Float32Array(units);
  const codes = new Int8Array(units * features);
  for (let u = 0; u < units; u++) {
    const row = values.subarray(u * features, (u + 1) * features);
    scales[u] = Math.max(...row.map(Math.abs)) / 127;
    row.forEach((value, f) => (codes[u * features + f] = Math.max(-127, Math.min(127, Math.round(value / scales[u])))));
  }
  const slot = role === 'embed' ? 'embed' : `layers.${block}.${role}`;
  const shape = COLUMNS.has(role) ? [features, units] : [units, features];
  const axis = COLUMNS.has(role) ? 'columns' : 'rows';
  const stats = { zeros: 0, distinct: 32, lattice: 0.29 };
  const place = { slot, role, stack: '', block: role === 'embed' ? null : block, expert: null };
  return { ...place, shape, axis, units, features, codes, scales, hash: `${side}${block}${role}`, stats, excluded: '' };
}

function sketchOf(name, samples, isAdapter) {
  const kept = { name, digest: `sha256:${name}`, digestCovers: 'nothing', format: 'simulated', parameters: 1000 };
  const subject = { ...kept, architecture: 'simulated', scheme: 'simulated', isAdapter, dtype: 'BF16' };
  return { schema: 'heirloom-sketch/1', subject, salt: '', complete: true, samples, framed: [], vectors: [], prints: [] };
}

/** Normal numbers (mulberry32; Box and Muller), fixed by their seed. */
function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
