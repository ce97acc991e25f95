/**
 * `pause` and `resume`: all processes of a container's cgroup stop where they are, and go on.
 */
import { freezeCgroup, thawCgroup } from '../../cgroups/freeze.ts';
import { planOf } from '../cgroup.ts';
import { OciError } from '../oci-error.ts';
import { readStored, type Stored, statusOf, withContainer } from './store.ts';

/**
 * Resolves when every process is stopped. Throws OciError when it does not run, CgroupError when not
 * all have stopped after `timeout` milliseconds, by default half a minute; it runs on then.
 */
export const pauseContainer = (root: string, id: string, timeout?: number): Promise<void> =>
  withContainer(root, id, async (paths) => {
    const stored = required(readStored(paths));
    const status = statusOf(stored);
    if (status !== 'running' && status !== 'created') {
      throw new OciError(`container not running: ${status}, there is nothing to pause`);
    }
    await freezeCgroup(planOf(stored.cgroup, id), timeout);
  });

/** Also one that has stopped in part, where a pause was killed. Throws OciError when it is not paused. */
export const resumeContainer = (root: string, id: string): Promise<void> =>
  withContainer(root, id, async (paths) => {
    const stored = required(readStored(paths));
    if (statusOf(stored) !== 'paused') throw new OciError('container not paused');
    await thawCgroup(planOf(stored.cgroup, id));
  });

function required(stored: Stored | null): Stored {
  if (stored) return stored;
  throw new OciError('container not running: it was never made wholly; delete it with --force');
}
