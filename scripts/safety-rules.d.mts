import type { FileSafety } from '../src/safety/index.ts';

/** @returns file name → page, in the order of the rules. */
export function safetyPages(): Promise<Map<string, string>>;
/** What the scanner says of a rule's example, and the entry of a policy that accepts the finding. @param name without `safety/`. */
export function example(
  name: string,
): Promise<{ readonly files: readonly FileSafety[]; readonly text: string; readonly policy?: object; readonly accept?: object }>;
/** The table of docs/rules-safety.md, in place of the one in `text`. */
export function withTable(text: string): string;
