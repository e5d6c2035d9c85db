/**
 * Errors as a person or a program reads them. A typed error is the input's; anything else is ours and says so.
 * @module
 */
import type { Where } from '../base/index.ts';

/** What stands under `error` in a machine answer. */
export interface FailureAnswer {
  readonly code: string;
  readonly message: string;
  readonly where?: Where;
  readonly hint?: string;
}

export async function failureAnswer(error: unknown): Promise<FailureAnswer> {
  const { HeirloomError } = await import('../base/index.ts');
  if (error instanceof HeirloomError) return error.toJSON();
  return {
    code: 'INTERNAL',
    message: `something is wrong in Heirloom itself: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'please report it with the output of the same command under HEIRLOOM_DEBUG=1',
  };
}

/** One or two lines, without control characters of the input; the stack only under HEIRLOOM_DEBUG=1. */
export async function failureText(error: unknown, env: NodeJS.ProcessEnv): Promise<string> {
  const { describeWhere } = await import('../base/index.ts');
  const { cleanText } = await import('../report/index.ts');
  const answer = await failureAnswer(error);
  const place = describeWhere(answer.where && withoutSaid(answer.where, answer.message));
  const lines = [`heirloom: ${cleanText(answer.message)}${place && ` (${cleanText(place)})`}`];
  if (answer.hint !== undefined) lines.push(`  hint: ${cleanText(answer.hint)}`);
  if (env['HEIRLOOM_DEBUG'] === '1' && error instanceof Error) lines.push(error.stack ?? '');
  return `${lines.join('\n')}\n`;
}

/** The message often names the file already. */
function withoutSaid({ file, byte, field }: Where, message: string): Where {
  return {
    ...(file !== undefined && !message.includes(file) && { file }),
    ...(byte !== undefined && { byte }),
    ...(field !== undefined && !message.includes(field) && { field }),
  };
}
