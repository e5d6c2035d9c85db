/**
 * The code of a TorchScript archive: the operators it calls, by namespace. Nothing is compiled.
 * Sources: PyTorch `torch/csrc/jit/serialization/python_print.cpp` (how operators are spelled), `native_functions.yaml`.
 * @module
 */
import { type Collector, report } from '../rules.ts';

/** Operators that read or write files, or load more code. */
const ACTS =
  /\b(?:torch|ops\.aten)\.(save|from_file|_load|load_library)\s*\(|\bops\.(?:image|torchvision|torchaudio|torio|torchtext|fb|caffe2|c10d|rpc|inductor|fs|file|io)\.((?=\w{0,100}?(?:\b|_)(?:read|write|load|save|open|download))\w+)\s*\(|\bops\.(?:aten|prim)\.(from_file|save|PythonOp|python_op\w*|open|eval|exec)\s*\(|\b(?:torch\.)?ops\.loaded_libraries\b|\b(CallFunction|PythonOp)\(/;
/** Namespaces that come with PyTorch and its sister libraries. */
const NAMESPACES =
  /^(aten|prim|prims|quantized|quantized_decomposed|_quantized|torchvision|torchaudio|torchtext|image|prepacked|mkldnn|mkldnn_prepacked|onednn|sparse|metal|metal_prepack|vulkan|vulkan_prepack|xnnpack|static_runtime|inductor|nnapi|profiler|rnn|c10d|c10d_functional|_c10d_functional|debugprims|ops|tensorexpr|triton|cuda|mps|fb|fbgemm|rngprims|symm_mem|torch_scatter|torch_sparse|torch_cluster|torch_spline_conv|pyg)$/;

/** @param text of one `code/…py` member. */
export function judgeTorchScript(bytes: Uint8Array, file: string, into: Collector): void {
  // Constants may spell anything.
  const code = new TextDecoder()
    .decode(bytes)
    .replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""')
    .replace(/#[^\n]*/g, '');
  const acts = ACTS.exec(code);
  if (acts)
    report(
      into,
      'torchscript-operator',
      { file, field: lineOf(code, acts.index) },
      `the program calls ${acts[0].replace(/\s*\($/, '')}, which reads or writes files`,
    );
  const foreign = new Set<string>();
  for (const match of code.matchAll(/\bops\.(\w+)\.(\w+)/g))
    if (!NAMESPACES.test(match[1]!) && foreign.size < 20) foreign.add(`${match[1]}::${match[2]}`);
  if (foreign.size > 0)
    report(
      into,
      'custom-operator',
      { file },
      `the program needs operators that are not part of PyTorch: ${[...foreign].join(', ').slice(0, 200)}`,
    );
}

function lineOf(code: string, at: number): string {
  return `line ${code.slice(0, at).split('\n').length}`;
}
