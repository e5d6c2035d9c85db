export { sketchModel, type SketchOptions } from './build.ts';
export { CODE_BITS, CODE_VERSION, MARKS, searchCode, type AxisCode, type SearchCode } from './code.ts';
export { type CodeTable, type Nearness, scanCodes } from './code-scan.ts';
export { decodeSketch, encodeForDigest, encodeSketch, MAX_SKETCH_BYTES, sketchDigest } from './codec.ts';
export { ALPHA_LOG10, relate, type RelateOptions } from './relate.ts';
export { isOpen, lookCloser, type Sketched } from './look-closer.ts';
export { saltCommitment } from './salt.ts';
export type { Sample, SampleStats, Sketch, TensorPrint, VectorSample } from './sketch.ts';
export {
  type Evidence,
  type EvidenceClass,
  type Kind,
  type KindName,
  LineageError,
  type LineageErrorCode,
  type Relation,
  type RelationSubject,
  type Verdict,
} from './types.ts';
