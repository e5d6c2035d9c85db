import { ensureBuilt } from '../scripts/fresh.mjs';

/** The end-to-end tests run the built program: builds it once when it is stale. A room's own tests do without. */
export default function setup(): void {
  const asked = process.argv.slice(2).filter((argument) => /^(?:src|test)\b/.test(argument));
  if (asked.length > 0 && !asked.some((path) => path.startsWith('test'))) return;
  try {
    ensureBuilt();
  } catch {
    // Said by the build; the end-to-end tests fail by it, the others need not.
    process.env['HEIRLOOM_BUILD_FAILED'] = '1';
  }
}
