import { stat } from 'node:fs/promises';
import type { Register } from '../register/index.ts';
import type { Runtime } from './runtime.ts';

/**
 * The register a command works on: `--register`, else the default folder.
 * @throws RegisterError `REGISTER_NOT_FOUND` when a folder was named and is not there (a typing error would otherwise answer "nothing known").
 */
export async function openNamedRegister(dir: string | undefined, runtime: Runtime, mayBeNew: boolean = false): Promise<Register> {
  const { defaultRegisterDir, openRegister, RegisterError } = await import('../register/index.ts');
  if (dir !== undefined && !mayBeNew && !(await stat(dir).catch(() => null)))
    throw new RegisterError('REGISTER_NOT_FOUND', `there is no register at ${dir}`, {
      where: { file: dir },
      hint: `heirloom register add MODEL --register ${dir}`,
    });
  const { signal } = runtime.watch;
  return openRegister(dir ?? defaultRegisterDir(), { now: Date.now, ...(signal && { signal }) });
}
