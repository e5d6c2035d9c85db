export { judgeCredit } from './judge.ts';
export * from './types.ts';
