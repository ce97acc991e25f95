/**
 * `delete`: what is left of a container that has ended, or with `force` of any, whatever its maker
 * was doing when it ended.
 */
import { OciError } from '../oci-error.ts';
import { destroy } from './destroy.ts';
import { isThere, pathsOf, readStored, statusOf, withContainer } from './store.ts';

/** Throws OciError when it runs and `force` is not set, or when it does not exist. */
export async function deleteContainer(root: string, id: string, force: boolean): Promise<void> {
  if (force && !isThere(pathsOf(root, id).directory)) return;
  try {
    await withContainer(root, id, async (paths) => {
      const stored = readStored(paths);
      const status = stored ? statusOf(stored) : 'stopped';
      // One that waits has run nothing of its own yet.
      if (!force && status !== 'stopped' && status !== 'created') {
        throw new OciError(
          `cannot delete container ${id} that is not stopped: ${status}; kill it, or use --force`,
        );
      }
      await destroy(paths, stored);
    });
  } catch (error) {
    // Somebody else was faster.
    if (force && !isThere(pathsOf(root, id).directory)) return;
    throw error;
  }
}
