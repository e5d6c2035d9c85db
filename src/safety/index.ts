export { applyPolicy, failsPolicy, parsePolicy, type Policy } from './policy.ts';
export { scanFile, scanTree } from './scan.ts';
export type { AcceptedFinding, FileSafety, SafetyReport, SafetyVerdict } from './types.ts';
