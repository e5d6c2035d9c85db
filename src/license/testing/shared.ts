/** Reads the license corpus that lies beside the project; a missing corpus fails the test that needs it. */
import { readdirSync, readFileSync } from 'node:fs';

const ROOT: URL = new URL('../../../../shared/licences/', import.meta.url);

export const readShared = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
export const listShared = (folder: string): string[] => readdirSync(new URL(folder, ROOT)).sort();

export interface Case {
  readonly case: string;
  readonly file: string;
  readonly type: 'licence-file' | 'model-card';
  readonly expected: { readonly ids: readonly string[]; readonly exact?: boolean; readonly notIds?: readonly string[] };
}
export const readCases = (): Case[] => (JSON.parse(readShared('cases/cases.json')) as { cases: Case[] }).cases;
