// Made-up models of the shape of a 7B transformer, as lean sketches: 32 blocks, 32 units of each role.
export function randomness(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()) };
}

const BLOCKS = 32;
const UNITS = 32;
const ROLES = { up: [11008, 4096, 48], gate: [11008, 4096, 48], down: [4096, 11008, 24], v: [4096, 4096, 48] };

/** Values of every sample: of a stranger, or of a descendant whose weights correlate with `parent` by `r` throughout. */
export function weights(seed, parent, r) {
  const { normal } = randomness(seed);
  const own = (slot, length) =>
    Float32Array.from({ length }, (_, i) => (parent ? r * parent.get(slot)[i] + Math.sqrt(1 - r * r) * normal() : normal()));
  const out = new Map([['embed', own('embed', UNITS * 64)]]);
  for (let block = 0; block < BLOCKS; block++)
    for (const [role, [, , features]] of Object.entries(ROLES))
      out.set(`layers.${block}.${role}`, own(`layers.${block}.${role}`, UNITS * features));
  return out;
}

export function toSketch(name, digest, values) {
  const samples = [...values].map(([slot, sample], i) => {
    const role = slot.split('.').at(-1);
    const [rows, columns, features] = ROLES[role] ?? [32000, 4096, 64];
    const scales = new Float32Array(UNITS);
    const codes = new Int8Array(sample.length);
    for (let u = 0; u < UNITS; u++) {
      const unit = sample.subarray(u * features, (u + 1) * features);
      scales[u] = Math.max(...unit.map(Math.abs)) / 127;
      unit.forEach((value, f) => (codes[u * features + f] = Math.round(value / scales[u])));
    }
    return {
      slot,
      role,
      stack: '',
      block: role === 'embed' ? null : Number(slot.split('.')[1]),
      expert: null,
      shape: [rows, columns],
      axis: role === 'down' || role === 'embed' ? 'columns' : 'rows',
      units: UNITS,
      features,
      codes,
      scales,
      hash: digest.slice(7 + (i % 40), 23 + (i % 40)),
      stats: { zeros: 0, distinct: 32, lattice: 0.29 },
      excluded: '',
    };
  });
  const subject = {
    name,
    digest,
    digestCovers: 'made up',
    format: 'safetensors',
    parameters: 6.7e9,
    architecture: 'llama',
    scheme: 'llama',
  };
  return {
    schema: 'heirloom-sketch/1',
    subject: { ...subject, isAdapter: false, dtype: 'BF16' },
    salt: '',
    complete: false,
    samples,
    // Of every third block, as many as a sketch under 256 KiB has room for.
    framed: samples.filter(({ role, block }) => (role === 'up' || role === 'gate') && block % 3 === 0).map(byTokens),
    vectors: [],
    prints: [],
  };
}

/** Numbers enough for what a neuron makes of 32 tokens: a part of its own. */
function byTokens(sample) {
  const codes = new Int8Array(UNITS * 32);
  for (let u = 0; u < UNITS; u++) codes.set(sample.codes.subarray(u * sample.features, u * sample.features + 32), u * 32);
  return { ...sample, features: 32, codes };
}
