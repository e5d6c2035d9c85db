export interface Plan {
  readonly rooms: Readonly<Record<string, { readonly floor: number; readonly npm: readonly string[]; readonly node: readonly string[] }>>;
  readonly browser: readonly string[];
}
export interface SourceText {
  readonly path: string;
  readonly text: string;
}
export function importsOf(text: string): { specifier: string | null; line: number }[];
export function checkFloors(files: readonly SourceText[], plan: Plan): { files: number; imports: number; problems: string[] };
export function readSources(root: string): SourceText[];
export function readPlan(root: string): Plan;
