import { assessLicense, type LicenseAssessed } from '../assess/index.ts';
import type { Finding } from '../base/index.ts';
import type { Context } from '../license/index.ts';
import { nodeHasher } from '../sources/index.ts';
import { closerLook, type CloserOptions } from './closer-known.ts';
import { withModel } from './open-model.ts';
import type { Register } from './register.ts';

export interface LicenseOfModel extends LicenseAssessed {
  readonly name: string;
  /** Registered models that could not be read and were left out. */
  readonly skipped: readonly Finding[];
}

/**
 * What binds a model, against the register, for somebody who does something with it.
 * @throws as reading a model does.
 */
export async function licenseOf(register: Register, locator: string, context: Context, options: CloserOptions): Promise<LicenseOfModel> {
  return withModel(locator, options, async (model) => {
    const known = await register.known(options);
    const assessed = await assessLicense(
      model,
      { ...options, known: { ...known, closer: closerLook(locator, known.count, options) }, newHasher: nodeHasher },
      context,
    );
    return { ...assessed, name: model.name, skipped: known.findings };
  });
}
