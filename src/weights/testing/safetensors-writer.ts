/**
 * Writes safetensors files, right or wrong on purpose.
 * @module
 */
import { joinBytes, le } from './bytes.ts';

/** The length and the JSON of a header, without values. */
export function safetensorsHeader(header: unknown): Uint8Array {
  const json = typeof header === 'string' ? header : JSON.stringify(header);
  const bytes = new TextEncoder().encode(json);
  return joinBytes(le(8, bytes.length), bytes);
}

export function safetensorsFile(header: unknown, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  return joinBytes(safetensorsHeader(header), data);
}
