export * from './bytes.ts';
export * from './errors.ts';
export * from './finding.ts';
export * from './hash.ts';
export * from './json.ts';
export * from './progress.ts';
