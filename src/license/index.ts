export { KIND_ORDER, kindRank } from './catalog.ts';
export { dutyActs } from './duties.ts';
export { identifyLicense } from './identify.ts';
export { judgeLicense } from './judge.ts';
export { resolveTag } from './tags.ts';
export { loadRecords } from './terms/load.ts';
export type { LicenseRecord, Term } from './terms/types.ts';
export * from './types.ts';
