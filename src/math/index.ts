export { linearAssignment } from './assignment.ts';
export { binomialCritical, log10BinomialTail, log10Choose } from './binomial.ts';
export { rowProductsF32 } from './gemm.ts';
export { centerColumns, multiply, multiplyTransposed, rowProducts, unitRows } from './matrix.ts';
export { addPair, centered, correlation, median, type PairSums, pairSums, quantile } from './moments.ts';
export { probit } from './normal.ts';
export { polar, transpose } from './polar.ts';
export { type Eigen, eigenSymmetric, eigenvaluesSymmetric } from './symmetric.ts';
