/** A model as published: files, claims, and its tensors under canonical names. */
export { readYaml } from './card.ts';
export { digestHeader, digestModel, type FileDigest, type ModelDigest, type TensorDigest } from './digest.ts';
export { type Heads, readHeads } from './heads.ts';
export { readRoleBlock, readRoleRows, roleShape } from './matrix.ts';
export { normalizeName, sameName } from './published-names.ts';
export { readModel } from './read.ts';
export {
  type Claim,
  type Claims,
  type MatrixShape,
  type Model,
  type ModelCard,
  ModelError,
  type ModelErrorCode,
  type ModelFile,
  type Role,
  type RoleTensor,
  type TensorView,
  type TextFile,
} from './types.ts';
