/**
 * The host's end of the wire (start.ts draws it): hears at which line the child waits, asks what to
 * do, and lets it go on with one byte.
 */
import { Socket } from 'node:net';

/** `leave`: the child goes on, and will not wait again. */
export type Answer = 'go' | 'abort' | 'leave';

/**
 * Serves until the child has called execve, has ended or is left. `answer` gets the line's index; when it
 * throws or says abort, the wire is closed, which ends the child. Rejects with what `answer` threw.
 */
export function serveWire(fd: number, answer: (index: number) => Promise<Answer>): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new Socket({ fd, readable: true, writable: true });
    let thrown: { error: unknown } | undefined;
    let pending = Buffer.alloc(0);
    let busy = Promise.resolve();
    const ask = async (index: number) => {
      try {
        const said = await answer(index);
        if (said === 'abort') socket.end();
        else if (said === 'go') socket.write(Buffer.of(1));
        // What has been written can still be read when our end is closed.
        else socket.write(Buffer.of(1), () => socket.destroy());
      } catch (error) {
        thrown = { error };
        socket.end();
      }
    };
    socket.on('data', (data: Buffer) => {
      pending = Buffer.concat([pending, data]);
      while (pending.length >= 4) {
        const index = pending.readUInt32LE(0);
        pending = pending.subarray(4);
        busy = busy.then(() => ask(index));
      }
    });
    // The child may be killed with our byte unread; what became of it is told by its exit.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      void busy.then(() => (thrown ? reject(thrown.error) : resolve()));
    });
  });
}
