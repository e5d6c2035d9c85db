/** Locators to trees: files, folders, URLs, hub repositories, browser blobs. The only weights-side room with I/O. */
export { openTree } from './open.ts';
export { openFile } from './file.ts';
export { openFolder } from './folder.ts';
export { nodeHasher } from './hasher.ts';
export type { OpenOptions } from './options.ts';
