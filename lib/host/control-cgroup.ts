/**
 * The changes of cgroups of version 2 that are undone by more than a write. A cgroup has those
 * controllers that each one above it hands down in `cgroup.subtree_control`; and one that hands
 * controllers down cannot have processes itself.
 *
 * - `handDown`, `takeBack`: controllers, for a directory of ours
 * - `moveProcesses`: out of a cgroup that is to hand controllers down
 *
 * Several runs may use one directory at a time, and the last of them takes back what the first had
 * to enable. Which that was is written on the directory itself, as an extended attribute: it is
 * gone when the directory is.
 *
 * cgroups(7), "no internal processes" rule; user extended attributes in xattr(7)
 */
import { existsSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getXattr, setXattr } from '../kernel/xattr.ts';
import { readProcFile } from '../observe/proc-file.ts';

const ENABLED = 'user.unboxed.enabled';

const controlOf = (path: string) => join(path, 'cgroup.subtree_control');

/** `base` exists already. Throws a file system error (EBUSY: `top` has processes), SyscallError. */
export function handDown(top: string, base: string, controllers: readonly string[]): void {
  const there = wordsOf(readProcFile(controlOf(top)));
  const missing = controllers.filter((name) => !there.includes(name));
  const enabled = new Set([...readEnabled(base), ...missing]);
  // Before they are: what is noted and was not done does no harm.
  if (missing.length > 0) setXattr(base, ENABLED, [...enabled].join(' '));
  for (const [path, names] of [
    [top, missing],
    [base, controllers],
  ] as const) {
    const text = names.map((name) => `+${name}`).join(' ');
    if (text !== '') writeFileSync(controlOf(path), text);
  }
}

/** Nothing happens while another cgroup is in `base`. Throws a file system error, SyscallError. */
export function takeBack(top: string, base: string): void {
  if (!existsSync(base)) return;
  const enabled = readEnabled(base);
  if (!tolerate(['EBUSY', 'ENOTEMPTY', 'ENOENT'], () => rmdirSync(base))) return;
  for (const name of enabled) {
    // EBUSY: somebody else hands it on by now. EINVAL: it has been mounted as version 1 meanwhile.
    tolerate(['EBUSY', 'EINVAL', 'ENOENT', 'ENODEV'], () => {
      writeFileSync(controlOf(top), `-${name}`);
    });
  }
}

/** A process that ends meanwhile needs no moving. Throws a file system error. */
export function moveProcesses(from: string, to: string): void {
  if (!existsSync(from)) return;
  for (;;) {
    const pids = wordsOf(readProcFile(join(from, 'cgroup.procs')));
    // What is forked while we move is where its parent was.
    if (pids.length === 0) return;
    for (const pid of pids) {
      tolerate(['ESRCH'], () => writeFileSync(join(to, 'cgroup.procs'), pid));
    }
  }
}

const readEnabled = (base: string): string[] => wordsOf(getXattr(base, ENABLED)?.toString() ?? '');

const wordsOf = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** Whether it was done; an error with one of the codes is as good as not. */
function tolerate(codes: readonly string[], body: () => void): boolean {
  try {
    body();
    return true;
  } catch (error) {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
}
