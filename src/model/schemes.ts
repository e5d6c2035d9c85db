/**
 * Naming schemes as data: which module name plays which role. Read by `match.ts`.
 * Names are those of the published implementations (Hugging Face transformers and diffusers, Meta's reference code,
 * llama.cpp's tensor names, timm, CompVis). To add a scheme: add a table to one of the four files and a synthetic model to `schemes.test.ts`.
 *
 * A leaf is `[#][~]role[@slot]` or `[#][~]=split`:
 * `#` a 3-D stack of experts; `~` stored `[in, out]` where the model is built of Conv1D modules (GPT-2);
 * `@slot` the last part of the slot when the role alone would not be unique; `=split` a fused matrix (`fused.ts`).
 * In keys `N` stands for any number; the first one after the block is the expert.
 * @module
 */
import { DIFFUSION_SCHEMES } from './schemes-diffusion.ts';
import { LANGUAGE_SCHEMES } from './schemes-language.ts';
import { LLAMA_SCHEMES } from './schemes-llama.ts';
import { VISION_SCHEMES } from './schemes-vision.ts';

export type Leaves = Readonly<Record<string, string>>;

export interface Block {
  /** Path of a block below the root; the `N`s number it. */
  readonly at: string;
  readonly stack: string;
  /** Second kind of block in the same stack (a UNet's resnets beside its transformers); part of the slot. */
  readonly group?: string;
  /** Number blocks by their order instead of by the number written (always done when `at` has several `N`). */
  readonly rank?: boolean;
  readonly leaves: Leaves;
}

export interface Scheme {
  readonly name: string;
  /** Prefixes a whole model may carry, with the stack it then is; the empty prefix is always tried too. */
  readonly roots: readonly (readonly [prefix: string, stack: string])[];
  readonly blocks: readonly Block[];
  readonly outside: Leaves;
}

/** Order decides ties: the plainer scheme first. */
export const SCHEMES: readonly Scheme[] = [...LLAMA_SCHEMES, ...LANGUAGE_SCHEMES, ...VISION_SCHEMES, ...DIFFUSION_SCHEMES];
