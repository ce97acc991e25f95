/**
 * A workbench for as long as some work takes, closed on every way out that this process lives to
 * see: a result, an error, a signal that asks it to end.
 */
import { LabError } from './lab-error.ts';
import { Stopped, stopOnSignals } from './run-lab-stop.ts';
import { openWorkbench, type Workbench, type WorkbenchOptions } from './workbench.ts';

/**
 * What `work` resolves to. Throws LabError with exit code 128 + n when signal n has come, after
 * closing; a second signal ends the process as it would any other.
 */
export async function withWorkbench<T>(
  options: WorkbenchOptions,
  work: (workbench: Workbench) => Promise<T>,
): Promise<T> {
  using stop = stopOnSignals();
  try {
    const workbench = await openWorkbench(options);
    try {
      return await Promise.race([work(workbench), stop.stopped]);
    } finally {
      await workbench.close();
    }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    throw new LabError(`stopped by ${error.message}`, error.exitCode);
  }
}
