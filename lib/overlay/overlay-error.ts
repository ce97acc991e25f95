/** Layers that cannot be stacked, read or written as asked. The message says where, and what to do. */
export class OverlayError extends Error {
  /** The file, directory or option that it is about. */
  readonly where: string;

  constructor(where: string, what: string, cause?: unknown) {
    super(`${where}: ${what}`, { cause });
    this.name = 'OverlayError';
    this.where = where;
  }
}
