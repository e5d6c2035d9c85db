/**
 * The flags by which commands about licenses are told who asks and what is done. A flag wins over the same field of `--context`.
 * @module
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from '../license/index.ts';
import type { Runtime } from './runtime.ts';

export interface ContextOptions {
  readonly context?: string;
  readonly commercial?: boolean;
  readonly role?: string;
  readonly individual?: true;
  readonly company?: true;
  readonly endUser?: true;
  readonly nonProfit?: true;
  readonly monthlyUsers?: number;
  readonly usersAtRelease?: number;
  readonly annualRevenue?: number;
  readonly monthlyRevenue?: number;
  readonly currency?: string;
  readonly territory?: string;
  readonly serves?: string;
  readonly multimodal?: boolean;
  readonly internal?: true;
  readonly shows?: readonly string[];
}

export function addContextOptions(command: Command): Command {
  return command
    .option('--context <file>', 'who asks and what is done, as JSON (schemas/license-context.schema.json)')
    .option('--commercial', 'for money or other advantage')
    .option('--no-commercial', 'not for money or other advantage')
    .addOption(new Option('--individual', 'you are a person').conflicts(['company', 'endUser', 'nonProfit']))
    .addOption(new Option('--company', 'you are a company').conflicts(['endUser', 'nonProfit']))
    .addOption(new Option('--end-user', 'you use a product of somebody else').conflicts('nonProfit'))
    .option('--non-profit', 'you are a non-profit organization')
    .option('--monthly-users <n>', 'monthly active users of all your products, now', numberOption)
    .option('--users-at-release <n>', "the same in the month before the license's release", numberOption)
    .option('--annual-revenue <n>', 'in US dollars, or see --currency', numberOption)
    .option('--monthly-revenue <n>', 'in US dollars, or see --currency', numberOption)
    .option('--currency <code>', 'of the revenue, e.g. EUR')
    .option('--territory <code>', 'country you are in, e.g. FR, or EU')
    .option('--serves <codes>', 'countries you serve, e.g. FR,DE (default: that of --territory)')
    .option('--multimodal', 'the model takes or makes more than text')
    .option('--no-multimodal', 'the model takes and makes text only')
    .option('--internal', 'nothing leaves your organization')
    .option('--shows <words...>', 'words your users see, e.g. "Built with Llama"');
}

function numberOption(text: string): number {
  const value = Number(text.replaceAll(/[_,](?=\d{3})/g, ''));
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new InvalidArgumentError('It is a number, e.g. 1200000.');
  return value;
}

/**
 * The context of a command.
 * @throws LicenseError `LICENSE_CONTEXT` naming the field, SourceError when the file cannot be read.
 */
export async function readContextOptions(options: ContextOptions, runtime: Runtime): Promise<Context> {
  const { LicenseError, readContext } = await import('../license/index.ts');
  let file: Record<string, unknown> = {};
  if (options.context !== undefined) {
    const { readText } = await import('./text-file.ts');
    const text = await readText(options.context, runtime.watch);
    try {
      file = JSON.parse(text) as Record<string, unknown>;
    } catch (error) {
      throw new LicenseError('LICENSE_CONTEXT', `${options.context} is not JSON`, { where: { file: options.context }, cause: error });
    }
    readContext(file);
  }
  const { commercial, multimodal, currency, shows, territory } = options;
  const role = options.company
    ? 'company'
    : options.individual
      ? 'individual'
      : options.endUser
        ? 'end-user'
        : options.nonProfit
          ? 'non-profit'
          : undefined;
  const place = territory?.trim().toUpperCase();
  const served = options.serves?.split(',').map((code) => code.trim().toUpperCase()) ?? (place === undefined ? undefined : [place]);
  const merge = (key: string, fields: Readonly<Record<string, unknown>>): object => {
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    return given.length === 0 ? {} : { [key]: { ...(file[key] as object | undefined), ...Object.fromEntries(given) } };
  };
  return readContext({
    ...file,
    ...(role !== undefined && { role }),
    ...(commercial !== undefined && { commercial }),
    ...(multimodal !== undefined && { multimodal }),
    ...(options.internal && { conveyed: false }),
    ...(shows && { shows }),
    ...merge('users', { monthly: options.monthlyUsers, atRelease: options.usersAtRelease }),
    ...merge('revenue', { annual: options.annualRevenue, monthly: options.monthlyRevenue, currency }),
    ...merge('territory', { domicile: place, principalPlace: place, served }),
  });
}
