/** Reasoning over a graph of models and licenses. */
export { type Answer, type Can, canDo, type CanAnswer, type Reason } from './can.ts';
export { readActs, readContext, readEdgeAct } from './context.ts';
export { loadReasoning } from './load.ts';
export { type Reasoning, reasonOver } from './reason.ts';
export type { Context, LicenseGraph, LicenseNode, PathStep, RuleHit } from './types.ts';
export { type Change, compareReasoning, type WhatIf, withAct, withParent } from './what-if.ts';
