/**
 * What Node's sockets cannot do: hand an open file to whoever is at the other end of a UNIX socket.
 * unix(7), cmsg(3), sendmsg(2)
 */
import { closeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Linked } from './arguments.ts';
import { kernel } from './call.ts';
import {
  AF_UNIX,
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
} from './constants.ts';

const MOST_PATH = 107;

/** A stream socket connected to the one at `path`. Throws SyscallError (ENOENT, ECONNREFUSED). */
export function connectUnix(path: string): number {
  using open = new DisposableStack();
  const socket = kernel.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const guard = open.adopt(new DisposableStack(), (it) => it.dispose());
  guard.adopt(socket, closeSync);
  kernel.connect(socket, encodeUnixAddress(reachable(path, open)));
  guard.move();
  return socket;
}

/** An address holds 107 bytes; what is longer is reached from its directory. */
function reachable(path: string, open: DisposableStack): string {
  if (Buffer.byteLength(path) <= MOST_PATH) return path;
  const directory = kernel.openat(AT_FDCWD, dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
  open.adopt(directory, closeSync);
  return `/proc/self/fd/${directory}/${basename(path)}`;
}

/** linux/un.h `struct sockaddr_un`. Throws RangeError where the path is too long for it. */
function encodeUnixAddress(path: string): Uint8Array {
  if (Buffer.byteLength(path) > MOST_PATH) {
    throw new RangeError(`${path}: longer than the ${MOST_PATH} bytes of a socket's address`);
  }
  const bytes = Buffer.alloc(2 + MOST_PATH + 1);
  bytes.writeUInt16LE(AF_UNIX, 0);
  bytes.write(path, 2);
  return bytes;
}

/**
 * Sends `data`, at least a byte, and copies of the descriptors with it. The whole of `data` in one
 * message. Throws SyscallError.
 */
export function sendDescriptors(socket: number, data: Uint8Array, fds: readonly number[]): void {
  const sent = kernel.sendmsg(socket, encodeMessage(data, fds), 0);
  if (sent < data.length) throw new Error(`sendmsg sent ${sent} of ${data.length} bytes`);
}

const CMSG_HEADER = 16;

/** <sys/socket.h> `struct msghdr` (56 bytes) with one piece of data and SCM_RIGHTS. sendmsg(2) */
export function encodeMessage(data: Uint8Array, fds: readonly number[]): Linked {
  const piece = Buffer.alloc(16);
  piece.writeBigUInt64LE(BigInt(data.length), 8);
  const used = CMSG_HEADER + 4 * fds.length;
  const control = Buffer.alloc((used + 7) & ~7);
  control.writeBigUInt64LE(BigInt(used), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  fds.forEach((fd, i) => void control.writeInt32LE(fd, CMSG_HEADER + 4 * i));
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  return {
    bytes: header,
    links: [
      { at: 16, to: { bytes: piece, links: [{ at: 0, to: data }] } },
      { at: 32, to: control },
    ],
  };
}

/** A copy of descriptor `fd` of process `pid`, close-on-exec. Throws SyscallError (EPERM, EBADF). */
export function copyDescriptor(pid: number, fd: number): number {
  using open = new DisposableStack();
  const pidfd = open.adopt(kernel.pidfdOpen(pid, 0), closeSync);
  return kernel.pidfdGetfd(pidfd, fd, 0);
}
