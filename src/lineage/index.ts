export { sketchModel, type SketchOptions } from './build.ts';
export { type Bound, type Calibration, loadCalibration, type PowerCurve, type Threshold } from './calibration.ts';
export { CODE_BITS, CODE_VERSION, MARKS, searchCode, type AxisCode, type SearchCode } from './code.ts';
export { type CodeTable, type Nearness, scanCodes } from './code-scan.ts';
export { decodeSketch, encodeForDigest, encodeSketch, MAX_SKETCH_BYTES, sketchDigest } from './codec.ts';
export { lossOf } from './kind.ts';
export { relate, type RelateOptions } from './relate.ts';
export { isOpen, lookCloser, type Sketched } from './look-closer.ts';
export { fitMerge, type MergeFit, type MergeParent } from './delta/merge.ts';
export { explainWith } from './delta/with-others.ts';
export { type SlotPair } from './delta/pairs.ts';
export { makeMeter, type TensorDelta } from './delta/pass.ts';
export { gatherPairs, type Measured, type MeasureAll, measurePairs, type Opened, refineKind } from './delta/refine.ts';
export { saltCommitment } from './salt.ts';
export type { Sample, SampleStats, Sketch, TensorPrint, VectorSample } from './sketch.ts';
export {
  type Evidence,
  type EvidenceClass,
  type Kind,
  type KindName,
  type Merge,
  LineageError,
  type LineageErrorCode,
  type Relation,
  type RelationSubject,
  sharesTraining,
  type Verdict,
} from './types.ts';
export { distanceOf, frameOf, sizeOf } from './family/distance.ts';
export { buildFamilies, type FitMerge } from './family/graph.ts';
export { depthsFrom, neighborsOf } from './family/shape.ts';
export type { Family, FamilyEdge, FamilyNode, FoundMerge, Loss, Tie } from './family/types.ts';
