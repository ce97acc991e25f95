/**
 * The host's end of the wire (start.ts draws it): hears at which line the child waits, asks what to
 * do, and lets it go on with one byte. Read as a file is: sockets made of a descriptor are not the
 * same in every runtime that this code has to run in.
 */
import { closeSync, read, writeSync } from 'node:fs';

/** With `leave`, the child goes on and is not heard any more. */
export type Answer = 'go' | 'abort' | 'leave';

/**
 * Serves until the child has called execve or has ended. `answer` gets the line's index; when it
 * throws or says abort, the wire is closed, which ends the child. Rejects with what `answer` threw.
 * Closes `fd`.
 */
export async function serveWire(
  fd: number,
  answer: (index: number) => Promise<Answer>,
): Promise<void> {
  try {
    for (;;) {
      const index = await hear(fd);
      if (index === null) return;
      const said = await answer(index);
      if (said === 'abort') return;
      if (!letGo(fd) || said === 'leave') return;
    }
  } finally {
    closeSync(fd);
  }
}

/** The line at which the child waits, or null when it is not there any more. */
async function hear(fd: number): Promise<number | null> {
  const number = Buffer.alloc(4);
  for (let known = 0; known < number.length; ) {
    const length = await new Promise<number>((resolve, reject) => {
      read(fd, number, known, number.length - known, null, (error, count) => {
        // It was killed with our byte unread; what became of it is told by its exit.
        if (error?.code === 'ECONNRESET') resolve(0);
        else if (error) reject(error);
        else resolve(count);
      });
    });
    if (length === 0) return null;
    known += length;
  }
  return number.readUInt32LE(0);
}

function letGo(fd: number): boolean {
  try {
    writeSync(fd, Buffer.of(1));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return false;
    throw error;
  }
}
