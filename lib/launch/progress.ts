/**
 * How far a child has come, read from the results in its records. A record that was begun says
 * RUNNING until its call returns, and keeps it when execve or exit succeeds. Whether execve has
 * succeeded by now, only the kernel can tell.
 *
 * proc_pid_stat(5), proc_pid_cmdline(5)
 */
import { readFileSync } from 'node:fs';
import type { Assembled } from './assemble.ts';
import { MAY_FAIL, MIN1, RUNNING, UNTOUCHED } from './stub/stub.ts';

/**
 * `calling` and `executing` also stay when the child was killed in the call; `executing` and
 * `exiting` when the call has succeeded. `walking` is between two calls, `stopped` after a result
 * that the record does not allow.
 */
export type Progress = 'walking' | 'calling' | 'executing' | 'exiting' | 'stopped';

/** A single look: the child goes on meanwhile, and two would not fit together. */
export function readProgress({ records, resultOf }: Assembled): Progress {
  const last = records.findLastIndex((_, i) => resultOf(i) !== Number(UNTOUCHED));
  const result = resultOf(last);
  const { what, flags = 0 } = records[last] ?? {};
  if (result === Number(RUNNING)) {
    if (!what || !('call' in what)) return 'calling';
    if (what.call === 'execve') return 'executing';
    return what.call === 'exit' ? 'exiting' : 'calling';
  }
  const failed = result < 0 && result > -4096 && (flags & MAY_FAIL) === 0;
  return failed || ((flags & MIN1) !== 0 && result < 1) ? 'stopped' : 'walking';
}

/** From linux/sched.h: cloned, and no execve yet. */
const PF_FORKNOEXEC = 0x40;

/**
 * Whether the process runs a program that it has executed, or has ended. Of execve's work the
 * kernel sets the arguments last: descriptors, signals and credentials are the program's by then.
 */
export function hasExecuted(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command's name in parentheses, may hold spaces.
    const [state = '', , , , , , flags] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return true;
    if ((Number(flags) & PF_FORKNOEXEC) !== 0) return false;
    // Before Linux 5.18 a program may have no arguments, not even its name; it will sleep one day.
    return state === 'S' || readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return true;
    throw error;
  }
}
