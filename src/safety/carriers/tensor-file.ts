/**
 * Tensors beside an ONNX model (`test_data_set_0/input_0.pb`): one TensorProto a file, from onnx.proto.
 * @module
 */
import { type ByteSource, HeirloomError } from '../../base/index.ts';
import { protoReader } from '../../weights/index.ts';

/**
 * Wire type by field: dims, data_type, the values but for int64_data, name, raw_data, doc_string. No file of these fields alone is a
 * model to any reader: ONNX keeps its graph in field 7, TensorFlow and Caffe keep nodes and layers in messages under 1, 2 and 100.
 */
const FIELDS: Readonly<Record<number, number>> = { 1: 0, 2: 0, 4: 2, 5: 2, 6: 2, 8: 2, 9: 2, 12: 2 };
const MAX_FIELDS = 10_000;

/** Whether the whole file is such a tensor, which holds numbers and texts and nothing that is run. */
export async function isTensorFile(source: ByteSource): Promise<boolean> {
  const seen = new Set<number>();
  let fields = 0;
  let fits = true;
  try {
    await protoReader(source).walk(0, source.size, ({ number, wire }) => {
      fits &&= FIELDS[number] === wire && ++fields <= MAX_FIELDS;
      seen.add(number);
    });
  } catch (error) {
    if (!(error instanceof HeirloomError) || error.code.startsWith('SOURCE_')) throw error;
    return false;
  }
  return fits && seen.has(2);
}
