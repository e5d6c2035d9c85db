export { bytesOfRows, rowCount, rowLength } from './checkpoint.ts';
export { type Detected, detectBytes, detectFormat } from './detect.ts';
export { type DType, DTYPES, type DTypeSpec } from './dtypes.ts';
export { openCheckpoint } from './open.ts';
export { type Checkpoint, type FormatName, type MetaValue, type TensorInfo, WeightsError, type WeightsErrorCode } from './types.ts';
