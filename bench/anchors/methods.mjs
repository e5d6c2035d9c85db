// The published statistics, from their formulas (sources in README.md); a larger score means more related, null means not applicable.
import { linearAssignment, multiply, rowProducts, transpose, unitRows } from '../../dist/math/index.js';

/** Rare tokens for the invariants, anchors for the Gram of Cisco's signal, tokens of the full Gram, neurons matched a layer. */
const [RARE, ANCHORS, GRAM, NEURONS] = [128, 64, 256, 128];

export const METHODS = {
  AWM: awm,
  HuRef: huref,
  'std profile': (a, b) => profiles(a, b, pearson, true),
  'std cosine': (a, b) => profiles(a, b, cosine, false),
  'weight cosine': weightCosine,
  'anchor Gram': (a, b, shared) => gram(a, b, spread(shared, ANCHORS)),
  'token Gram': (a, b, shared) => gram(a, b, spread(shared, GRAM)),
  Spectra: spectra,
  CSW: csw,
};

/** Ids of the tokens that stand once in both vocabularies, in A's order. */
export function sharedIds(a, b) {
  const ids = (tokens) => {
    const map = new Map();
    tokens.forEach((token, id) => map.set(token, map.has(token) ? -1 : id));
    return map;
  };
  const other = ids(b.tokens);
  const out = [];
  for (const [token, id] of ids(a.tokens)) {
    const to = other.get(token);
    if (id >= 0 && to >= 0 && id < a.embed.rows && to < b.embed.rows) out.push([id, to]);
  }
  return out;
}

function spread(shared, count) {
  const step = Math.max(1, shared.length / count);
  return Array.from({ length: Math.min(count, shared.length) }, (_, i) => shared[Math.floor(i * step)]);
}

function tokenRows({ embed, width }, ids) {
  const out = new Float64Array(ids.length * width);
  ids.forEach((id, at) => out.set(embed.values.subarray(id * width, (id + 1) * width), at * width));
  return out;
}

/** AWM: hidden channels matched by the token table, then unbiased linear CKA of queries and keys. */
function awm(a, b, shared) {
  if (shared.length < 32) return null;
  const columns = (model, side) => {
    const ids = shared.map((pair) => pair[side]);
    return kept(model, `columns ${ids.join()}`, () =>
      unitRows(transpose(tokenRows(model, ids), ids.length, model.width), model.width, ids.length),
    );
  };
  const s = rowProducts(columns(a, 0), columns(b, 1), a.width, b.width, shared.length);
  const map = linearAssignment(s.map(Math.abs), a.width, b.width);
  const channels = [...map].flatMap((j, i) => (j < 0 ? [] : [[i, j, Math.sign(s[i * b.width + j]) || 1]]));
  const score = (x, y) => (cka(x.qq, y.qq, channels, a.width, b.width) + cka(x.kk, y.kk, channels, a.width, b.width)) / 2;
  return overLayers(a.derived, b.derived, score);
}

/** Mean over layers; of other depths the best one-to-one matching. */
function overLayers(a, b, score) {
  if (a.length === b.length) return a.reduce((sum, x, i) => sum + score(x, b[i]), 0) / a.length;
  const table = Float64Array.from({ length: a.length * b.length }, (_, at) => score(a[Math.floor(at / b.length)], b[at % b.length]));
  const map = [...linearAssignment(table, a.length, b.length)].flatMap((j, i) => (j < 0 ? [] : [table[i * b.length + j]]));
  return map.reduce((sum, x) => sum + x, 0) / map.length;
}

/** Unbiased HSIC (Song et al. 2012, U-centered): diagonals are left out. */
function cka(gramA, gramB, channels, widthA, widthB) {
  const n = channels.length;
  const [x, y] = [new Float64Array(n * n), new Float64Array(n * n)];
  channels.forEach(([i, j, sign], row) =>
    channels.forEach(([k, l, other], column) => {
      if (row === column) return;
      x[row * n + column] = gramA[i * widthA + k];
      y[row * n + column] = sign * other * gramB[j * widthB + l];
    }),
  );
  const [u, v] = [uCentered(x, n), uCentered(y, n)];
  return dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v) || 1);
}

function uCentered(gram, n) {
  const sums = Array.from({ length: n }, (_, i) => gram.subarray(i * n, (i + 1) * n).reduce((sum, x) => sum + x, 0));
  const total = sums.reduce((sum, x) => sum + x, 0);
  const means = sums.map((sum) => sum / (n - 2) - total / (2 * (n - 1) * (n - 2)));
  return gram.map((x, at) => (Math.floor(at / n) === at % n ? 0 : x - means[Math.floor(at / n)] - means[at % n]));
}

/** HuRef: X Wq'Wk X', X Wv'Wo' X', X Wu'Wd' X' of the last two layers over rare tokens, each standardized, then cosine. */
function huref(a, b, shared) {
  const rare = shared.slice(-RARE);
  if (rare.length < 32) return null;
  const ids = (side) => rare.map((pair) => pair[side]);
  const [x, y] = [invariants(a, ids(0)), invariants(b, ids(1))];
  const count = Math.min(x.length, y.length);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += dot(x[i], y[i]) / x[i].length;
  return sum / count;
}

function invariants(model, ids) {
  return kept(model, `invariants ${ids.join()}`, () => {
    const x = tokenRows(model, ids);
    const d = model.width;
    const over = (product) => standardized(rowProducts(multiply(x, product, ids.length, d, d), x, ids.length, ids.length, d));
    return model.derived.slice(-2).flatMap(({ qk, vo, ud }) => [qk, vo, ud].map(over));
  });
}

/** What depends on one model and the ids alone is worked out once. */
function kept(model, key, make) {
  if (!model.cache.has(key)) model.cache.set(key, make());
  return model.cache.get(key);
}

/** Standard deviations of Q, K, V, O a layer, interpolated to the smaller depth. */
function profiles(a, b, compare, standardize) {
  const depth = Math.min(a.layers.length, b.layers.length);
  const scores = ['q', 'k', 'v', 'o'].map((role) => {
    const [x, y] = [a, b].map((model) =>
      resampled(
        model.layers.map((layer) => deviation(layer[role].values)),
        depth,
      ),
    );
    return standardize ? compare(standardized(x), standardized(y)) : compare(x, y);
  });
  return scores.reduce((sum, x) => sum + x, 0) / scores.length;
}

/** Mean cosine of matrices of the same place and shape. */
function weightCosine(a, b) {
  const out = [];
  for (let i = 0; i < Math.min(a.layers.length, b.layers.length); i++)
    for (const role of ['q', 'k', 'v', 'o', 'gate', 'up', 'down']) {
      const [x, y] = [a.layers[i][role], b.layers[i][role]];
      if (x && y && x.rows === y.rows && x.columns === y.columns) out.push(cosine(x.values, y.values));
    }
  return out.length === 0 ? null : out.reduce((sum, x) => sum + x, 0) / out.length;
}

/** Correlation of the cosines between tokens. */
function gram(a, b, pairs) {
  if (pairs.length < 32) return null;
  const n = pairs.length;
  const upper = (model, side) => {
    const ids = pairs.map((pair) => pair[side]);
    return kept(model, `gram ${ids.join()}`, () => {
      const unit = unitRows(tokenRows(model, ids), n, model.width);
      return standardized(rowProducts(unit, unit, n, n, model.width).filter((_, at) => at % n > Math.floor(at / n)));
    });
  };
  const [x, y] = [upper(a, 0), upper(b, 1)];
  return dot(x, y) / x.length;
}

/** GhostSpec-like: minus the mean squared difference of normalized spectra of Wq'Wk and Wv'Wo. */
function spectra(a, b) {
  return overLayers(a.derived, b.derived, (x, y) => {
    const parts = x.spectra.map((s, i) => {
      const n = Math.min(s.length, y.spectra[i].length);
      const [p, q] = [resampled(s, n), resampled(y.spectra[i], n)];
      return p.reduce((sum, value, at) => sum + (value - q[at]) ** 2, 0) / n;
    });
    return -(parts[0] + parts[1]) / 2;
  });
}

/** Zhu et al., CSW: neurons matched by their up-projections, Spearman of the matching with the identity, Fisher over layers; -log10 p. */
function csw(a, b) {
  const depth = Math.min(a.layers.length, b.layers.length);
  let x = 0;
  let used = 0;
  for (let i = 0; i < depth; i++) {
    const [u, v] = [a.layers[i].up, b.layers[i].up];
    if (u.columns !== v.columns || u.rows !== v.rows) continue;
    const n = Math.min(NEURONS, u.rows);
    const unit = (m) => unitRows(m.values.subarray(0, n * m.columns), n, m.columns);
    const map = linearAssignment(rowProducts(unit(u), unit(v), n, n, u.columns), n, n);
    const rho = pearson(
      Float64Array.from(map),
      Float64Array.from(map, (_, at) => at),
    );
    x -= lnTwoSided(Math.abs(rho) * Math.sqrt(n - 1));
    used++;
  }
  return used === 0 ? null : -chiTailLog10(2 * x, used);
}

/** ln of the two-sided normal tail; the asymptotic series where the tail underflows (Abramowitz and Stegun 26.2.12). */
function lnTwoSided(z) {
  if (z > 5) return Math.log(2) - (z * z) / 2 - Math.log(z * Math.sqrt(2 * Math.PI)) + Math.log1p(-1 / (z * z));
  // Abramowitz and Stegun 7.1.26 for erfc, error below 2e-7.
  const t = 1 / (1 + 0.3275911 * (z / Math.SQRT2));
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.log(Math.min(1, poly * Math.exp((-z * z) / 2)));
}

/** log10 of the chi-squared tail with 2 * pairs degrees of freedom. */
function chiTailLog10(x, pairs) {
  const half = x / 2;
  let [sum, term] = [1, 1];
  for (let i = 1; i < pairs; i++) sum += term *= half / i;
  return (Math.log(sum) - half) / Math.LN10;
}

function resampled(values, count) {
  return Float64Array.from({ length: count }, (_, i) => {
    const at = count === 1 ? 0 : (i * (values.length - 1)) / (count - 1);
    const low = Math.floor(at);
    return values[low] + (at - low) * ((values[low + 1] ?? values[low]) - values[low]);
  });
}
function standardized(values) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const sd = deviation(values) || 1;
  return values.map((x) => (x - mean) / sd);
}
function deviation(values) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
}
function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}
function cosine(x, y) {
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y) || 1);
}
function pearson(x, y) {
  return dot(standardized(x), standardized(y)) / x.length;
}
