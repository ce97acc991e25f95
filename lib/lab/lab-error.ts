/**
 * Something about a lab that its reader can put right: a lab that does not exist, a runtime of
 * their own that does not load. The message is one line and says where.
 */
export class LabError extends Error {
  /** Of the command that met it: 1 for work to be mended, 2 for a wrong call, 128 + n for signal n. */
  exitCode: number;
  constructor(message: string, exitCode: number, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'LabError';
    this.exitCode = exitCode;
  }
}
