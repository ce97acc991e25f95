/** A virtual machine could not be had or used. `exitCode` is the one to end with. */
export class VmError extends Error {
  readonly exitCode: number;
  readonly remedy: string | undefined;

  constructor(
    message: string,
    options: { exitCode?: 1 | 2 | 3; remedy?: string; cause?: unknown } = {},
  ) {
    super(options.remedy ? `${message}\n  → ${options.remedy}` : message, { cause: options.cause });
    this.name = 'VmError';
    this.exitCode = options.exitCode ?? 1;
    this.remedy = options.remedy;
  }
}
