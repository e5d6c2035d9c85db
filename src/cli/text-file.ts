import { SourceError, type Watch } from '../base/index.ts';
import { openTree } from '../sources/index.ts';

/** The longest license text known is under 100 KiB; ten times that leaves room for files that hold many. (CWE-770) */
const MAX_TEXT_BYTES = 1024 * 1024;

/**
 * A text file: UTF-16 by its mark, UTF-8 when it is, else Windows-1252, which never fails.
 * @throws SourceError when it is a folder, over 1 MiB, or cannot be read.
 */
export async function readText(path: string, watch: Watch): Promise<string> {
  const tree = await openTree(path, watch);
  try {
    const [file, ...others] = tree.files;
    if (!file || others.length > 0 || tree.kind === 'folder')
      throw new SourceError('SOURCE_LOCATOR', `${path} is not one file`, {
        where: { file: path },
        hint: 'give the license file itself; `heirloom license duties` reads whole models',
      });
    if (file.size > MAX_TEXT_BYTES)
      throw new SourceError('SOURCE_TOO_LARGE', `${path} has ${file.size} bytes; a license text has at most ${MAX_TEXT_BYTES}`, {
        where: { file: path },
      });
    const source = await tree.open(file.path);
    return decodeText(await source.read(0, source.size));
  } finally {
    await tree.close();
  }
}

function decodeText(bytes: Uint8Array): string {
  const [a, b] = bytes;
  if (a === 0xff && b === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (a === 0xfe && b === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
