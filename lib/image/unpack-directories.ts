/**
 * The directories of a tree that is being unpacked, held open: an entry is then made by its last name
 * alone in a directory that the kernel has looked up below the root (openat2 with RESOLVE_IN_ROOT), and
 * no symbolic link of the layer leads anywhere else, whatever is changed meanwhile.
 *
 * A tar's entries come directory by directory, so few open directories save most lookups.
 * openat2(2), "RESOLVE_IN_ROOT"
 */
import { closeSync, fstatSync, openSync, readlinkSync } from 'node:fs';
import { kernel } from '../kernel/call.ts';
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../kernel/constants.ts';
import { openWithin } from '../kernel/open-within.ts';
import { encodeOpenHow } from '../kernel/structs.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { placeOf, refuse, toPath } from './unpack-names.ts';

export interface OpenDirectory {
  /** O_PATH: good for calls that take a directory and a name, not for reading. */
  fd: number;
  /** From the root, through no symbolic link; empty for the root. */
  path: string;
  inode: number;
  /** New entries get its group, and new directories this bit, from the kernel. */
  setgid: boolean;
}

export interface Directories {
  root: OpenDirectory;
  /**
   * The directory at `path`, through symbolic links of the tree; what is missing of it is made by
   * `make`. It may be closed by the next call. Throws ImageError where something else is in the way.
   */
  open(path: string): OpenDirectory;
  /** The same, or null where it is not there. */
  find(path: string): OpenDirectory | null;
  /** To be called when a directory or a symbolic link has gone: what was looked up may be elsewhere. */
  forget(): void;
  close(): void;
}

const FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC;
const STRAIGHT = encodeOpenHow({ flags: FLAGS, resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS });
const INSIDE = encodeOpenHow({ flags: FLAGS, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS });
const MOST_OPEN = 64;

/** `make` has to make the directory `base` in `parent`, or throw. */
export function createDirectories(
  rootPath: string,
  make: (parent: OpenDirectory, base: string) => void,
): Directories {
  const rootFd = openSync(rootPath, FLAGS);
  const canonicalRoot = readlinkSync(`/proc/self/fd/${rootFd}`, 'latin1');
  const root = describe(rootFd, '');
  /** In the order of their last use. */
  const opened = new Map<string, OpenDirectory>();

  function open(path: string): OpenDirectory {
    const there = find(path);
    if (there) return there;
    const { parent, base } = placeOf(path);
    make(open(parent), base);
    const made = find(path);
    if (!made)
      throw refuse(path, 'is a symbolic link that leads nowhere, and has entries below it');
    return made;
  }

  function find(path: string): OpenDirectory | null {
    if (path === '') return root;
    const held = opened.get(path);
    if (held) {
      opened.delete(path);
      opened.set(path, held);
      return held;
    }
    const directory = lookUp(path);
    if (!directory) return null;
    opened.set(path, directory);
    if (opened.size > MOST_OPEN) closeOldest();
    return directory;
  }

  function lookUp(path: string): OpenDirectory | null {
    try {
      return describe(kernel.openat2(rootFd, toPath(path), STRAIGHT), path);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
      if (error.code !== 'ELOOP') throw refuse(path, 'cannot be entered', error);
    }
    try {
      const fd = openWithin(rootFd, toPath(path), INSIDE);
      const target = readlinkSync(`/proc/self/fd/${fd}`, 'latin1');
      return describe(fd, target.slice(canonicalRoot.length + 1));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
      throw refuse(path, 'cannot be entered', error);
    }
  }

  function closeOldest(): void {
    for (const [path, { fd }] of opened) {
      opened.delete(path);
      closeSync(fd);
      return;
    }
  }

  function forget(): void {
    for (const { fd } of opened.values()) closeSync(fd);
    opened.clear();
  }

  return {
    root,
    open,
    find,
    forget,
    close() {
      forget();
      closeSync(rootFd);
    },
  };
}

function describe(fd: number, path: string): OpenDirectory {
  const { ino, mode } = fstatSync(fd);
  return { fd, path, inode: ino, setgid: (mode & 0o2000) !== 0 };
}
