export { assess, type AssessOptions } from './assess.ts';
export { checkClaim } from './claims.ts';
export type { FamilyTree, TreeClaim, TreeLink } from './family-tree.ts';
export { subjectDigest } from './digest.ts';
export { byStrength, isTie, type KnownRelation, relateKnown } from './known.ts';
export { assessLicense, type LicenseAssessed } from './license.ts';
export { publishedName } from './names.ts';
export type { AncestorRecord, Assessment, ClaimCheck, KnownModel, KnownModels, KnownQuery } from './types.ts';
