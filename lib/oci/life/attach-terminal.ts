/**
 * This process's terminal joined to a container's, for `run` and `exec` in the foreground: every key
 * goes through unchanged, and what comes back is shown.
 */
import { closeSync, createWriteStream, type WriteStream } from 'node:fs';
import { ReadStream } from 'node:tty';
import { readWindowSize, setWindowSize } from '../../launch/pty.ts';
import { holdTerminal } from '../../launch/terminal.ts';

export interface JoinedTerminal {
  /** The master is its from now on. */
  take(master: number): void;
  /** Resolves when all that was written has been shown. */
  over(): Promise<void>;
  /** Puts this process's terminal back as it was. */
  close(): void;
}

/** Output is over when none has come for this long after the end. */
const QUIET_MS = 50;

export function joinTerminal(): JoinedTerminal {
  const { stdin, stdout } = process;
  let master: ReadStream | null = null;
  let keys: WriteStream | null = null;
  let held: Disposable | null = null;
  let ended: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    ended = resolve;
  });
  let heard = performance.now();
  let fd = -1;
  const resize = () => {
    if (stdin.isTTY && fd >= 0) setWindowSize(fd, readWindowSize(0));
  };
  const typed = (data: Buffer) => void keys?.write(data);
  const typedEnd = () => void keys?.write('\x04');
  return {
    take(descriptor) {
      fd = descriptor;
      resize();
      master = new ReadStream(descriptor);
      master.on('data', (data: Buffer) => {
        heard = performance.now();
        stdout.write(data);
      });
      // EIO is how a master says that nobody has the slave any more.
      master.on('error', () => ended());
      master.on('close', () => ended());
      // Apart: where this runs without Node, the reading end of a terminal cannot be written to.
      keys = createWriteStream('', { fd: descriptor, autoClose: false });
      // Of somebody who has ended.
      keys.on('error', () => undefined);
      held = holdTerminal(stdin);
      stdin.on('data', typed).on('end', typedEnd);
      process.on('SIGWINCH', resize);
      stdin.resume();
    },
    async over() {
      if (!master) return;
      heard = performance.now();
      const quiet = async () => {
        while (performance.now() - heard < QUIET_MS) {
          await new Promise((resolve) => setTimeout(resolve, QUIET_MS / 5));
        }
      };
      await Promise.race([closed, quiet()]);
    },
    close() {
      process.off('SIGWINCH', resize);
      stdin.off('data', typed).off('end', typedEnd);
      stdin.pause();
      keys?.destroy();
      if (master) master.destroy();
      else if (fd >= 0) closeSync(fd);
      held?.[Symbol.dispose]();
    },
  };
}
