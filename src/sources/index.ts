/** Locators to trees: files, folders, URLs, hub repositories, browser blobs. The only weights-side room with I/O. */
export { openTree } from './open.ts';
export { openFile } from './file.ts';
export { openFolder } from './folder.ts';
export { openUrl } from './url.ts';
export { openHub } from './hub.ts';
export { openBlob, openBlobs } from './blob.ts';
export { nodeHasher } from './hasher.ts';
export type { OpenOptions } from './options.ts';
