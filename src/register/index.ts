/** The models we know, on disk, and the use-cases over them. */
export { addModel, type AddModelOptions } from './add-model.ts';
export { checkModel, type CheckedModel } from './check-model.ts';
export { type CompareOptions, type Comparer, type Comparison, makeComparer } from './compare-models.ts';
export { type Converted, convertModel, type ConvertOptions } from './convert-model.ts';
export { defaultRegisterDir } from './default-dir.ts';
export { familyTree } from './family.ts';
export { writeAtomic } from './files.ts';
export { findAncestors, type FoundAncestors } from './find-ancestors.ts';
export { licenseOf, type LicenseOfModel } from './license-of.ts';
export { modelsIn } from './models-in.ts';
export { type KnownEntry, type KnownOptions, type RegisteredModels } from './known.ts';
export { makeSketch, sketchOf, type SketchedModel, type SketchingOptions, withModel } from './open-model.ts';
export { openRegister, type Register, type RegisterOptions } from './register.ts';
export { resketchModel, type Resketched } from './resketch.ts';
export { readSaltFile } from './salt-file.ts';
export {
  type AddResult,
  type NewEntry,
  type RegisterEntry,
  RegisterError,
  type RegisterErrorCode,
  type RegisterListing,
  type SaltedSketch,
  type StoredSketch,
} from './types.ts';
