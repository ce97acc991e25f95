/**
 * `start`: the container that waits goes on to its program.
 */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { runHooks } from '../hooks.ts';
import { OciError } from '../oci-error.ts';
import { readSpec, readStored, stateOf, statusOf, withContainer, writeStored } from './store.ts';

/** Throws OciError when it does not wait. */
export async function startContainer(root: string, id: string): Promise<void> {
  await withContainer(root, id, async (paths) => {
    const stored = readStored(paths);
    const status = stored ? statusOf(stored) : 'stopped';
    if (!stored || status === 'stopped' || status === 'creating') {
      throw new OciError('cannot start a container that has stopped');
    }
    if (stored.phase === 'started') {
      throw new OciError('cannot start an already running container');
    }
    const { hooks } = readSpec(paths);
    if (hooks?.startContainer?.length && stored.init) {
      await runHooks(hooks, 'startContainer', stateOf(stored, 'created'), stored.init);
    }
    openStart(paths.fifo);
    stored.phase = 'started';
    writeStored(paths, stored);
    unlinkSync(paths.fifo);
    await runHooks(hooks, 'poststart', stateOf(stored));
  });
}

/** The byte that it waits for. */
function openStart(fifo: string): void {
  let fd: number;
  try {
    fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENXIO') throw cause;
    throw new OciError('cannot start a container that has stopped', { cause });
  }
  try {
    writeSync(fd, '0');
  } finally {
    closeSync(fd);
  }
}
