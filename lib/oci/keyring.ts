/**
 * The session keyring: keys of whoever makes a container are not to be the container's. It gets one
 * of its own, by whose name further processes in it find theirs.
 *
 * session-keyring(7), KEYCTL_JOIN_SESSION_KEYRING(2const), KEYCTL_SETPERM(2const), keyrings(7)
 */
import { existsSync } from 'node:fs';
import { KEYCTL_JOIN_SESSION_KEYRING } from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { LaunchError } from '../launch/launch-error.ts';
import type { Calls, Program } from '../launch/program.ts';
import { OciError } from './oci-error.ts';

/**
 * As the kernel gives a session keyring, and its user may search it besides, without which nobody
 * finds it by its name: whoever has it all but change its rights; its user view, read, search, link.
 */
const RIGHTS = 0x3f1b0000;

/** One of its own, made here, or the one of that name. */
export function joinKeyring(call: Calls, id: string, how: 'made' | 'joined'): void {
  // A kernel may be without keys.
  if (!existsSync('/proc/keys')) return;
  const keyring = call.keyctl(KEYCTL_JOIN_SESSION_KEYRING, `_ses.${id}`);
  if (how === 'made') call.keyctlSetperm(keyring, RIGHTS);
}

/** What stopped a launch, where it was this. */
export function explainKeyring(error: unknown, { lines }: Program): unknown {
  if (!(error instanceof LaunchError && error.cause instanceof SyscallError)) return error;
  const line = error.line === null ? undefined : lines[error.line];
  if (line?.kind !== 'call' || line.call !== 'keyctl') return error;
  const { code } = error.cause;
  const why =
    code === 'EDQUOT'
      ? 'its user has as many keys as /proc/sys/kernel/keys allows; raise maxkeys and maxbytes there'
      : 'a seccomp filter that we run under may forbid it';
  return new OciError(
    `no session keyring of its own: keyctl: ${code}: ${why}, or keep the caller’s with --no-new-keyring`,
    { cause: error },
  );
}
