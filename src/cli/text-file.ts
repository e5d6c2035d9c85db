import { SourceError, type Watch } from '../base/index.ts';
import { decodeText, looksBinary } from '../model/index.ts';
import { openTree } from '../sources/index.ts';

/** The longest license text known is under 100 KiB; ten times that leaves room for files that hold many. (CWE-770) */
const MAX_TEXT_BYTES = 1024 * 1024;

/**
 * A text file: UTF-16 by its mark or its zeros, UTF-8 when it is, else Windows-1252, which never fails.
 * @throws SourceError when it is a folder, binary, over 1 MiB, or cannot be read.
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
    const bytes = await source.read(0, source.size);
    if (looksBinary(bytes) || (bytes[0] === 0x25 && bytes[1] === 0x50 && bytes[2] === 0x44 && bytes[3] === 0x46))
      throw new SourceError('SOURCE_LOCATOR', `${path} is not text`, {
        where: { file: path, byte: 0 },
        hint: 'of a PDF or an archive, give the text taken out of it',
      });
    return decodeText(bytes);
  } finally {
    await tree.close();
  }
}
