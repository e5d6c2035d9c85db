/**
 * Caffe: Python layers, in a `.caffemodel` and in the text of a `.prototxt`.
 * Built from caffe.proto (LayerParameter: name 1, type 2, python_param 130 {module 1, layer 2, param_str 3}).
 * @module
 */
import { type ByteSource, HeirloomError } from '../../base/index.ts';
import { type ProtoField, protoReader, type ProtoReader } from '../../weights/index.ts';
import { dangerOf } from '../globals.ts';
import { type Collector, report } from '../rules.ts';

const LAYER = 100;
const PYTHON = 130;

export async function judgeCaffe(source: ByteSource, into: Collector): Promise<void> {
  const reader = protoReader(source);
  try {
    await reader.walk(0, source.size, (field) =>
      field.number === LAYER && field.wire === 2 ? judgeMessage(reader, field, into) : undefined,
    );
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    report(into, 'broken-file', error.where ?? { file: source.name }, error.message);
  }
}

async function judgeMessage(reader: ProtoReader, field: ProtoField, into: Collector): Promise<void> {
  let name = '';
  let type = '';
  let module = '';
  await reader.walk(field.start, field.end, (part) => {
    if (part.wire !== 2) return undefined;
    if (part.number === 1) name = reader.text(part);
    else if (part.number === 2) type = reader.text(part);
    else if (part.number === PYTHON)
      return reader.walk(part.start, part.end, (parameter) => {
        if (parameter.number === 1 && parameter.wire === 2) module = reader.text(parameter);
      });
    return undefined;
  });
  if (type === 'Python' || module) judgeLayer(module, { file: reader.source.name, byte: field.tag, field: name }, into);
}

function judgeLayer(module: string, where: { file: string; byte: number; field: string }, into: Collector): void {
  const danger = module ? dangerOf(into.book.denied, module) : null;
  if (danger) report(into, 'config-target', where, `the layer "${where.field}" imports ${module}, which ${danger}`);
  else report(into, 'code-on-trust', where, `the layer "${where.field}" is Python code of the module ${module || '(none)'}`);
}

/** @param text of a `.prototxt`. */
export function judgePrototxt(text: string, file: string, into: Collector): void {
  let told = 0;
  for (const match of text.slice(0, 16 << 20).matchAll(/type\s*:\s*["']Python["']|python_param\s*(?::\s*)?\{/g)) {
    if (++told > 100) return;
    const module = /module\s*:\s*["']([^"']{1,200})["']/.exec(text.slice(match.index, match.index + 2000))?.[1] ?? '';
    judgeLayer(module, { file, byte: match.index, field: 'layer' }, into);
  }
}
