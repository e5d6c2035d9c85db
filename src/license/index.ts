export { KIND_ORDER, kindRank } from './catalog.ts';
export { identifyLicense } from './identify.ts';
export { judgeLicense, judgeLicenseFor } from './judge.ts';
export { resolveTag } from './tags.ts';
export * from './types.ts';
