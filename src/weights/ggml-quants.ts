/**
 * Block quantizations of ggml (GGUF): sizes for all types, decoders for those this project reads.
 * Sizes: `static_assert`s of ggml `ggml-common.h`; verified against GGML_QUANT_SIZES of the `gguf` Python package.
 * The IQ1–IQ3 families index large codebooks and are listed only.
 * @module
 */
import type { DTypeSpec } from './dtypes.ts';
import { decodeIq4Nl, decodeIq4Xs, decodeMxfp4, decodeNvfp4, decodeTq1, decodeTq2, fiveBits, nibbles, signedBytes } from './ggml-decode.ts';
import { decodeQ2K, decodeQ3K, decodeQ4K, decodeQ5K, decodeQ6K, decodeQ8K } from './ggml-k-quants.ts';

// prettier-ignore
export type GgmlQuant =
  | 'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1' | 'Q8_0' | 'Q8_1'
  | 'Q2_K' | 'Q3_K' | 'Q4_K' | 'Q5_K' | 'Q6_K' | 'Q8_K'
  | 'IQ2_XXS' | 'IQ2_XS' | 'IQ3_XXS' | 'IQ1_S' | 'IQ4_NL' | 'IQ3_S' | 'IQ2_S' | 'IQ4_XS' | 'IQ1_M'
  | 'TQ1_0' | 'TQ2_0' | 'MXFP4' | 'NVFP4' | 'Q1_0';

export const GGML_QUANTS: Readonly<Record<GgmlQuant, DTypeSpec>> = {
  Q4_0: { blockValues: 32, blockBytes: 18, decode: nibbles(18, 2, 8, false) },
  Q4_1: { blockValues: 32, blockBytes: 20, decode: nibbles(20, 4, 0, true) },
  Q5_0: { blockValues: 32, blockBytes: 22, decode: fiveBits(22, 2, 16, false) },
  Q5_1: { blockValues: 32, blockBytes: 24, decode: fiveBits(24, 4, 0, true) },
  Q8_0: { blockValues: 32, blockBytes: 34, decode: signedBytes(34, 2) },
  Q8_1: { blockValues: 32, blockBytes: 36, decode: signedBytes(36, 4) },
  Q2_K: { blockValues: 256, blockBytes: 84, decode: decodeQ2K },
  Q3_K: { blockValues: 256, blockBytes: 110, decode: decodeQ3K },
  Q4_K: { blockValues: 256, blockBytes: 144, decode: decodeQ4K },
  Q5_K: { blockValues: 256, blockBytes: 176, decode: decodeQ5K },
  Q6_K: { blockValues: 256, blockBytes: 210, decode: decodeQ6K },
  Q8_K: { blockValues: 256, blockBytes: 292, decode: decodeQ8K },
  IQ2_XXS: { blockValues: 256, blockBytes: 66 },
  IQ2_XS: { blockValues: 256, blockBytes: 74 },
  IQ3_XXS: { blockValues: 256, blockBytes: 98 },
  IQ1_S: { blockValues: 256, blockBytes: 50 },
  IQ4_NL: { blockValues: 32, blockBytes: 18, decode: decodeIq4Nl },
  IQ3_S: { blockValues: 256, blockBytes: 110 },
  IQ2_S: { blockValues: 256, blockBytes: 82 },
  IQ4_XS: { blockValues: 256, blockBytes: 136, decode: decodeIq4Xs },
  IQ1_M: { blockValues: 256, blockBytes: 56 },
  TQ1_0: { blockValues: 256, blockBytes: 54, decode: decodeTq1 },
  TQ2_0: { blockValues: 256, blockBytes: 66, decode: decodeTq2 },
  MXFP4: { blockValues: 32, blockBytes: 17, decode: decodeMxfp4 },
  NVFP4: { blockValues: 64, blockBytes: 36, decode: decodeNvfp4 },
  Q1_0: { blockValues: 128, blockBytes: 18 },
};
