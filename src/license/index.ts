export { identifyLicense } from './identify.ts';
export * from './types.ts';
