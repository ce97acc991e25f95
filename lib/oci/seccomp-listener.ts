/**
 * Hands the listener of a container's seccomp filter to the process that answers for it, with the
 * state that says whose it is.
 *
 * OCI runtime-spec config-linux.md "The Container Process State", seccomp_unotify(2)
 */
import { closeSync } from 'node:fs';
import { connectUnix, sendDescriptors } from '../kernel/sockets.ts';
import { OciError } from './oci-error.ts';
import type { Seccomp, State } from './spec.ts';

/** `fd` is our copy of the listener, which stays ours to close. Throws OciError. */
export function sendListener(seccomp: Seccomp, fd: number, state: State): void {
  const { listenerPath = '', listenerMetadata: metadata } = seccomp;
  const { ociVersion, pid } = state;
  const message = {
    ociVersion,
    fds: ['seccompFd'],
    pid,
    ...(metadata === undefined ? {} : { metadata }),
    state,
  };
  using open = new DisposableStack();
  try {
    const socket = open.adopt(connectUnix(listenerPath), closeSync);
    sendDescriptors(socket, Buffer.from(JSON.stringify(message)), [fd]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OciError(`linux.seccomp.listenerPath ${listenerPath}: ${why}`, { cause });
  }
}
