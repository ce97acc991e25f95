/**
 * Ctrl-C, the other signals that end a process, and a reader who reads no further (`| head`), turned
 * into an error that unwinds the walk, so that there is time to take away what the lab has made. A
 * second signal ends at once: what is left then is in the journal.
 * signal(7)
 */
import { constants } from 'node:os';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Stop extends Disposable {
  /** Aborted by the first signal, with a Stopped as reason. */
  signal: AbortSignal;
  /** Rejects with it. */
  stopped: Promise<never>;
  /** What Ctrl-C does. */
  interrupt(): void;
}

type Reason = (typeof ENDING)[number] | 'SIGPIPE';

export class Stopped extends Error {
  exitCode: number;
  constructor(signal: Reason) {
    super(signal);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Listens until it is disposed of. */
export function stopOnSignals(): Stop {
  const controller = new AbortController();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  // It is waited for in races only; between them nobody is listening.
  stopped.catch(() => {});
  const stop = (signal: Reason) => {
    const reason = new Stopped(signal);
    if (controller.signal.aborted) process.exit(reason.exitCode);
    controller.abort(reason);
    reject(reason);
  };
  // Node ignores SIGPIPE; a write tells it instead, and so does every write after it.
  const closed = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (!controller.signal.aborted) stop('SIGPIPE');
  };
  process.stdout.on('error', closed);
  for (const signal of ENDING) process.on(signal, stop);
  return {
    stopped,
    signal: controller.signal,
    interrupt: () => stop('SIGINT'),
    [Symbol.dispose]: () => {
      for (const signal of ENDING) process.off(signal, stop);
      process.stdout.off('error', closed);
    },
  };
}

/** How long a walk that was stopped may take to unwind before its containers are taken from it. */
const UNWIND_MS = 500;

/** Waits for `work`, a while. Its error has been thrown already, or it is that of having been stopped. */
export async function settle(work: Promise<unknown> | undefined): Promise<void> {
  const enough = new Promise((resolve) => setTimeout(resolve, UNWIND_MS).unref());
  await Promise.race([work?.catch(() => {}), ...(work ? [enough] : [])]);
}
