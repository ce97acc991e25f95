/**
 * What a filter answers: the word that the kernel acts on, with an errno or a tracer's message in
 * its lower half.
 *
 * seccomp(2) "Seccomp filter return values"
 */
import {
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_DATA,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_USER_NOTIF,
} from '../../kernel/constants.ts';
import { OciError } from '../oci-error.ts';

export const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET_KILL_PROCESS,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_TRAP: SECCOMP_RET_TRAP,
  SCMP_ACT_ERRNO: SECCOMP_RET_ERRNO,
  SCMP_ACT_TRACE: SECCOMP_RET_TRACE,
  SCMP_ACT_ALLOW: SECCOMP_RET_ALLOW,
  SCMP_ACT_LOG: SECCOMP_RET_LOG,
  SCMP_ACT_NOTIFY: SECCOMP_RET_USER_NOTIF,
};

/** Those that say how a call fails, or what a tracer is told. */
const WITH_ERRNO: readonly string[] = ['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE'];
const EPERM = 1;
/** The kernel takes a larger one for this. */
const MOST_ERRNO = 4095;

/** The word for `action`; `where` is its place in the configuration. Throws OciError. */
export function answerOf(action: string, errnoRet: number | undefined, where: string): number {
  const word = ACTIONS[action];
  if (word === undefined) {
    throw new OciError(
      `${where}: ${JSON.stringify(action)} is no action; allowed: ${Object.keys(ACTIONS).join(', ')}`,
    );
  }
  if (!WITH_ERRNO.includes(action)) {
    if (errnoRet === undefined) return word;
    throw new OciError(
      `${where}: ${action} takes no errno, but ${errnoRet} is given; leave it out`,
    );
  }
  const most = action === 'SCMP_ACT_ERRNO' ? MOST_ERRNO : SECCOMP_RET_DATA;
  const errno = errnoRet ?? EPERM;
  if (!Number.isInteger(errno) || errno < 0 || errno > most) {
    throw new OciError(`${where}: the errno ${errno} is not a number from 0 to ${most}`);
  }
  return (word | errno) >>> 0;
}
