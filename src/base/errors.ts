/**
 * The one error class. A room narrows `code` to its own closed union; a caller that must tell
 * "the input is bad" from "our bug" asks `instanceof HeirloomError`.
 * @module
 */

/** Where in the input something stands: a file, a byte of it, or a named field. */
export interface Where {
  readonly file?: string;
  /** Offset from the start of `file`, in bytes. */
  readonly byte?: number;
  readonly field?: string;
}

export interface ErrorOptions {
  readonly where?: Where;
  /** What the user can do about it, one clause. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The question could not be answered; the CLI turns it into exit code 2. */
export class HeirloomError<Code extends string = string> extends Error {
  override readonly name: string = 'HeirloomError';
  readonly code: Code;
  readonly where: Where | undefined;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.where = options.where;
    this.hint = options.hint;
  }

  /** The shape printed under `error` in every `--json` answer. */
  toJSON(): { code: string; message: string; where?: Where; hint?: string } {
    return {
      code: this.code,
      message: this.message,
      ...(this.where && { where: this.where }),
      ...(this.hint !== undefined && { hint: this.hint }),
    };
  }
}

/** `file "x", byte 12, field "y"`, or the empty string. */
export function describeWhere(where: Where | undefined): string {
  if (!where) return '';
  const parts: string[] = [];
  if (where.file !== undefined) parts.push(where.file);
  if (where.byte !== undefined) parts.push(`byte ${where.byte}`);
  if (where.field !== undefined) parts.push(`field "${where.field}"`);
  return parts.join(', ');
}
