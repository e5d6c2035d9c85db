export { identifyLicense } from './identify.ts';
export { resolveTag } from './tags.ts';
export * from './types.ts';
