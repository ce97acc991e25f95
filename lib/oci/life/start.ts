/**
 * `start`: the container that waits goes on to its program.
 */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { isSame } from '../../observe/process.ts';
import { runHooks } from '../hooks.ts';
import { OciError } from '../oci-error.ts';
import { clear } from './delete.ts';
import {
  type Paths,
  readSpec,
  readStored,
  type Stored,
  stateOf,
  statusOf,
  withContainer,
  writeStored,
} from './store.ts';

/**
 * Throws OciError when it does not wait. A hook that fails is the end of the container; `warn` is told
 * of hooks that failed when nothing was left of it any more.
 */
export async function startContainer(
  root: string,
  id: string,
  warn?: (line: string) => void,
): Promise<void> {
  const endIt = async (paths: Paths, stored: Stored) => {
    for (const warning of await clear(paths, stored)) warn?.(warning);
  };
  const { stored, hooks } = await withContainer(root, id, async (paths) => {
    const stored = assertWaits(readStored(paths));
    const { hooks } = readSpec(paths);
    const waiting = stored.init;
    try {
      await runHooks(hooks, 'startContainer', stateOf(stored, 'created'), {
        inside: waiting,
        waiting,
      });
    } catch (error) {
      await endIt(paths, stored);
      throw error;
    }
    openStart(paths.fifo);
    stored.phase = 'started';
    writeStored(paths, stored);
    unlinkSync(paths.fifo);
    return { stored, hooks };
  });
  // It is started, and no longer ours alone: whoever wants to end it meanwhile need not wait.
  try {
    await runHooks(hooks, 'poststart', stateOf(stored));
  } catch (error) {
    await withContainer(root, id, async (paths) => {
      if (readStored(paths)?.created === stored.created) await endIt(paths, stored);
    }).catch((gone: unknown) => {
      if (isSame(stored.init)) throw gone;
    });
    throw error;
  }
}

/** Of one that waits to be started there is a first process. */
function assertWaits(stored: Stored | null): Stored & { init: NonNullable<Stored['init']> } {
  const status = stored ? statusOf(stored) : 'stopped';
  if (!stored?.init || status === 'stopped' || status === 'creating') {
    throw new OciError('cannot start a container that has stopped');
  }
  if (stored.phase === 'started') throw new OciError('cannot start an already running container');
  return { ...stored, init: stored.init };
}

/** The byte that it waits for. Whoever forces its deletion may kill it at any moment. */
function openStart(fifo: string): void {
  try {
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, '0');
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    // Nobody has it open for reading, or any more.
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENXIO' && code !== 'EPIPE') throw cause;
    throw new OciError('cannot start a container that has stopped', { cause });
  }
}
