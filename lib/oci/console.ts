/**
 * The host's half of a container's terminal: its master goes to whoever asked for it, over the socket
 * that `--console-socket` names, and from then on is theirs alone.
 *
 * pty(7), unix(7) SCM_RIGHTS; runc's docs/terminals.md "Detached"
 */
import { closeSync } from 'node:fs';
import { connectUnix, sendDescriptors } from '../kernel/sockets.ts';
import { OciError } from './oci-error.ts';

/** `master` is our descriptor, and stays ours to close; `name` goes along as data. Throws OciError. */
export function sendTerminal(socketPath: string, master: number, name: string): void {
  using open = new DisposableStack();
  try {
    const socket = open.adopt(connectUnix(socketPath), closeSync);
    sendDescriptors(socket, Buffer.from(name), [master]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OciError(`--console-socket ${socketPath}: ${why}`, { cause });
  }
}
