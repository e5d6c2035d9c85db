export { assess, type AssessOptions, subjectDigest } from './assess.ts';
export { normalizeName, sameName } from './names.ts';
export type { AncestorRecord, Assessment, ClaimCheck, KnownModel, KnownModels } from './types.ts';
