/**
 * Programs made from programs. Leaving out one line shows what that line is for: if no check
 * notices, it has no business in the program. Another ending shows what the container's own
 * program could do: a probe or an attack goes where `execve` was.
 *
 * Lines keep their identity, so a Result still names its line; of one that was left out it is -1,
 * which no descriptor is.
 */
import { describeLine } from './explain.ts';
import { type Calls, type Line, launch, type Program } from './program.ts';

/** `program` without line `index`. Throws RangeError when there is none. */
export function withoutLine(program: Program, index: number): Program {
  if (!program.lines[index]) {
    throw new RangeError(`no line ${index} in a program of ${program.lines.length}: count from 0`);
  }
  return { ...program, lines: program.lines.toSpliced(index, 1) };
}

/**
 * Everything that `program` does before its execve, then the lines of `body`. Of several execves,
 * tried one after the other, all are replaced.
 */
export function replaceExec(program: Program, body: (call: Calls) => void): Program {
  const first = program.lines.findIndex(isExecve);
  const before = first < 0 ? program.lines : program.lines.slice(0, first);
  return { ...program, lines: [...before, ...launch({}, body).lines] };
}

export interface Mutant {
  /** The line that is missing, counted from 0 in the whole program. */
  index: number;
  /** What it says. */
  text: string;
  program: Program;
}

/** One mutant for every line but the last execve, in order. */
export function mutants(program: Program): Mutant[] {
  const last = program.lines.findLastIndex(isExecve);
  return program.lines.flatMap((line, index) =>
    index === last
      ? []
      : [{ index, text: describeLine(line, program), program: withoutLine(program, index) }],
  );
}

const isExecve = (line: Line) => line.kind === 'call' && line.call === 'execve';
