/**
 * Block quantisations of ggml (GGUF): sizes for all types, decoders for those this project reads.
 * @module
 */
import type { DTypeSpec } from './dtypes.ts';

export type GgmlQuant =
  | 'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1' | 'Q8_0' | 'Q8_1'
  | 'Q2_K' | 'Q3_K' | 'Q4_K' | 'Q5_K' | 'Q6_K' | 'Q8_K'
  | 'IQ2_XXS' | 'IQ2_XS' | 'IQ3_XXS' | 'IQ1_S' | 'IQ4_NL' | 'IQ3_S' | 'IQ2_S' | 'IQ4_XS' | 'IQ1_M'
  | 'TQ1_0' | 'TQ2_0' | 'MXFP4';

export const GGML_QUANTS: Readonly<Record<GgmlQuant, DTypeSpec>> = {
  Q4_0: { blockValues: 32, blockBytes: 18 },
  Q4_1: { blockValues: 32, blockBytes: 20 },
  Q5_0: { blockValues: 32, blockBytes: 22 },
  Q5_1: { blockValues: 32, blockBytes: 24 },
  Q8_0: { blockValues: 32, blockBytes: 34 },
  Q8_1: { blockValues: 32, blockBytes: 36 },
  Q2_K: { blockValues: 256, blockBytes: 84 },
  Q3_K: { blockValues: 256, blockBytes: 110 },
  Q4_K: { blockValues: 256, blockBytes: 144 },
  Q5_K: { blockValues: 256, blockBytes: 176 },
  Q6_K: { blockValues: 256, blockBytes: 210 },
  Q8_K: { blockValues: 256, blockBytes: 292 },
  IQ2_XXS: { blockValues: 256, blockBytes: 66 },
  IQ2_XS: { blockValues: 256, blockBytes: 74 },
  IQ3_XXS: { blockValues: 256, blockBytes: 98 },
  IQ1_S: { blockValues: 256, blockBytes: 50 },
  IQ4_NL: { blockValues: 32, blockBytes: 18 },
  IQ3_S: { blockValues: 256, blockBytes: 110 },
  IQ2_S: { blockValues: 256, blockBytes: 82 },
  IQ4_XS: { blockValues: 256, blockBytes: 136 },
  IQ1_M: { blockValues: 256, blockBytes: 56 },
  TQ1_0: { blockValues: 256, blockBytes: 54 },
  TQ2_0: { blockValues: 256, blockBytes: 66 },
  MXFP4: { blockValues: 32, blockBytes: 17 },
};
