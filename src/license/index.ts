export { KIND_ORDER, kindRank } from './catalog.ts';
export { dutyActs } from './duties.ts';
export { identifyLicense } from './identify.ts';
export { judgeLicense } from './judge.ts';
export { composeRail } from './rail/compose.ts';
export { resolveTag } from './tags.ts';
export * from './types.ts';
