/** A copy of a model's numbers in a format that carries nothing else. */
export { planSafetensors } from './plan.ts';
export { verifyCopy, writeSafetensors } from './write.ts';
export type { ConversionPlan, CopiedTensor, LeftOut, SharedValues } from './types.ts';
