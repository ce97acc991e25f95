/**
 * A launch program in print: one row for the clone that makes the child, then one for each line,
 * as C would write it, with its man page, and, once it has run, what the kernel answered and how
 * long that took. Rows are plain data; explain-text.ts lays them out for a terminal.
 */
import type { Argument } from '../kernel/arguments.ts';
import { errnoName } from '../kernel/errno.ts';
import { flagSets, formatFlags } from '../kernel/flags.ts';
import { formatCall, type Reference } from '../kernel/format.ts';
import { cloneFlags } from '../kernel/namespaces.ts';
import { type CallName, signatures } from '../kernel/signatures.ts';
import { printable } from './launch-error.ts';
import type { Line, Program } from './program.ts';
import type { LineResult } from './results.ts';

export interface Row {
  kind: 'clone' | Line['kind'];
  /** As `$n` counts: from 1; null for the clone, which is no line of the program. */
  number: number | null;
  text: string;
  /** For instance `mount(2)`; null for a gate, which is no call. */
  page: string | null;
  /** A failure of this line lets the program go on. */
  mayFail: boolean;
  /** A number, an errno's name, `runs`, `not reached`; null when the program has not run. */
  result: string | null;
  failed: boolean;
  microseconds: number | null;
}

/** One row for the clone and one for each line; `results` as `start` gives them. */
export function explainProgram(program: Program, results?: readonly LineResult[]): Row[] {
  const clone: Row = {
    kind: 'clone',
    number: null,
    text: cloneText(cloneFlags(program.namespaces), program.cgroup),
    page: 'clone(2)',
    mayFail: false,
    result: null,
    failed: false,
    microseconds: null,
  };
  const rows = program.lines.map((line, index): Row => {
    const result = results?.[index];
    return {
      kind: line.kind,
      number: index + 1,
      text: describeLine(line, program),
      page: pageOf(line),
      mayFail: line.kind === 'call' && line.mayFail,
      result: result ? describeResult(result) : null,
      failed: (result?.result ?? 0) < 0 && (result?.result ?? 0) > -4096,
      microseconds: result?.microseconds ?? null,
    };
  });
  return [clone, ...rows];
}

/** A line as C would write it; results of earlier lines are `$n`. `gate NAME` for a gate. */
export function describeLine(line: Line, program: Program): string {
  if (line.kind === 'gate') return `gate ${line.name}`;
  if (line.kind === 'fork') return cloneText(line.flags);
  return formatCall(line.call, printable(line.args, program).map(shorten));
}

/** The manual page of a line, or null for a gate. */
export function pageOf(line: Line): string | null {
  if (line.kind === 'gate') return null;
  if (line.kind === 'fork') return 'clone(2)';
  return `${pages[line.call] ?? signatures[line.call].name}(2)`;
}

/** What the kernel answered, in a word. */
export function describeResult({ line, result, reached }: LineResult): string {
  if (!reached) return 'not reached';
  if (line.kind === 'gate') return result === 1 ? 'opened' : 'waits';
  if (result === null) return line.kind === 'call' && line.call === 'execve' ? 'runs' : 'no return';
  return result < 0 && result > -4096 ? errnoName(-result) : String(result);
}

// Where the page is not called as the system call is.
const pages: { [Name in CallName]?: string } = {
  umount2: 'umount',
  clone3: 'clone',
  ioctl: 'ioctl_tty',
  rtSigaction: 'sigaction',
  rtSigprocmask: 'sigprocmask',
};

function cloneText(flags: number, cgroup?: string): string {
  const names = flags === 0 && cgroup !== undefined ? [] : [formatFlags(flagSets.clone, flags)];
  const into = cgroup === undefined ? '' : `, cgroup=open(${JSON.stringify(cgroup)})`;
  const all = cgroup === undefined ? names : [...names, 'CLONE_INTO_CGROUP'];
  return `clone3({flags=${all.join('|')}, exit_signal=SIGCHLD${into}}, 88)`;
}

const MOST_TEXTS = 6;

/** Long argument lists and environments keep their first entries. */
function shorten(argument: Argument | Reference): Argument | Reference {
  if (!Array.isArray(argument) || argument.length <= MOST_TEXTS) return argument;
  const shown = argument.slice(0, MOST_TEXTS - 1).map((text) => JSON.stringify(text));
  return { text: `[${shown.join(', ')}, … ${argument.length - shown.length} more]` };
}
