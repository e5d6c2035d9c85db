/** What tests of other rooms may use. */
export { joinBytes, latin1, le, type TestMember, zipBytes } from './bytes.ts';
export { u32, text as ggufText, writeGguf } from './gguf-writer.ts';
export { mutations } from './hostile.ts';
export { int as protoInt, len as protoBytes } from './proto-writer.ts';
export { safetensorsFile, safetensorsHeader } from './safetensors-writer.ts';
export { sharedBytes } from './shared-files.ts';
export { sparseRange, type SparseFile } from './sparse.ts';
export { dictPickle, entry, floats, pickledText, tarBytes, torchZip } from './torch-files.ts';
