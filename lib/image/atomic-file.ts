/**
 * Files that are either as they were or whole and new, whenever the machine stops: written beside
 * their place under another name, synced, renamed, and the directory synced.
 *
 * Whoever writes holds a lock on the file under that other name. The kernel lets go of it when the
 * process ends, however it ends, so what can be locked has been abandoned.
 * rename(2), fsync(2), flock(2)
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tryLock } from './lock.ts';

const UNFINISHED = /^\.[^/]+\.[0-9a-f]{16}\.new$/;

/** Puts `content` at `path`. Throws Error of node:fs. */
export function writeAtomic(path: string, content: string | Uint8Array): void {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Between opening and locking somebody may take ours for abandoned.
  while (!tryWrite(directory, path, content)) {}
}

function tryWrite(directory: string, path: string, content: string | Uint8Array): boolean {
  const name = `.${basename(path)}.${randomBytes(8).toString('hex')}.new`;
  const fd = openSync(join(directory, name), 'wx', 0o600);
  try {
    if (!tryLock(fd, 'exclusive')) return false;
    writeFileSync(fd, content);
    fsyncSync(fd);
    renameSync(join(directory, name), path);
    syncDirectory(directory);
    return true;
  } catch (error) {
    const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (gone) return false;
    unlinkSync(join(directory, name));
    throw error;
  } finally {
    closeSync(fd);
  }
}

export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export const isUnfinished = (name: string): boolean => UNFINISHED.test(name);

/** Removes what writers in `directory` that have ended left; returns the paths. */
export function removeUnfinished(directory: string): string[] {
  const removed: string[] = [];
  for (const name of readdirSync(directory).filter(isUnfinished)) {
    const path = join(directory, name);
    const fd = openIfThere(path);
    if (fd === null) continue;
    try {
      if (!tryLock(fd, 'exclusive')) continue;
      unlinkSync(path);
      removed.push(path);
    } catch (error) {
      // Renamed into its place meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    } finally {
      closeSync(fd);
    }
  }
  return removed;
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
