/**
 * The terminal of a container: a pair of the container's own devpts, so that its name means the same
 * inside. The child opens both ends; the host takes the master from it while it waits at the gate
 * `terminal` and hands it on. The slave becomes the three streams, and is bound on /dev/console.
 *
 * pts(4), ioctl_tty(2), pidfd_getfd(2); OCI runtime-spec, config.md "Process", config-linux.md
 */
import {
  AT_EMPTY_PATH,
  O_CLOEXEC,
  O_NOCTTY,
  O_RDWR,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
} from '../kernel/constants.ts';
import type { Calls, Result } from '../launch/program.ts';
import type { Draft } from './draft.ts';
import { type Ground, makePlace, openInRoot } from './in-root.ts';
import { attach } from './mounts.ts';
import type { RootView } from './root-view.ts';
import type { User } from './spec.ts';

/** The master, to be taken at the gate. */
export function openTerminal({ call, spec }: Draft, view: RootView, ground: Ground): Result {
  const { master, slave } = openPair(call, spec.process?.user, ground);
  const place = view.resolve('/dev/console');
  makePlace(call, place, 'file', ground);
  view.make(place.path, 'file');
  const console = call.openTree(slave, '', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  attach(call, console, place.path, ground);
  call.close(console);
  handOver(call, master, slave);
  return master;
}

/** Opens a pair of the devpts at /dev/pts; the working directory is the root. */
export function openPair(
  call: Calls,
  user: User = {},
  ground: Ground = [],
): { master: Result; slave: Result } {
  const master = openInRoot(call, '/dev/pts/ptmx', O_RDWR | O_NOCTTY, ground);
  call.ioctl(master, TIOCSPTLCK, new Uint8Array(4));
  const slave = call.ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (user.uid) call.fchownat(slave, '', user.uid, -1, AT_EMPTY_PATH);
  return { master, slave };
}

/** The host takes the master, the process the slave. */
export function handOver(call: Calls, master: Result, slave: Result): void {
  call.gate('terminal');
  call.close(master);
  call.setsid();
  call.ioctl(slave, TIOCSCTTY, 0);
  for (const stream of [0, 1, 2]) call.dup3(slave, stream, 0);
  call.close(slave);
}
