/**
 * What is inside tar archives.
 * @module
 */
import { type ByteSource, HeirloomError } from '../base/index.ts';
import { BEHIND_END, readTar, sliceSource, type TarMember } from '../weights/index.ts';
import { isScript, judgePackedScript } from './carriers/files.ts';
import { MAX_TEXT, type ScanInner } from './inner.ts';
import { resync } from './pickle-behind.ts';
import { type Collector, report } from './rules.ts';
import { judgeTextMember } from './text-member.ts';

export async function scanTar(source: ByteSource, into: Collector, depth: number, inner: ScanInner): Promise<void> {
  let members: readonly TarMember[] = [];
  try {
    members = await readTar(source);
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    report(into, 'broken-file', error.where ?? { file: source.name }, error.message);
    await resync(source, 0, into, {});
  }
  for (const member of members) {
    const where = { file: source.name, byte: member.headerOffset };
    if (member.type === BEHIND_END) {
      report(into, 'trailing-data', where, `${member.size} bytes stand behind the end of the archive`);
      await inner(sliceSource(source, member.offset, member.size, `${source.name}!behind`), into, depth + 1, {
        torchscript: false,
        mixed: false,
      });
      continue;
    }
    if (/^[346]$/.test(member.type)) report(into, 'archive-link', where, `member "${member.name}" is a device or a pipe`);
    if (leaves(member.name)) report(into, 'archive-path', where, `member "${member.name}" would be unpacked outside its folder`);
    if ((member.type === '1' || member.type === '2') && leaves(member.link))
      report(into, 'archive-link', where, `member "${member.name}" links to "${member.link}"`);
    // Links, devices and folders have no content; Python reads any other type as a file.
    if (/^[1-6]$/.test(member.type) || member.size === 0) continue;
    await scanTarMember(source, member, into, depth, inner);
  }
}

async function scanTarMember(source: ByteSource, member: TarMember, into: Collector, depth: number, inner: ScanInner): Promise<void> {
  const file = `${source.name}!${member.name}`;
  const slice = sliceSource(source, member.offset, member.size, file);
  await judgeTextMember(slice, file, 'beside', into, { file, byte: member.headerOffset });
  if (isScript(member.name) && member.size <= MAX_TEXT)
    judgePackedScript(await slice.read(0, member.size), file, /\.nemo$/i.test(source.name), into);
  await inner(slice, into, depth + 1, { torchscript: false, mixed: /^(storages|tensors)$/.test(member.name) });
}

function leaves(path: string): boolean {
  return path.startsWith('/') || path.includes('\\') || path.split('/').includes('..') || /^[a-z]:/i.test(path);
}
