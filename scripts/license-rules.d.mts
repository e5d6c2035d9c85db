/** The page docs/license-rules.md, from what catalog/rules.json holds. */
export function rulesPage(source: object): string;
