/** Text of src/math/gemm.generated.ts, compiled from kernels/gemm.ts. @throws Error with the compiler's words. */
export function generateGemm(): Promise<string>;
