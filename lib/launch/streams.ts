/**
 * The standard streams that a container is started with, and the host's ends of those that are
 * pipes. Only the host's ends are non-blocking: the two ends of a pipe are separate open files,
 * so the container's program finds its own as a shell would give them.
 *
 *   const opened = openStreams({ stdin: 'null', stdout: 'pipe', stderr: 'stdout' });
 *   const child = await opened.hand((streams) => start(program, { streams }));
 *
 * pipe(7), null(4)
 */
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { openPipe } from '../kernel/pairs.ts';

/** This process's own stream, /dev/null, a pipe, or a descriptor that the caller keeps. */
export type StreamChoice = 'inherit' | 'null' | 'pipe' | number;

export interface StreamChoices {
  /** Default of each: `inherit`. */
  stdin?: StreamChoice;
  stdout?: StreamChoice;
  /** `stdout`: the same as the container's stdout, in the order of writing. */
  stderr?: StreamChoice | 'stdout';
}

export interface OpenedStreams {
  /** For StartOptions.streams. */
  streams: readonly [number, number, number];
  /** The host's ends, null where the choice was not `pipe`. The caller listens to `error`. */
  stdin: Writable | null;
  stdout: Readable | null;
  stderr: Readable | null;
  /** Closes the container's ends in this process, so that readers here see an end. */
  closeTheirs(): void;
  /** Starts with the streams; then closes the container's ends, and ours if starting failed. */
  hand<T>(starting: (streams: readonly [number, number, number]) => Promise<T>): Promise<T>;
}

/** Opens what the choices need. Throws SyscallError (EMFILE) and leaves nothing open then. */
export function openStreams(choices: StreamChoice | StreamChoices): OpenedStreams {
  const each =
    typeof choices === 'object' ? choices : { stdin: choices, stdout: choices, stderr: choices };
  using theirs = new DisposableStack();
  using mine = new DisposableStack();

  function open(choice: StreamChoice, own: number): { theirs: number; mine: Socket | null } {
    if (typeof choice === 'number') return { theirs: choice, mine: null };
    if (choice === 'inherit') return { theirs: own, mine: null };
    if (choice === 'null') {
      return { theirs: theirs.adopt(openSync('/dev/null', 'r+'), closeSync), mine: null };
    }
    const [readEnd, writeEnd] = openPipe();
    const [far, near] = own === 0 ? [readEnd, writeEnd] : [writeEnd, readEnd];
    theirs.adopt(far, closeSync);
    return { theirs: far, mine: mine.adopt(socketOn(near, own === 0), (it) => it.destroy()) };
  }

  const stdin = open(each.stdin ?? 'inherit', 0);
  const stdout = open(each.stdout ?? 'inherit', 1);
  const stderr =
    each.stderr === 'stdout'
      ? { theirs: stdout.theirs, mine: null }
      : open(each.stderr ?? 'inherit', 2);
  const far = theirs.move();
  const near = mine.move();
  const streams = [stdin.theirs, stdout.theirs, stderr.theirs] as const;
  return {
    streams,
    stdin: stdin.mine,
    stdout: stdout.mine,
    stderr: stderr.mine,
    closeTheirs: () => far.dispose(),
    hand: async (starting) => {
      try {
        return await starting(streams);
      } catch (error) {
        near.dispose();
        throw error;
      } finally {
        far.dispose();
      }
    },
  };
}

/** Closes `fd` itself when a stream cannot be made of it. */
function socketOn(fd: number, writable: boolean): Socket {
  try {
    return new Socket({ fd, readable: !writable, writable });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
