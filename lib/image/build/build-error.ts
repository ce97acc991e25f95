/**
 * A build that did not come to its end: which line of the Dockerfile, what it says, why.
 */
import { ImageError } from '../image-error.ts';

export interface BuildFailure {
  /** Of the file, from 1; absent where no line is to blame. */
  line?: number | undefined;
  /** What the command of a RUN ended with; null when a signal ended it. */
  exitCode?: number | null;
  remedy?: string;
  cause?: unknown;
}

export class BuildError extends ImageError {
  readonly line: number | null;
  /** Null also where no command has run. */
  readonly exitCode: number | null;

  /** `file` as it is to be shown: the message begins with `FILE:LINE`. */
  constructor(file: string, what: string, failure: BuildFailure = {}) {
    const { line, exitCode = null, ...rest } = failure;
    super(line === undefined ? file : `${file}:${line}`, what, rest);
    this.name = 'BuildError';
    this.line = line ?? null;
    this.exitCode = exitCode;
  }
}
