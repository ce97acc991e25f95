/**
 * A pseudo-terminal: the container's programs have the slave for a terminal, the host reads at the
 * master what they write and writes there what was typed. The kernel's line discipline between the
 * two makes SIGINT of Ctrl-C, for the foreground processes of the slave's session.
 *
 * pty(7), ioctl_tty(2), pts(4)
 */
import { closeSync, openSync } from 'node:fs';
import { kernel } from '../kernel/call.ts';
import {
  O_CLOEXEC,
  O_NOCTTY,
  O_RDWR,
  TIOCGPTPEER,
  TIOCGWINSZ,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from '../kernel/constants.ts';
import { encodeWinsize } from '../kernel/structs.ts';

export interface WindowSize {
  rows: number;
  columns: number;
}

export interface Pty {
  /** Descriptors of this process, close-on-exec. The caller closes both. */
  master: number;
  /** For StartOptions.streams: `{ tty: slave }`. */
  slave: number;
  /** Sets the window size; the foreground processes get SIGWINCH when it is another one. */
  resize(size: WindowSize): void;
}

/** A new pair. Throws SyscallError or, where /dev/ptmx cannot be opened, Node's own error. */
export function openPty(size?: WindowSize): Pty {
  const master = openSync('/dev/ptmx', O_RDWR | O_NOCTTY);
  try {
    kernel.ioctl(master, TIOCSPTLCK, new Uint8Array(4));
    if (size) setWindowSize(master, size);
    // Asked of the master itself: /dev/pts may show another instance of devpts, or none.
    const slave = kernel.ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return { master, slave, resize: (to) => setWindowSize(master, to) };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

/** Throws SyscallError (ENOTTY). */
export function setWindowSize(fd: number, size: WindowSize): void {
  kernel.ioctl(fd, TIOCSWINSZ, encodeWinsize(size));
}

/** The window size of the terminal at `fd`. Throws SyscallError (ENOTTY). */
export function readWindowSize(fd: number): WindowSize {
  const bytes = new Uint8Array(8);
  kernel.ioctl(fd, TIOCGWINSZ, bytes);
  const view = new DataView(bytes.buffer);
  return { rows: view.getUint16(0, true), columns: view.getUint16(2, true) };
}
