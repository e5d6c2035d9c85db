/**
 * Where a full copy of a license comes from: a file the user gives, a base's own folder, or the SPDX License List. Every copy is identified
 * before it is used; model licenses are not shipped with this program.
 * @module
 */
import { HeirloomError, type Watch } from '../base/index.ts';
import type { TextFile } from '../model/index.ts';
import { readText } from './text-file.ts';

/** A template stands where the work's own copyright line belongs: such a text is no copy that could be handed on. */
const TEMPLATE = /<(year|copyright holders?|owner|holders?|name of [a-z ]+)>|\[(year|yyyy|fullname|name of copyright owner)\]/i;
/** Appendices that tell how to apply a license hold templates as well; the license does not depend on them. */
const HEAD = 1500;

/** @param given `ID=FILE`. @throws HeirloomError `CREDIT_LICENSE_TEXT` when a file is not the unmodified text it is given for. */
export async function licenseCopies(
  given: readonly string[],
  baseFiles: readonly TextFile[],
  watch: Watch,
): Promise<(id: string) => Promise<string | undefined>> {
  const { identifyLicense } = await import('../license/index.ts');
  const isText = async (text: string, id: string): Promise<boolean> =>
    (await identifyLicense(text)).some((match) => match.by === 'text' && !match.modified && match.id.toLowerCase() === id.toLowerCase());
  const named = new Map<string, string>();
  for (const one of given) {
    const at = one.indexOf('=');
    const [id, path] = [one.slice(0, at), one.slice(at + 1)];
    if (at < 1 || path === '') throw refused(one, 'give it as ID=FILE');
    const text = await readText(path, watch);
    if (!(await isText(text, id))) throw refused(path, `it is not the unmodified text of ${id}`);
    named.set(id.toLowerCase(), text);
  }
  return async (id) => {
    const own = named.get(id.toLowerCase());
    if (own !== undefined) return own;
    for (const file of baseFiles) if (await isText(file.text, id)) return file.text;
    const { default: list } = await import('spdx-license-list/full.js');
    const text = Object.hasOwn(list, id) ? list[id]!.licenseText : undefined;
    return text === undefined || TEMPLATE.test(text.slice(0, HEAD)) ? undefined : text;
  };
}

function refused(file: string, why: string): HeirloomError {
  return new HeirloomError('CREDIT_LICENSE_TEXT', `--license-text ${file}: ${why}`, { where: { file } });
}
