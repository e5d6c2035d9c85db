export { countFindings, renderFindings } from './findings.ts';
export { toJson } from './json.ts';
export { humanBytes, humanCount } from './numbers.ts';
export { type Outcome, outcomeOf } from './outline.ts';
export { type Style } from './style.ts';
export { type Cell, renderTable } from './table.ts';
export { renderAssessment } from './terminal-assessment.ts';
export { renderRelation } from './terminal-relation.ts';
export { clean as cleanText } from './text.ts';
