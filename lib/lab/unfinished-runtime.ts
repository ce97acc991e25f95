/**
 * What a learner's unfinished code can do to the run that judges it: a loop without end, in which
 * Node never hears Ctrl-C, and a process.exit, which would look as if everything had held.
 */
import type { RuntimeModule } from './lab.ts';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * The same module, whose functions a signal ends at once, as in a program without handlers. What
 * the run has made by then is in the journal, and goes with the next run.
 */
export function interruptible(module: RuntimeModule): RuntimeModule {
  const { runtime, join } = module;
  return {
    ...module,
    runtime: (...given) => withoutHandlers(() => runtime(...given)),
    ...(join && { join: (...given) => withoutHandlers(() => join(...given)) }),
  };
}

function withoutHandlers<T>(work: () => T): T {
  const taken = ENDING.map((signal) => [signal, process.listeners(signal)] as const);
  for (const signal of ENDING) process.removeAllListeners(signal);
  try {
    return work();
  } finally {
    for (const [signal, listeners] of taken) {
      for (const listener of listeners) process.on(signal, listener);
    }
  }
}

/** Until it is disposed of, an end of the process is a failure, and `complain` is called at it. */
export function failAtExit(complain: () => void): Disposable {
  const ended = (code: number) => {
    if (code !== 0) return;
    process.exitCode = 1;
    complain();
  };
  process.on('exit', ended);
  return { [Symbol.dispose]: () => process.off('exit', ended) };
}
