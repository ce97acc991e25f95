/**
 * A launch that did not come to its end: which line stopped it, and why. `cause` is the
 * SyscallError of the line, where a call failed.
 */
import type { Argument } from '../kernel/arguments.ts';
import type { Reference } from '../kernel/format.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import type { Assembled } from './assemble.ts';
import { isResult, type Line, type Program } from './program.ts';
import { MAY_FAIL, MIN1, RUNNING, UNTOUCHED } from './stub/stub.ts';
import type { Exit } from './wait.ts';

export class LaunchError extends Error {
  /** Position in `program.lines`, or null when a call that the launch itself adds failed. */
  line: number | null;
  /** The host refused to open a gate, or the reader stopped the program. */
  aborted: boolean;
  constructor(
    message: string,
    line: number | null,
    options: { cause?: unknown; aborted?: boolean },
  ) {
    super(message, { cause: options.cause });
    this.name = 'LaunchError';
    this.line = line;
    this.aborted = options.aborted ?? false;
  }
}

/** What stopped the child, or undefined when nothing did. */
export function findFailure(assembled: Assembled, program: Program): LaunchError | undefined {
  const { records, resultOf } = assembled;
  for (const [index, record] of records.entries()) {
    const result = resultOf(index);
    if (result === Number(RUNNING) || result === Number(UNTOUCHED)) return undefined;
    const failed = result < 0 && result > -4096 && (record.flags & MAY_FAIL) === 0;
    const line = position(program, record.line);
    if ((record.flags & MIN1) !== 0 && result < 1) {
      return new LaunchError('the launch was stopped', line, { aborted: true });
    }
    if (failed) return failureOf(assembled, index, program, line);
  }
  return undefined;
}

function failureOf(assembled: Assembled, index: number, program: Program, line: number | null) {
  const what = assembled.records[index]?.what;
  const errno = -assembled.resultOf(index);
  const cause =
    what && 'call' in what
      ? new SyscallError(what.call, printable(what.args, program), errno)
      : new SyscallError('clone3', [{ text: '{…}' }, 88], errno);
  const where = line === null ? 'setting up' : `line ${line + 1} of ${program.lines.length}`;
  return new LaunchError(`${where}: ${cause.message}`, line, { cause });
}

const position = (program: Program, line: Line | null) =>
  line === null ? null : program.lines.indexOf(line);

/**
 * Arguments with results of earlier lines written as `$3`, the line's number; -1, which no
 * descriptor is, for a line that was left out.
 */
export function printable(
  args: Extract<Line, { kind: 'call' }>['args'],
  program: Program,
): (Argument | Reference)[] {
  return args.map((argument) => {
    if (!isResult(argument)) return argument;
    const index = program.lines.indexOf(argument.of);
    return { text: index < 0 ? '-1' : `$${index + 1}` };
  });
}

/** The child was killed before it could call execve. */
export function killedOnTheWay(exit: Exit): LaunchError {
  const how = exit.signal ?? `exit ${exit.code}`;
  return new LaunchError(`the child ended on the way: ${how}`, null, {});
}
