export { assess, type AssessOptions, subjectDigest } from './assess.ts';
export { normalizeName, publishedName, sameName } from './names.ts';
export type { AncestorRecord, Assessment, ClaimCheck, KnownModel, KnownModels } from './types.ts';
