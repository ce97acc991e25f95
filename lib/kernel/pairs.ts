/**
 * Pairs of connected descriptors, close-on-exec: a pipe (one way) and a socket pair (both ways).
 * pipe(2), socketpair(2)
 */
import { kernel } from './call.ts';
import { AF_UNIX, O_CLOEXEC, SOCK_CLOEXEC, SOCK_STREAM } from './constants.ts';

const pairOf = (bytes: Uint8Array): [number, number] => {
  const view = new DataView(bytes.buffer);
  return [view.getInt32(0, true), view.getInt32(4, true)];
};

/** A pipe: the end to read from, then the end to write to. Throws SyscallError (EMFILE). */
export function openPipe(): [number, number] {
  const pair = new Uint8Array(8);
  kernel.pipe2(pair, O_CLOEXEC);
  return pairOf(pair);
}

/** Two ends of one stream socket. Throws SyscallError (EMFILE). */
export function openSocketPair(): [number, number] {
  const pair = new Uint8Array(8);
  kernel.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
  return pairOf(pair);
}
