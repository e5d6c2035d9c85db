/**
 * Whether two published names mean one model.
 * @module
 */

/** `https://hub/Owner/Name/`, `hf:Owner/Name` and `owner/name` are one name. */
export function normalizeName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^[a-z]+:\/\/[^/]+\//, '')
    .replace(/^hf:/, '')
    .replace(/\/+$/, '');
}

/** Equal, or equal after the owner where only one gives an owner; `Alder_1M` and `alder-1m` are one spelling. */
export function sameName(a: string, b: string): boolean {
  const [x, y] = [a, b].map((name) => normalizeName(name).replace(/[\s_-]+/g, '-')) as [string, string];
  if (x === '' || y === '') return false;
  if (x === y) return true;
  const bare = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
  return x.includes('/') !== y.includes('/') && bare(x) === bare(y);
}
