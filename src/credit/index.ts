/** Who is named, what is missing, and what would be written about it. */
export {
  AuditCounter,
  type AuditEntry,
  auditEntry,
  type AuditFlow,
  auditIndex,
  type AuditRow,
  auditRow,
  type AuditSummary,
  brokenRow,
  entryOf,
} from './audit.ts';
export { judgeCredit } from './judge.ts';
export { basesOf, type BasesFound, creditList, type CreditNode, creditTree, type DirectBase, type KnownBase } from './tree.ts';
export * from './types.ts';
export type { PlannedFile, Refusal } from './write/edit.ts';
export { type CreditInput, type CreditPlan, planCredit } from './write/plan.ts';
export { unifiedDiff } from './write/unified.ts';
