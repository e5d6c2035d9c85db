export { linearAssignment } from './assignment.ts';
export { binomialCritical, log10BinomialTail, log10Choose } from './binomial.ts';
export { fft } from './fft.ts';
export { centerColumns, multiply, multiplyTransposed, rowProducts, unitRows } from './matrix.ts';
export { mersenneTwister } from './mersenne-twister.ts';
export { addPair, centered, correlation, median, type PairSums, pairSums, quantile } from './moments.ts';
export { probit } from './normal.ts';
export { polar, transpose } from './polar.ts';
export { type Eigen, eigenSymmetric } from './symmetric.ts';
