/**
 * `delete`: what is left of a container that has ended, or with `force` of any, whatever its maker
 * was doing when it ended.
 */

import { runHooksAnyway } from '../hooks.ts';
import { OciError } from '../oci-error.ts';
import { destroy } from './destroy.ts';
import {
  isThere,
  pathsOf,
  readSpec,
  readStored,
  stateOf,
  statusOf,
  withContainer,
} from './store.ts';

/** Throws OciError when it runs and `force` is not set, or when it does not exist. Returns warnings about hooks. */
export async function deleteContainer(root: string, id: string, force: boolean): Promise<string[]> {
  if (force && !isThere(pathsOf(root, id).directory)) return [];
  try {
    return await withContainer(root, id, async (paths) => {
      const stored = readStored(paths);
      const status = stored ? statusOf(stored) : 'stopped';
      // One that waits has run nothing of its own yet.
      if (!force && status !== 'stopped' && status !== 'created') {
        throw new OciError(
          `cannot delete container ${id} that is not stopped: ${status}; kill it, or use --force`,
        );
      }
      const hooks = stored && isThere(paths.config) ? readSpec(paths).hooks : undefined;
      await destroy(paths, stored);
      if (!stored || !hooks) return [];
      return await runHooksAnyway(hooks, 'poststop', stateOf(stored, 'stopped'));
    });
  } catch (error) {
    // Somebody else was faster.
    if (force && !isThere(pathsOf(root, id).directory)) return [];
    throw error;
  }
}
