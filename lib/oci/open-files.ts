/**
 * The limit of open files that we were started with. Node and Bun raise the soft one to the hard one
 * as they begin, for themselves; what they start would have it too, and a program that closes every
 * descriptor up to its limit would be long at that.
 *
 * getrlimit(2) RLIMIT_NOFILE, proc_pid_limits(5)
 */
import { orNull, type ProcId, readProcFile } from '../observe/proc-file.ts';
import type { Rlimit } from './spec.ts';

/**
 * Null where the soft limit is not raised, or nobody can tell: it was our parent's, unless that one
 * has other limits than it gave us.
 */
export function openFilesGiven(parent: ProcId = process.ppid): Rlimit | null {
  const own = read('self');
  const given = orNull(() => read(parent));
  if (!own || !given || own.soft !== own.hard) return null;
  return given.hard === own.hard && given.soft < own.soft ? given : null;
}

function read(pid: ProcId): Rlimit | null {
  const found = /^Max open files +(\d+) +(\d+) /m.exec(readProcFile(`/proc/${pid}/limits`));
  if (!found) return null;
  return { type: 'RLIMIT_NOFILE', soft: Number(found[1]), hard: Number(found[2]) };
}
