/**
 * Lines of a stream, each bounded: a line that never ends is not collected.
 * @module
 */

/**
 * @param chunks UTF-8 in pieces of any size; bytes that are none become U+FFFD.
 * @returns lines without their ends (LF or CRLF); null in the place of one longer than `max` UTF-16 units.
 */
export async function* boundedLines(chunks: AsyncIterable<Uint8Array>, max: number): AsyncIterable<string | null> {
  const decoder = new TextDecoder();
  let rest = '';
  let isTooLong = false;
  const take = (line: string): string | null => (isTooLong || line.length > max ? null : line.replace(/\r$/, ''));
  for await (const chunk of chunks) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n');
    for (const part of parts.slice(0, -1)) {
      yield take(rest + part);
      rest = '';
      isTooLong = false;
    }
    rest += parts.at(-1) ?? '';
    if (rest.length > max) {
      isTooLong = true;
      rest = '';
    }
  }
  rest += decoder.decode();
  if (rest !== '' || isTooLong) yield take(rest);
}
