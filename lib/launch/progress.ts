/**
 * How far a child has come, read from the results in its records. A record that was begun says
 * RUNNING until its call returns, and keeps it when execve or exit succeeds. Whether execve has
 * succeeded by now, only the kernel can tell.
 *
 * proc_pid_stat(5)
 */
import { readFileSync } from 'node:fs';
import type { Assembled } from './assemble.ts';
import { MAY_FAIL, MIN1, RUNNING, UNTOUCHED } from './stub/stub.ts';

/** The child is in a call that is neither execve nor exit, or was killed in it. */
export function isInCall(assembled: Assembled): boolean {
  const last = lastTouched(assembled);
  const what = assembled.records[last]?.what;
  const final = what && 'call' in what && (what.call === 'execve' || what.call === 'exit');
  return assembled.resultOf(last) === Number(RUNNING) && !final;
}

/** The child's last call is an execve that has not failed: it may yet, or has succeeded. */
export function isInExecve(assembled: Assembled): boolean {
  const last = lastTouched(assembled);
  const what = assembled.records[last]?.what;
  const execve = what !== undefined && 'call' in what && what.call === 'execve';
  return execve && assembled.resultOf(last) === Number(RUNNING);
}

/** From linux/sched.h: cloned, and no execve yet. */
const PF_FORKNOEXEC = 0x40;

/** Whether the process runs a program that it has executed, or has gone. */
export function hasExecuted(pid: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return true;
    throw error;
  }
  // The second field, the command's name in parentheses, may hold spaces; the flags are the ninth.
  const flags = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6];
  return (Number(flags) & PF_FORKNOEXEC) === 0;
}

/** More is to come: the last call is neither execve nor exit, nor was it stopped by its result. */
export function isUnderway(assembled: Assembled): boolean {
  const last = lastTouched(assembled);
  const result = assembled.resultOf(last);
  if (result === Number(RUNNING)) return isInCall(assembled);
  const flags = assembled.records[last]?.flags ?? 0;
  const failed = result < 0 && result > -4096 && (flags & MAY_FAIL) === 0;
  return !failed && !((flags & MIN1) !== 0 && result < 1);
}

function lastTouched({ records, resultOf }: Assembled): number {
  return records.findLastIndex((_, i) => resultOf(i) !== Number(UNTOUCHED));
}
