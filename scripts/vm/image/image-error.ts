/** An image could not be made. `remedy` says what to do; the tool's own error is the `cause`. */
export class ImageError extends Error {
  readonly remedy: string | undefined;

  constructor(message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(options.remedy ? `${message}; ${options.remedy}` : message, { cause: options.cause });
    this.name = 'ImageError';
    this.remedy = options.remedy;
  }
}
