/**
 * A container's program with lines that are other ones: the protection that an attack is tried
 * without. What used the result of a line uses that of the one in its place.
 */
import { type Calls, isResult, type Line, launch, type Program } from '../../lib/launch/program.ts';

type CallLine = Extract<Line, { kind: 'call' }>;

/** `change` writes what comes in the place of a line, or returns false to leave it. */
export function rewriteLines(
  program: Program,
  change: (line: CallLine, call: Calls) => boolean,
): Program {
  const instead = new Map<Line, Line>();
  const lines = program.lines.flatMap((line): readonly Line[] => {
    if (line.kind !== 'call') return [line];
    let changed = false;
    const written = launch({}, (call) => {
      changed = change(line, call);
    }).lines;
    if (!changed) return [line];
    if (written[0]) instead.set(line, written[0]);
    return written;
  });
  return { ...program, lines: lines.map((line) => relinked(line, instead)) };
}

function relinked(line: Line, instead: ReadonlyMap<Line, Line>): Line {
  if (line.kind !== 'call') return line;
  // A line keeps its identity: others name it.
  const args = line.args as unknown[];
  line.args.forEach((argument, index) => {
    const other = isResult(argument) ? instead.get(argument.of) : undefined;
    if (other) args[index] = { of: other };
  });
  return line;
}

/** Lines before the root is exchanged, when the host can be reached by its paths. */
export function beforePivot(program: Program, body: (call: Calls) => void): Program {
  const at = program.lines.findIndex((line) => line.kind === 'call' && line.call === 'pivotRoot');
  return { ...program, lines: program.lines.toSpliced(at, 0, ...launch({}, body).lines) };
}
