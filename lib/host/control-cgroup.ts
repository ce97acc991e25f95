/**
 * The two changes of a cgroup version 2 that are undone by more than a write: controllers that are
 * taken away again, and processes that have made room for them. A cgroup has either processes or
 * controllers for those below it. cgroups(7), "no internal processes" rule
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProcFile } from '../observe/proc-file.ts';

/** One that a cgroup below has handed on (EBUSY) is still needed there. Throws a file system error. */
export function disableControllers(path: string, controllers: readonly string[]): void {
  for (const name of controllers) {
    // A controller that has been mounted as version 1 meanwhile is not known here (EINVAL).
    tolerate(['EBUSY', 'ENOENT', 'ENODEV', 'EINVAL'], () =>
      writeFileSync(join(path, 'cgroup.subtree_control'), `-${name}`),
    );
  }
}

/** A process that ends meanwhile needs no moving. Throws a file system error. */
export function moveProcesses(from: string, to: string): void {
  if (!existsSync(from)) return;
  for (;;) {
    const pids = readProcFile(join(from, 'cgroup.procs')).split('\n').filter(Boolean);
    // What is forked while we move is where its parent was.
    if (pids.length === 0) return;
    for (const pid of pids) {
      tolerate(['ESRCH'], () => writeFileSync(join(to, 'cgroup.procs'), pid));
    }
  }
}

function tolerate(codes: readonly string[], body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
