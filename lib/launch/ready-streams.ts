/**
 * The three streams of a child, made such that they can be put in place one after the other.
 *
 * dup(2), ioctl_tty(2) FIONBIO
 */
import { closeSync } from 'node:fs';
import { kernel } from '../kernel/call.ts';
import { F_DUPFD_CLOEXEC, FIONBIO } from '../kernel/constants.ts';
import type { Streams } from './records.ts';

const LAST_STREAM = 2;

/**
 * `streams` as a child can have them. What would be covered before its turn, as when stdout and
 * stderr change places, is a copy, which `copies` closes. And where this process's own three are
 * pipes, Node has made them non-blocking, for everybody who has them, which programs do not expect.
 */
export function readyStreams(streams: Streams, copies: DisposableStack): Streams {
  if ('tty' in streams) return streams;
  for (const fd of streams) {
    if (fd <= LAST_STREAM) kernel.ioctl(fd, FIONBIO, new Uint8Array(4));
  }
  const keep = (from: number, to: number) =>
    from < to && streams[from] !== from
      ? copies.adopt(kernel.fcntl(from, F_DUPFD_CLOEXEC, LAST_STREAM + 1), closeSync)
      : from;
  const [stdin, stdout, stderr] = streams;
  return [stdin, keep(stdout, 1), keep(stderr, 2)];
}
