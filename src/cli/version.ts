import { readFileSync } from 'node:fs';

/** The version of this package, from its own `package.json` two folders up (in `dist/` as in `src/`). */
export function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
