/**
 * Paths inside a root that is not ours: the kernel walks them as a process in that root would, so
 * that no symbolic link and no `..` in it leads to a file of the host.
 *
 * What comes back is a path of the host without links in it. It stays true as long as nobody changes
 * the root meanwhile: for roots in which no process runs.
 *
 * openat2(2), RESOLVE_IN_ROOT
 */
import { closeSync, mkdirSync, openSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '../kernel/constants.ts';
import { openWithin } from '../kernel/open-within.ts';
import { encodeOpenHow } from '../kernel/structs.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { ImageError } from './image-error.ts';

/** Where `path` leads in `root`, all links followed; null when it leads nowhere. Throws SyscallError. */
export function findInRoot(root: string, path: string): string | null {
  return withRoot(root, (rootFd) => {
    try {
      const how = { flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
      const fd = openWithin(rootFd, path === '' ? '.' : path, encodeOpenHow(how));
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      if (error instanceof SyscallError && ['ENOENT', 'ENOTDIR'].includes(error.code)) return null;
      throw error;
    }
  });
}

/**
 * Makes a directory of `root` and those on the way, mode 0755; `made` is called for each new one.
 * Returns where it is. Throws ImageError when a file or a link that leads nowhere is in the way.
 */
export function makeInRoot(
  root: string,
  path: string,
  made: (path: string) => void = () => undefined,
): string {
  const parts = posix.join('/', path).split('/').filter(Boolean);
  let at = findInRoot(root, '/') ?? root;
  for (let depth = 1; depth <= parts.length; depth++) {
    const within = `/${parts.slice(0, depth).join('/')}`;
    const found = findInRoot(root, within);
    if (found !== null) {
      if (!statSync(found).isDirectory()) throw inTheWay(within, 'is no directory');
      at = found;
      continue;
    }
    at = `${at}/${parts[depth - 1]}`;
    try {
      mkdirSync(at, { mode: 0o755 });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      throw inTheWay(within, 'is a symbolic link that leads nowhere', cause);
    }
    made(at);
  }
  return at;
}

/** A small text file; null when it is not there. */
export function readInRoot(root: string, path: string): string | null {
  const found = findInRoot(root, path);
  return found !== null && statSync(found).isFile() ? readFileSync(found, 'utf8') : null;
}

/** `path` with its last name as it stands: a link there is not followed. Its directory must be there. */
export function nameInRoot(root: string, path: string): string | null {
  const directory = findInRoot(root, dirname(path));
  return directory === null ? null : `${directory}/${posix.basename(path)}`;
}

function withRoot<T>(root: string, body: (fd: number) => T): T {
  const fd = openSync(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  try {
    return body(fd);
  } finally {
    closeSync(fd);
  }
}

const inTheWay = (path: string, what: string, cause?: unknown) =>
  new ImageError(path, `${what}, so that nothing can be put there`, { cause });
