/**
 * A runtime that cannot be carried out as it is written: what is wrong with its two lists, found
 * before that part of them is done.
 */
export class ContainerError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'ContainerError';
  }
}
