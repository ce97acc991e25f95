/**
 * What a command of box says when it does not do what was asked, and the exit code that goes with it.
 */

/** As Docker's: the command line itself is wrong, and nothing was tried. */
export const WRONG_USAGE = 125;

export class BoxError extends Error {
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'BoxError';
    this.exitCode = options.exitCode ?? 1;
  }
}

export const usageError = (message: string): BoxError =>
  new BoxError(message, { exitCode: WRONG_USAGE });
