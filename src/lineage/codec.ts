/**
 * Sketch files: magic, version, JSON header, int8 payload.
 *
 *   0  "HLSK"            4 bytes
 *   4  version = 1       u32 LE
 *   8  header length     u32 LE
 *  12  header            canonical JSON (RFC 8785): everything but values
 *   …  payload           per sample, then per framed one: units x f32 scale, units x features x i8; then per vector: length x bf16
 *
 * @module
 */
import { canonicalJson, type JsonValue, type NewHasher, parseJson, portableHasher, sha256, toHex } from '../base/index.ts';
import { fromBfloat16, toBfloat16 } from './rounding.ts';
import type { Sample, Sketch, VectorSample } from './sketch.ts';
import { LineageError } from './types.ts';

const MAGIC = 0x4b534c48; // "HLSK" read little-endian
const VERSION = 1;
/** A stored sketch's cap: a million of them must be kept. In-memory ones for `compare` may be larger. */
export const MAX_SKETCH_BYTES: number = 256 * 1024;
/** Units or features one sample may claim; the sampler never exceeds it. (CWE-770) */
const MAX_SIDE = 65536;

/** @throws LineageError `SKETCH_TOO_LARGE` over 256 KiB. */
export function encodeSketch(sketch: Sketch): Uint8Array {
  const out = pack(sketch);
  if (out.length > MAX_SKETCH_BYTES)
    throw new LineageError(
      'SKETCH_TOO_LARGE',
      `the sketch of "${sketch.subject.name}" takes ${out.length} bytes, over the cap of ${MAX_SKETCH_BYTES}`,
    );
  return out;
}

function pack(sketch: Sketch): Uint8Array {
  const { samples, framed, vectors, ...rest } = sketch;
  const bare = ({ codes: _codes, scales: _scales, ...sample }: Sample): Omit<Sample, 'codes' | 'scales'> => sample;
  const header = new TextEncoder().encode(
    canonicalJson({
      ...rest,
      samples: samples.map(bare),
      framed: framed.map(bare),
      vectors: vectors.map(({ values, ...vector }) => ({ ...vector, kept: values.length })),
    }),
  );
  const payload =
    [...samples, ...framed].reduce((sum, s) => sum + s.units * (4 + s.features), 0) +
    vectors.reduce((sum, v) => sum + 2 * v.values.length, 0);
  const out = new Uint8Array(12 + header.length + payload);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, header.length, true);
  out.set(header, 12);
  let at = 12 + header.length;
  for (const sample of [...samples, ...framed]) at = writeSample(view, at, sample);
  for (const vector of vectors)
    for (const value of vector.values) {
      view.setUint16(at, toBfloat16(value), true);
      at += 2;
    }
  return out;
}

function writeSample(view: DataView, start: number, { codes, scales }: Sample): number {
  let at = start;
  for (const scale of scales) {
    view.setFloat32(at, scale, true);
    at += 4;
  }
  new Int8Array(view.buffer, at, codes.length).set(codes);
  return at + codes.length;
}

/** `sha256:<hex>` of the encoded form. */
export function sketchDigest(encoded: Uint8Array): string {
  return `sha256:${toHex(sha256(encoded))}`;
}

/**
 * @param file named in errors.
 * @param newHasher digests the file; evidence names its inputs by that digest.
 * @throws LineageError `SKETCH_INVALID` naming byte or field, `SKETCH_VERSION` for a version this reader does not know.
 */
export function decodeSketch(bytes: Uint8Array, file: string, newHasher: NewHasher = portableHasher): Sketch {
  const bad = (message: string, where: { byte?: number; field?: string }): LineageError =>
    new LineageError('SKETCH_INVALID', `${file} is not a sketch: ${message}`, { where: { file, ...where } });
  if (bytes.length > MAX_SKETCH_BYTES) throw bad(`${bytes.length} bytes, over the cap of ${MAX_SKETCH_BYTES}`, { byte: 0 });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 12 || view.getUint32(0, true) !== MAGIC) throw bad('the magic is missing', { byte: 0 });
  const version = view.getUint32(4, true);
  if (version !== VERSION)
    throw new LineageError('SKETCH_VERSION', `${file} is a version ${version} sketch; this reader knows ${VERSION}`, {
      where: { file, byte: 4 },
    });
  const headerBytes = view.getUint32(8, true);
  if (12 + headerBytes > bytes.length) throw bad(`a header of ${headerBytes} bytes leaves the file`, { byte: 8 });
  const header = parseJson(bytes.subarray(12, 12 + headerBytes), file);
  const problem = headerProblem(header);
  if (problem) throw bad(problem, { field: problem });
  const parsed = header as unknown as Omit<Sketch, 'samples' | 'framed' | 'vectors'> & {
    framed: Omit<Sample, 'codes' | 'scales'>[];
    samples: Omit<Sample, 'codes' | 'scales'>[];
    vectors: (Omit<VectorSample, 'values'> & { kept: number })[];
  };
  const need =
    [...parsed.samples, ...parsed.framed].reduce((sum, s) => sum + s.units * (4 + s.features), 0) +
    parsed.vectors.reduce((sum, v) => sum + 2 * v.kept, 0);
  if (12 + headerBytes + need !== bytes.length)
    throw bad(`the header calls for ${need} bytes of values, ${bytes.length - 12 - headerBytes} are there`, { byte: 12 + headerBytes });
  let at = 12 + headerBytes;
  const withValues = (sample: Omit<Sample, 'codes' | 'scales'>): Sample => {
    const scales = new Float32Array(sample.units);
    for (let u = 0; u < scales.length; u++, at += 4) scales[u] = view.getFloat32(at, true);
    const length = sample.units * sample.features;
    // Not `bytes.slice(…).buffer`: a Node Buffer is a Uint8Array whose slice is a view of a larger buffer.
    const codes = new Int8Array(bytes.buffer, bytes.byteOffset + at, length).slice();
    at += length;
    return { ...sample, codes, scales };
  };
  const samples = parsed.samples.map(withValues);
  const framed = parsed.framed.map(withValues);
  const vectors = parsed.vectors.map(({ kept, ...vector }) => {
    const values = new Float32Array(kept);
    for (let i = 0; i < kept; i++, at += 2) values[i] = fromBfloat16(view.getUint16(at, true));
    return { ...vector, values };
  });
  const sketch = { ...parsed, samples, framed, vectors };
  const hasher = newHasher();
  hasher.update(bytes);
  digests.set(sketch, `sha256:${toHex(hasher.digest())}`);
  return sketch;
}

/** The first thing wrong with a header, or ''. Only what later arithmetic relies on is checked here. */
function headerProblem(header: JsonValue): string {
  const h = header as Record<string, unknown> | null;
  if (typeof h !== 'object' || h === null || Array.isArray(h)) return 'header';
  if (h['schema'] !== 'heirloom-sketch/1') return 'schema';
  if (typeof h['complete'] !== 'boolean') return 'complete';
  if (typeof h['salt'] !== 'string') return 'salt';
  const subject = h['subject'] as Record<string, unknown> | null;
  if (typeof subject !== 'object' || subject === null) return 'subject';
  for (const key of ['name', 'digest', 'digestCovers', 'format', 'architecture', 'scheme', 'dtype'])
    if (typeof subject[key] !== 'string') return `subject.${key}`;
  if (!isCount(subject['parameters'], Number.MAX_SAFE_INTEGER)) return 'subject.parameters';
  if (typeof subject['isAdapter'] !== 'boolean') return 'subject.isAdapter';
  for (const list of ['samples', 'framed', 'vectors', 'prints']) if (!Array.isArray(h[list])) return list;
  for (const list of ['samples', 'framed'])
    for (const [i, s] of (h[list] as Record<string, unknown>[]).entries()) {
      const problem = sampleProblem(s);
      if (problem !== null) return `${list}.${i}${problem}`;
    }
  for (const [i, v] of (h['vectors'] as Record<string, unknown>[]).entries())
    if (!isSlot(v) || !isCount(v['kept'], MAX_SIDE) || !isCount(v['length'], Number.MAX_SAFE_INTEGER)) return `vectors.${i}`;
  for (const [i, p] of (h['prints'] as Record<string, unknown>[]).entries())
    if (
      typeof p?.['slot'] !== 'string' ||
      !isCount(p['count'], Number.MAX_SAFE_INTEGER) ||
      typeof p['ordered'] !== 'string' ||
      typeof p['sorted'] !== 'string'
    )
      return `prints.${i}`;
  return '';
}

function sampleProblem(s: Record<string, unknown>): string | null {
  const shape = s?.['shape'];
  const stats = s?.['stats'] as Record<string, unknown> | undefined;
  if (!isSlot(s) || !isCount(s['units'], MAX_SIDE) || !isCount(s['features'], MAX_SIDE)) return '';
  if (!Array.isArray(shape) || shape.length !== 2 || !shape.every((n) => isCount(n, Number.MAX_SAFE_INTEGER))) return '.shape';
  if (s['axis'] !== 'rows' && s['axis'] !== 'columns') return '.axis';
  if (typeof s['hash'] !== 'string' || typeof s['excluded'] !== 'string') return '.hash';
  if (!(s['expert'] === null || isCount(s['expert'], MAX_SIDE))) return '.expert';
  for (const key of ['zeros', 'distinct', 'lattice']) if (typeof stats?.[key] !== 'number') return `.stats.${key}`;
  return null;
}

function isSlot(s: Record<string, unknown> | null | undefined): s is Record<string, unknown> {
  return (
    typeof s === 'object' &&
    s !== null &&
    typeof s['slot'] === 'string' &&
    typeof s['role'] === 'string' &&
    typeof s['stack'] === 'string' &&
    (s['block'] === null || isCount(s['block'], Number.MAX_SAFE_INTEGER))
  );
}

function isCount(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

/** Digest of a sketch of any size, over the same bytes that its file would hold. */
export function encodeForDigest(sketch: Sketch): string {
  const digest = digests.get(sketch) ?? sketchDigest(pack(sketch));
  digests.set(sketch, digest);
  return digest;
}
const digests = new WeakMap<Sketch, string>();
