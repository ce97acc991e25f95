/**
 * Something about a lab that its reader can put right: a lab that does not exist, a runtime of
 * their own that does not load. The message is one line and says where.
 */
export class LabError extends Error {
  /** What the command that met it ends with: 1 for work to be mended, 2 for a wrong call. */
  exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'LabError';
    this.exitCode = exitCode;
  }
}
