/**
 * A workbench for as long as some work takes, closed on every way out that this process lives to
 * see: a result, an error, a signal that asks it to end.
 */
import { constants } from 'node:os';
import { LabError } from './lab-error.ts';
import { openWorkbench, type Workbench, type WorkbenchOptions } from './workbench.ts';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * What `work` resolves to. Throws LabError with exit code 128 + n when signal n has come, after
 * closing; a second signal ends the process as it would any other.
 */
export async function withWorkbench<T>(
  options: WorkbenchOptions,
  work: (workbench: Workbench) => Promise<T>,
): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  stopped.catch(() => {});
  const stop = (signal: (typeof ENDING)[number]) =>
    reject(new LabError(`stopped by ${signal}`, 128 + constants.signals[signal]));
  for (const signal of ENDING) process.once(signal, stop);
  try {
    const workbench = await openWorkbench(options);
    try {
      return await Promise.race([work(workbench), stopped]);
    } finally {
      await workbench.close();
    }
  } finally {
    for (const signal of ENDING) process.off(signal, stop);
  }
}
