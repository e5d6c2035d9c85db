/** Family-wise error of a verdict over the whole register, as the decimal logarithm. Here, so that reports may name it without loading the tests. */
export const ALPHA_LOG10 = -6;
