/** The models we know, on disk, and the use-cases over them. */
export { addModel, type AddModelOptions } from './add-model.ts';
export { checkModel, type CheckedModel } from './check-model.ts';
export { type CompareOptions, type Comparison, makeComparer } from './compare-models.ts';
export { defaultRegisterDir } from './default-dir.ts';
export { writeAtomic } from './files.ts';
export { findAncestors, type FoundAncestors } from './find-ancestors.ts';
export { makeSketch, sketchOf, type SketchedModel, withModel } from './open-model.ts';
export { openRegister, type Register, type RegisteredModels, type RegisterOptions } from './register.ts';
export { type AddResult, type NewEntry, type RegisterEntry, RegisterError, type RegisterErrorCode, type RegisterListing } from './types.ts';
