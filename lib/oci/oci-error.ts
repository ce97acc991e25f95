/**
 * What is wrong with a bundle, a container's state or a command about them: a line that says what,
 * where, and what to do.
 */
export class OciError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'OciError';
  }
}
