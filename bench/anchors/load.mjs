// A transformer's matrices, rows = outputs, and what of them does not depend on the other model.
import { eigenSymmetric, multiply, multiplyTransposed, transpose } from '../../dist/math/index.js';
import { readHeads, readRoleRows, roleShape } from '../../dist/model/index.js';

/** @returns null for adapters and models without attention and MLP blocks. */
export async function loadWhole(model) {
  const { checkpoint, roles } = model;
  const bySlot = new Map(roles.filter((rt) => rt.stack === '' && rt.expert === undefined).map((rt) => [rt.slot, rt]));
  const read = async (slot) => {
    const rt = bySlot.get(slot);
    if (!rt) return null;
    const [rows, columns] = roleShape(rt);
    return { rows, columns, values: Float64Array.from(await readRoleRows(checkpoint, rt, 0, rows)) };
  };
  const embed = await read('embed');
  const tokens = await model.tokens();
  if (!embed || !tokens || model.isAdapter) return null;
  const layers = [];
  for (let block = 0; bySlot.has(`layers.${block}.up`); block++) {
    const layer = {};
    for (const role of ['q', 'k', 'v', 'o', 'gate', 'up', 'down']) layer[role] = await read(`layers.${block}.${role}`);
    if (['q', 'k', 'v', 'o', 'down'].every((role) => layer[role])) layers.push(layer);
  }
  if (layers.length === 0) return null;
  const headRows = readHeads(model.configs, checkpoint).headDim;
  return { embed, tokens, layers, derived: layers.map((layer) => deriveLayer(layer, headRows)), width: embed.columns, cache: new Map() };
}

function deriveLayer({ q, k, v, o, up, down }, headRows) {
  const d = q.columns;
  const square = (m) => multiplyTransposed(m.values, m.values, m.rows, d, d);
  // Grouped queries: every query head with the key (value) head it reads.
  const qk = multiplyTransposed(q.values, repeated(k, q.rows, headRows), q.rows, d, d);
  const vo = multiplyTransposed(repeated(v, o.columns, headRows), transpose(o.values, o.rows, o.columns), o.columns, d, d);
  const ud = multiplyTransposed(up.values, transpose(down.values, down.rows, down.columns), up.rows, d, d);
  return { qq: square(q), kk: square(k), qk, vo, ud, spectra: [spectrum(qk, d), spectrum(vo, d)] };
}

function repeated({ rows, columns, values }, wanted, headRows) {
  if (rows === wanted || !headRows) return values;
  const group = wanted / rows;
  const out = new Float64Array(wanted * columns);
  for (let row = 0; row < wanted; row++) {
    const head = Math.floor(Math.floor(row / headRows) / group);
    const from = head * headRows + (row % headRows);
    out.set(values.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return out;
}

/** Singular values, largest first, scaled to length 1. */
function spectrum(matrix, d) {
  const values = [...eigenSymmetric(multiply(transpose(matrix, d, d), matrix, d, d, d), d).values].map((x) => Math.sqrt(Math.max(0, x)));
  const norm = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0)) || 1;
  return values.sort((x, y) => y - x).map((x) => x / norm);
}
