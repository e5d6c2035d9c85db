/** Pages with commands and their output. */
export const WALKTHROUGHS: readonly string[];
/** What the page would hold if each command were run now. */
export function rerun(page: string): string;
