export { binomialCritical, log10BinomialTail, log10Choose } from './binomial.ts';
export { addPair, centered, correlation, median, type PairSums, pairSums, quantile } from './moments.ts';
export { probit } from './normal.ts';
