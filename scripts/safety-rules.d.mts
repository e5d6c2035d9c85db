/** @returns file name → page. */
export function safetyPages(
  rules: readonly { id: string; verdict: string; severity: string; why: string; fix: string; source: string }[],
): Map<string, string>;
