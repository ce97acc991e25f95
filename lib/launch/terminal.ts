/**
 * Raw mode of this process's terminal, held for a while and given back whatever happens: at the
 * end of a `using` block, at process.exit or an uncaught exception, and at the signals that end
 * a process.
 *
 * termios(3), tty_ioctl(4), signal(7)
 */
import type { ReadStream } from 'node:tty';

const ENDING = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** Sets `stdin` raw; disposing puts its mode back as it was. Harmless when it is no terminal. */
export function holdTerminal(stdin: ReadStream): Disposable {
  if (!stdin.isTTY) return { [Symbol.dispose]: () => undefined };
  const before = stdin.isRaw;
  const restore = () => void stdin.setRawMode(before);
  const restoreAndEnd = (signal: NodeJS.Signals) => {
    restore();
    // Who else listens decides what the signal means; without anybody it means what it always does.
    if (process.listenerCount(signal) > 1) return;
    process.off(signal, restoreAndEnd);
    process.kill(process.pid, signal);
  };
  process.on('exit', restore);
  for (const signal of ENDING) process.on(signal, restoreAndEnd);
  stdin.setRawMode(true);
  return {
    [Symbol.dispose]: () => {
      process.off('exit', restore);
      for (const signal of ENDING) process.off(signal, restoreAndEnd);
      restore();
    },
  };
}
