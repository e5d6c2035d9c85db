export { sketchModel, type SketchOptions } from './build.ts';
export { decodeSketch, encodeForDigest, encodeSketch, MAX_SKETCH_BYTES, sketchDigest } from './codec.ts';
export { lossOf } from './kind.ts';
export { ALPHA_LOG10, relate, type RelateOptions } from './relate.ts';
export { isOpen, lookCloser, type Sketched } from './look-closer.ts';
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
export { distanceOf, frameOf, sizeOf } from './family/distance.ts';
export { buildFamilies, type FitMerge } from './family/graph.ts';
export { depthsFrom, neighborsOf } from './family/shape.ts';
export type { Family, FamilyEdge, FamilyNode, FoundMerge, Loss, Tie } from './family/types.ts';
