import { type ByteSource, checkRange } from '../base/index.ts';

/** Bytes `[offset, offset + size)` of `source` as a source of its own, named for messages. */
export function sliceSource(source: ByteSource, offset: number, size: number, name: string): ByteSource {
  return {
    name,
    size,
    stats: source.stats,
    async read(at, length) {
      checkRange(name, size, at, length);
      return source.read(offset + at, length);
    },
  };
}
