/**
 * Makes a sketch of a model, reading as little as the answer needs.
 * Small models are read whole; large ones at fixed positions (DESIGN, rule 2).
 * @module
 */
import { type NewHasher, portableHasher, toHex, type Watch } from '../base/index.ts';
import { type MatrixShape, type Model, readRoleBlock, readRoleRows, roleShape, type RoleTensor } from '../model/index.ts';
import { type DType, DTYPES } from '../weights/index.ts';
import { rowProductsF32 } from '../math/index.ts';
import { constantReason } from './constants.ts';
import { headReason } from './heads.ts';
import { orderWanted, ROLE_PLANS, type RolePlan, VECTOR_ROLES } from './plan.ts';
import { MAX_UNITS, positions, runStart, sampleColumns, sampleStart } from './positions.ts';
import { fromBfloat16, toBfloat16, toHalf } from './rounding.ts';
import { saltCommitment } from './salt.ts';
import { quantize, type Sample, type Sketch, type TensorPrint, type VectorSample } from './sketch.ts';
import { sampleStats } from './stats.ts';

export interface SketchOptions extends Watch {
  /** `sha256:<hex>` of the model, and what it covers; printed with every verdict. */
  readonly digest: { readonly value: string; readonly covers: string };
  /** Encoded size aimed at; the default keeps the file under 256 KiB. */
  readonly bytes?: number;
  /** Another set of positions: a secret kept by a register, or a beacon's value. The sketch holds only its commitment. */
  readonly salt?: Uint8Array;
  readonly newHasher?: NewHasher;
}

/** Default aim; the codec refuses a stored sketch over 256 KiB. */
const DEFAULT_BYTES = 250 * 1024;
/** Models up to this size are read whole: one pass costs less than many small requests. */
const WHOLE_BYTES = 64 << 20;
/** Decoded values of a model read whole; bounds memory for quantized files, whose values take more room than their bytes. */
const WHOLE_VALUES = 64e6;
/** A lean sketch's limits: under 200 requests with the headers, and a fraction of the file. */
const LEAN_REQUESTS = 150;
/** Of these, kept for gains: they alone start equal in every model. */
const LEAN_VECTORS = 40;
const LEAN_UNITS = 32;
const LEAN_SHARE = 0.0035;
const LEAN_FLOOR_BYTES = 24 << 20;
const MAX_SAMPLES = 300;
const MAX_VECTORS = 200;
const MAX_PRINTS = 600;
/** JSON header a sample, a vector, a print takes, about. */
const HEADER_COST = { sample: 190, framed: 190, vector: 110, print: 80 };
const HASH_UNITS = 8;
const HASH_FEATURES = 16;
/** Tensors below this many values are equal by chance (all zero, all one) too often. */
const MIN_PRINT_VALUES = 32;
/** Reads in flight: enough for a source to merge near ranges, few enough to bound memory. */
const BATCH = 16;

/** Tokens that units are told by, every second of those the token table's own sample reads: no byte more is read for them. */
const FRAME_TOKENS = 32;

interface Want {
  readonly rt: RoleTensor;
  readonly plan: RolePlan;
  readonly shape: MatrixShape;
  readonly units: number;
  readonly features: number;
}

/** @throws SourceError, WeightsError when bytes cannot be read; LineageError `SKETCH_SALT`. */
export async function sketchModel(model: Model, options: SketchOptions): Promise<Sketch> {
  const commitment = options.salt ? saltCommitment(options.salt) : '';
  const salt = options.salt ? toHex(options.salt) : '';
  const checkpoint = model.checkpoint;
  const storedBytes = checkpoint?.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0) ?? 0;
  const decodable = model.roles.filter((rt) => rt.role !== 'buffer' && isFloating(rt.tensor.dtype));
  const values = decodable.reduce((sum, rt) => sum + product(roleShape(rt)), 0);
  const complete = checkpoint !== null && storedBytes <= WHOLE_BYTES && values <= WHOLE_VALUES;
  const wants = choose(decodable, complete, storedBytes);
  const vectors = orderWanted(decodable, (rt) => vectorWorth(rt)).slice(
    0,
    complete ? MAX_VECTORS : Math.max(0, LEAN_REQUESTS - wants.length),
  );
  const vectorPositions = Math.min(256, Math.floor(40_000 / Math.max(1, vectors.length) / 2));
  const printed = complete ? largest(decodable, MAX_PRINTS) : [];
  const tokens = await tokenFrame(model, wants, salt);
  const framedWants = tokens ? wants.filter(isFramed) : [];
  const header =
    wants.length * HEADER_COST.sample +
    framedWants.length * HEADER_COST.framed +
    vectors.length * HEADER_COST.vector +
    printed.length * HEADER_COST.print;
  const payload = (options.bytes ?? DEFAULT_BYTES) - header - vectors.length * vectorPositions * 2;
  const sized = fit(wants, payload, complete ? MAX_UNITS : LEAN_UNITS, tokens !== null);
  const heads = headReason(model.roles);
  const newHasher = options.newHasher ?? portableHasher;

  const samples: Sample[] = [];
  const framed: Sample[] = [];
  const prints: TensorPrint[] = [];
  const vectorSamples: VectorSample[] = [];
  const sampleOf = new Map(sized.map((want) => [want.rt, want]));
  const printSet = new Set(printed);
  const vectorSet = new Set(vectors);
  const jobs = complete ? decodable : [...sized.map((want) => want.rt), ...vectors];
  for (let at = 0; at < jobs.length; at += BATCH) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ what: 'sketch', done: at, total: jobs.length });
    // Whole tensors are held one at a time; small ranges go out together.
    const batch = jobs.slice(at, at + BATCH);
    const run = async (rt: RoleTensor): Promise<void> => {
      const shape = roleShape(rt);
      const whole = complete ? await readRoleRows(checkpoint, rt, 0, shape[0]) : null;
      const want = sampleOf.get(rt);
      if (want) {
        const taken = await takeSample(model, want, whole, salt, heads(rt), newHasher);
        samples.push(taken.sample);
        if (tokens && taken.rows && isFramed(want)) framed.push(takeFramed(taken.sample, taken.rows, tokens));
      }
      if (vectorSet.has(rt))
        vectorSamples.push(takeVector(rt, whole ?? (await readRoleRows(checkpoint!, rt, 0, shape[0])), vectorPositions, salt));
      // Equal constants are found in strangers; only values that training or chance chose are printed.
      if (whole && printSet.has(rt) && (whole.length > 4e6 || !constantReason(whole, shape[0], shape[1], true)))
        prints.push(takePrint(rt, whole, newHasher));
    };
    if (complete) for (const rt of batch) await run(rt);
    else await Promise.all(batch.map(run));
  }
  const order = new Map(model.roles.map((rt, i) => [rt.slot, i]));
  const bySlot = (x: { slot: string }, y: { slot: string }): number => order.get(x.slot)! - order.get(y.slot)!;
  return {
    schema: 'heirloom-sketch/1',
    subject: {
      name: model.name,
      digest: options.digest.value,
      digestCovers: options.digest.covers,
      format: checkpoint?.format ?? 'none',
      parameters: model.parameters,
      architecture: model.architecture,
      scheme: model.scheme,
      isAdapter: model.isAdapter,
      dtype: mainDtype(decodable),
    },
    salt: commitment,
    complete,
    samples: samples.sort(bySlot),
    framed: framed.sort(bySlot),
    vectors: vectorSamples.sort(bySlot),
    prints: prints.sort(bySlot),
  };
}

/** Roles to sample, best first, inside the limits on requests and bytes. */
function choose(roles: readonly RoleTensor[], complete: boolean, storedBytes: number): Want[] {
  const wants: Want[] = [];
  const gains = roles.filter((rt) => vectorWorth(rt) !== null).length;
  let bytes = 0;
  const byteLimit = Math.max(LEAN_FLOOR_BYTES, storedBytes * LEAN_SHARE);
  for (const rt of orderWanted(roles, (role) => ROLE_PLANS[role.role]?.worth ?? null)) {
    const plan = ROLE_PLANS[rt.role]!;
    const shape = roleShape(rt);
    const [unitCount, featureCount] = plan.axis === 'rows' ? shape : ([shape[1], shape[0]] as const);
    if (unitCount < (plan.family === 'rank' ? 2 : 4) || featureCount < 3) continue;
    if (wants.length >= MAX_SAMPLES) break;
    if (!complete) {
      if (wants.length >= LEAN_REQUESTS - Math.min(LEAN_VECTORS, gains)) break;
      const rowBytes = (rt.tensor.bytes / Math.max(1, product(roleShape(rt)))) * shape[1];
      const cost = rowBytes * (plan.axis === 'rows' ? Math.min(LEAN_UNITS, shape[0]) : Math.min(plan.features, shape[0]));
      if (bytes + cost > byteLimit) continue;
      bytes += cost;
    }
    wants.push({ rt, plan, shape, units: unitCount, features: Math.min(plan.features, featureCount) });
  }
  return wants;
}

/** Numbers of units tried: even, so that pairs stay whole. A sample of fewer is a prefix of one of more. */
const UNIT_STEPS = [256, 224, 192, 160, 128, 112, 96, 80, 64, 56, 48, 40, 32, 24, 16, 8];

/** Shrinks the number of units until the samples fit `payload`; then drops the least worth. */
function fit(wants: readonly Want[], payload: number, most: number, framed: boolean): Want[] {
  const cost = (list: readonly Want[], units: number): number =>
    list.reduce((sum, want) => {
      const bytes = want.features + 4 + (framed && isFramed(want) ? FRAME_TOKENS + 4 : 0);
      return sum + Math.min(want.units, units) * bytes;
    }, 0);
  for (const units of UNIT_STEPS.filter((step) => step <= most))
    if (units === 8 || cost(wants, units) <= payload) {
      const kept = [...wants];
      while (kept.length > 0 && cost(kept, units) > payload) kept.pop();
      return kept.map((want) => ({ ...want, units: Math.min(want.units, units) }));
    }
  return [];
}

async function takeSample(
  model: Model,
  want: Want,
  whole: Float32Array | null,
  salt: string,
  excludedAsHead: string,
  newHasher: NewHasher,
): Promise<{ sample: Sample; rows: Float32Array | null }> {
  const { rt, plan, shape, units, features } = want;
  const [unitCount, featureCount] = plan.axis === 'rows' ? shape : ([shape[1], shape[0]] as const);
  const unitStart = sampleStart(plan.family, unitCount, shape, salt);
  const featureAt = featurePositions(want, featureCount, salt);
  const rowStart = plan.axis === 'rows' ? unitStart : featureAt[0]!;
  const rowTake = plan.axis === 'rows' ? units : features;
  let block: Float32Array;
  let read: Int32Array | null = null;
  if (whole) block = whole.subarray(rowStart * shape[1], (rowStart + rowTake) * shape[1]);
  else if (rt.view.transpose || rt.view.outputFirst) {
    read = plan.axis === 'rows' ? featureAt : Int32Array.from({ length: units }, (_, i) => unitStart + i);
    block = await readRoleBlock(model.checkpoint!, rt, rowStart, rowTake, read);
  } else block = await readRoleRows(model.checkpoint!, rt, rowStart, rowTake);
  const width = read ? read.length : shape[1];
  const sampled = new Float32Array(units * features);
  for (let u = 0; u < units; u++)
    for (let f = 0; f < features; f++) {
      const [row, column] = plan.axis === 'rows' ? [u, read ? f : featureAt[f]!] : [f, read ? u : unitStart + u];
      sampled[u * features + f] = block[row * width + column]!;
    }
  const reason =
    excludedAsHead ||
    (whole && whole.length <= 4e6 ? constantReason(whole, shape[0], shape[1], true) : constantReason(block, rowTake, width, false));
  const sample: Sample = {
    slot: rt.slot,
    role: rt.role,
    stack: rt.stack,
    block: rt.block,
    expert: rt.expert ?? null,
    shape: [shape[0], shape[1]],
    axis: plan.axis,
    units,
    features,
    ...quantize(sampled, units, features),
    hash: hashSample(sampled, units, features, newHasher),
    stats: sampleStats(block, rowTake, width),
    excluded: reason,
  };
  return { sample, rows: read ? null : block };
}

function isFramed({ rt, plan }: Want): boolean {
  return plan.family === 'mlp' && plan.axis === 'rows' && rt.stack === '';
}

/** Unit rows `[FRAME_TOKENS, width]` of the token table where its own sample looks; null when there is none of that length. */
async function tokenFrame(model: Model, wants: readonly Want[], salt: string): Promise<Float32Array | null> {
  const table = wants.find((want) => want.rt.role === 'embed' && want.rt.stack === '' && want.features >= 2 * FRAME_TOKENS);
  if (!table || table.rt.view.transpose || table.rt.view.outputFirst) return null;
  const width = table.shape[1];
  const start = featurePositions(table, table.shape[0], salt)[0]!;
  const rows = await readRoleRows(model.checkpoint!, table.rt, start, 2 * FRAME_TOKENS);
  const out = new Float32Array(FRAME_TOKENS * width);
  for (let t = 0; t < FRAME_TOKENS; t++) {
    const row = rows.subarray(2 * t * width, (2 * t + 1) * width);
    const size = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (size > 0 && Number.isFinite(size)) row.forEach((value, i) => (out[t * width + i] = value / size));
  }
  return out;
}

/** @param rows `[units or more, width]`, whole rows of the sample's matrix. */
function takeFramed(sample: Sample, rows: Float32Array, tokens: Float32Array): Sample {
  const products = rowProductsF32(rows, tokens, sample.units, FRAME_TOKENS, sample.shape[1]);
  return { ...sample, features: FRAME_TOKENS, ...quantize(products, sample.units, FRAME_TOKENS) };
}

/** Token rows start where every vocabulary has frequent merges, whatever its length, so that extended ones stay comparable. */
function featurePositions(want: Want, featureCount: number, salt: string): Int32Array {
  const { plan, shape, features } = want;
  if (plan.featureOrder === 'spread') return sampleColumns(plan.family, featureCount, features, salt);
  const start =
    plan.family === 'channel'
      ? featureCount >= 576
        ? 256 + runStart(`tokens|${shape[1]}`, 256, 0, salt)
        : 0
      : runStart(`${plan.family}|features|${featureCount}`, featureCount, 64, salt);
  return Int32Array.from({ length: features }, (_, i) => start + i);
}

function takeVector(rt: RoleTensor, values: Float32Array, count: number, salt: string): VectorSample {
  const at = positions('vector', values.length, count, salt);
  return {
    slot: rt.slot,
    role: rt.role,
    stack: rt.stack,
    block: rt.block,
    length: values.length,
    values: Float32Array.from(at, (i) => fromBfloat16(toBfloat16(values[i]!))),
  };
}

function takePrint(rt: RoleTensor, values: Float32Array, newHasher: NewHasher): TensorPrint {
  const ordered = newHasher();
  const counts = new Uint32Array(65536);
  const chunk = new Uint8Array(2 * Math.min(values.length, 1 << 16));
  for (let at = 0; at < values.length; at += 1 << 16) {
    const end = Math.min(values.length, at + (1 << 16));
    for (let i = at; i < end; i++) {
      const bits = toBfloat16(values[i]!);
      chunk[2 * (i - at)] = bits & 0xff;
      chunk[2 * (i - at) + 1] = bits >> 8;
      counts[toHalf(values[i]!)]!++;
    }
    ordered.update(chunk.subarray(0, 2 * (end - at)));
  }
  const sorted = newHasher();
  // 65,536 possible values: the sorted sequence is its histogram. Little-endian, as everywhere.
  sorted.update(new Uint8Array(counts.buffer));
  return { slot: rt.slot, count: values.length, ordered: short(ordered.digest()), sorted: short(sorted.digest()) };
}

function hashSample(values: Float32Array, units: number, features: number, newHasher: NewHasher): string {
  const rows = Math.min(units, HASH_UNITS);
  const columns = Math.min(features, HASH_FEATURES);
  const bytes = new Uint8Array(rows * columns * 2);
  for (let r = 0, at = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const half = toBfloat16(values[r * features + c]!);
      bytes[at++] = half & 0xff;
      bytes[at++] = half >> 8;
    }
  const hasher = newHasher();
  hasher.update(bytes);
  return short(hasher.digest());
}

function largest(roles: readonly RoleTensor[], count: number): RoleTensor[] {
  return roles
    .map((rt, i) => ({ rt, i, size: product(roleShape(rt)) }))
    .filter((entry) => entry.size >= MIN_PRINT_VALUES)
    .sort((a, b) => b.size - a.size || a.i - b.i)
    .slice(0, count)
    .map((entry) => entry.rt);
}

function vectorWorth(rt: RoleTensor): number | null {
  const length = product(roleShape(rt));
  return VECTOR_ROLES.includes(rt.role) && length >= 8 && length <= 1 << 16 ? VECTOR_ROLES.indexOf(rt.role) : null;
}

function mainDtype(roles: readonly RoleTensor[]): string {
  const bytes = new Map<string, number>();
  for (const rt of roles) bytes.set(rt.tensor.dtype, (bytes.get(rt.tensor.dtype) ?? 0) + rt.tensor.bytes);
  return [...bytes].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? '';
}

function isFloating(dtype: DType): boolean {
  return DTYPES[dtype].decode !== undefined && !['I64', 'I32', 'I16', 'U64', 'U32', 'U16', 'U8', 'BOOL'].includes(dtype);
}

function product(shape: MatrixShape): number {
  return shape[0] * shape[1];
}

function short(digest: Uint8Array): string {
  return toHex(digest.subarray(0, 8));
}
