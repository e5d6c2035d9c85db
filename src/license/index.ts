export { KIND_ORDER, kindRank } from './catalog.ts';
export { identifyLicense } from './identify.ts';
export { judgeLicense, judgeLicenseFor, type LicenseJudged } from './judge.ts';
export { licenseGraphOf } from './license-graph.ts';
export * from './reason/index.ts';
export { resolveTag } from './tags.ts';
export * from './types.ts';
