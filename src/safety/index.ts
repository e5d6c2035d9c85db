export { scanFile, scanTree } from './scan.ts';
export type { FileSafety, SafetyReport, SafetyVerdict } from './types.ts';
