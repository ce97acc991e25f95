/**
 * A template that cannot be read, or not be carried out with what it is given.
 */
export class TemplateError extends Error {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;

  /** `at` is an offset into `text`, in characters. */
  constructor(text: string, at: number, what: string, options: { cause?: unknown } = {}) {
    const before = text.slice(0, at).split('\n');
    const line = before.length;
    const column = (before.at(-1)?.length ?? 0) + 1;
    super(`template:${line}:${column}: ${what}`, options);
    this.name = 'TemplateError';
    this.line = line;
    this.column = column;
  }
}
