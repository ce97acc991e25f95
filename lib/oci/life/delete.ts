/**
 * `delete`: what is left of a container that has ended, or with `force` of any, whatever its maker
 * was doing when it ended.
 */

import { runHooksAnyway } from '../hooks.ts';
import { OciError } from '../oci-error.ts';
import { destroy, endFirst } from './destroy.ts';
import {
  isThere,
  type Paths,
  pathsOf,
  readSpec,
  readStored,
  type Stored,
  stateOf,
  statusOf,
  withContainer,
} from './store.ts';

/** Throws OciError when it runs and `force` is not set, or when it does not exist. Returns warnings about hooks. */
export async function deleteContainer(root: string, id: string, force: boolean): Promise<string[]> {
  if (force && !isThere(pathsOf(root, id).directory)) return [];
  // Whoever holds it may be waiting for a hook, which ends with the process that it is for.
  const whileHeld = (paths: Paths) => void (force && endFirst(readStored(paths)));
  try {
    return await withContainer(
      root,
      id,
      async (paths) => {
        const stored = readStored(paths);
        const status = stored ? statusOf(stored) : 'stopped';
        // One that waits has run nothing of its own yet.
        if (!force && status !== 'stopped' && status !== 'created') {
          throw new OciError(
            `cannot delete container ${id} that is not stopped: ${status}; kill it, or use --force`,
          );
        }
        return await clear(paths, stored);
      },
      whileHeld,
    );
  } catch (error) {
    // Somebody else was faster.
    if (force && !isThere(pathsOf(root, id).directory)) return [];
    throw error;
  }
}

/**
 * Takes all of it away, and then runs its hooks `poststop`, whatever way it came to its end. The
 * container is the caller's (`withContainer`). Returns warnings about them.
 */
export async function clear(paths: Paths, stored: Stored | null): Promise<string[]> {
  const hooks = stored && isThere(paths.config) ? readSpec(paths).hooks : undefined;
  await destroy(paths, stored);
  // Before there was a process none of its hooks has run.
  if (!stored?.init || !hooks) return [];
  return await runHooksAnyway(hooks, 'poststop', stateOf(stored, 'stopped'));
}
