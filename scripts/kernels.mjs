// Compiles kernels/ (AssemblyScript) to base64 in a source file, so that the package needs no compiler and no extra file to load.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** @returns {Promise<string>} the text of src/math/gemm.generated.ts. */
export async function generateGemm() {
  let binary = null;
  const { error } = await asc.main(
    // The memory's first page is the caller's from byte 0 on; nothing is allocated inside.
    ['gemm.ts', '--outFile', 'gemm.wasm', '-O3', '--runtime', 'stub', '--enable', 'simd', '--memoryBase', '0', '--noAssert'],
    {
      readFile: (name) => (name.endsWith('gemm.ts') ? readFileSync(join(root, 'kernels', 'gemm.ts'), 'utf8') : null),
      writeFile: (_name, contents) => (binary = contents),
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`kernels/gemm.ts does not compile: ${error?.message ?? 'no output'}`);
  return `/** Compiled from kernels/gemm.ts by \`npm run kernels\`; a test compiles it again and compares. */
export const GEMM_WASM: string =
  '${Buffer.from(binary).toString('base64')}';
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(root, 'src', 'math', 'gemm.generated.ts'), await generateGemm());
