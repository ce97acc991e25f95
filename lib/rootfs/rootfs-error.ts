/**
 * What can go wrong between the host's files and a root filesystem made from them.
 * `path` is the file or directory that the message is about.
 */
export class RootfsError extends Error {
  readonly path: string;

  constructor(path: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'RootfsError';
    this.path = path;
  }
}
