/**
 * Takes away all that there is of a container: its processes, its cgroup, its directory. Whatever is
 * gone already is fine, so it may be done again after it was interrupted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { kernel } from '../../kernel/call.ts';
import { SIGKILL } from '../../kernel/constants.ts';
import { SyscallError } from '../../kernel/syscall-error.ts';
import { isSame } from '../../observe/process.ts';
import { removeContainerCgroup } from '../cgroup.ts';
import { OciError } from '../oci-error.ts';
import { type Paths, removeDirectory, type Stored } from './store.ts';

const DEADLINE_MS = 10_000;
const LOOK_AGAIN_MS = 1;

/** Throws OciError or HostError for a process that does not die. The directory goes last. */
export async function destroy(paths: Paths, stored: Stored | null): Promise<void> {
  if (stored) {
    endFirst(stored);
    // A frozen process of version 1 dies here, where it is thawed.
    await removeContainerCgroup(stored.cgroup, stored.init !== null);
    await untilGone(stored);
  }
  removeDirectory(paths);
}

/** Its first process, where it is still there: it need not be gone yet. */
export function endFirst(stored: Pick<Stored, 'init'> | null): void {
  if (!stored?.init || !isSame(stored.init)) return;
  try {
    kernel.kill(stored.init.pid, SIGKILL);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.code !== 'ESRCH') throw error;
  }
}

async function untilGone({ init }: Stored): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (init && isSame(init)) {
    if (performance.now() > deadline) {
      throw new OciError(
        `process ${init.pid} is still there after SIGKILL; in state D it waits for a device`,
      );
    }
    await sleep(LOOK_AGAIN_MS);
  }
}
