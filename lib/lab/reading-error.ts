/** What is wrong with a reading, and where: `labs/03-pivot-root/README.md:12: …`, on one line. */
export class ReadingError extends Error {
  file: string;
  /** Counted from 1. */
  line: number;
  constructor(file: string, line: number, problem: string, cause?: unknown) {
    super(`${file}:${line}: ${problem}`, { cause });
    this.name = 'ReadingError';
    this.file = file;
    this.line = line;
  }
}
