/**
 * ObserveError says what could not be seen, where it was looked for, and what may help. The room
 * only reads, so there is no other way for it to fail.
 */

export class ObserveError extends Error {
  /** The file under /proc or /sys, or the command line, that gave no answer. */
  readonly where: string;
  /** The errno name (`ENOENT`), or null where a command failed. */
  readonly code: string | null;

  constructor(where: string, why: string, options: { code?: string; cause?: unknown } = {}) {
    super(`cannot observe ${where}: ${why}`, { cause: options.cause });
    this.name = 'ObserveError';
    this.where = where;
    this.code = options.code ?? null;
  }
}
