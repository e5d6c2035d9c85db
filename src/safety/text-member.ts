/**
 * Texts inside archives and compressed files.
 * @module
 */
import type { ByteSource, Where } from '../base/index.ts';
import { type CodePlace, judgeCode } from './code.ts';
import { MAX_TEXT } from './inner.ts';
import { type Collector, report } from './rules.ts';

const TEXT = /\.(py|json|ya?ml|jinja2?|j2|txt|md)$/i;

type Judge = (bytes: Uint8Array, file: string, into: Collector) => void;

/**
 * Judges a member that is a text by its name; others are none of its business.
 * @param file names it, and decides what kind of text it is; `where` is told when it is too long; `own` judges it in place of the usual.
 */
export async function judgeTextMember(
  member: ByteSource,
  file: string,
  place: CodePlace,
  into: Collector,
  where: Where,
  own?: Judge,
): Promise<void> {
  if (!TEXT.test(file)) return;
  if (member.size > MAX_TEXT) return report(into, 'not-read', where, `${file} is ${member.size} bytes of text, more than is looked into`);
  const bytes = await member.read(0, member.size);
  if (own) own(bytes, file, into);
  else if (/\.py$/i.test(file)) judgeCode(bytes, file, into, place);
  else await (await import('./text.ts')).judgeText(bytes, file, into);
}
