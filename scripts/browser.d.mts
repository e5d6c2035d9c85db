export function browserEntries(): string[];
export function bundleForBrowser(entry: string | { contents: string }, format?: 'esm' | 'iife'): Promise<{ code: string; bytes: number }>;
