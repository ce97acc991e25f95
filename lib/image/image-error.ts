/**
 * What can go wrong with an image: what, where, and what to do about it.
 */
export class ImageError extends Error {
  /** The file, reference, layer or address that the message is about. */
  readonly where: string;
  /** What to do, where something can be done. */
  readonly remedy: string | undefined;

  constructor(where: string, what: string, options: { remedy?: string; cause?: unknown } = {}) {
    const line = `${where}: ${what}`;
    super(options.remedy ? `${line}; ${options.remedy}` : line, { cause: options.cause });
    this.name = 'ImageError';
    this.where = where;
    this.remedy = options.remedy;
  }
}
