/**
 * A system call that failed, printed as C would have written it:
 *   mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV, NULL): EPERM (Operation not permitted)
 *   hint: …
 * The hint, where there is one, is what the pair of call and error usually means.
 */
import type { Argument } from './arguments.ts';
import { errnoName, formatErrno } from './errno.ts';
import { formatCall, type Reference } from './format.ts';
import { hintFor } from './hints.ts';
import type { CallName } from './signatures.ts';

export class SyscallError extends Error {
  syscall: CallName;
  /** The positive error number. */
  errno: number;
  /** Its name, for instance `EPERM`. */
  code: string;
  hint: string | undefined;
  constructor(syscall: CallName, args: readonly (Argument | Reference)[], errno: number) {
    const code = errnoName(errno);
    const hint = hintFor(syscall, code, args);
    const line = `${formatCall(syscall, args)}: ${formatErrno(errno)}`;
    super(hint ? `${line}\nhint: ${hint}` : line);
    this.name = 'SyscallError';
    this.syscall = syscall;
    this.errno = errno;
    this.code = code;
    this.hint = hint;
  }
}
