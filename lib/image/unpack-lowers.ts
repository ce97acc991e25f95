/**
 * What a layer leaves to those below it to say. Parent directories that it has no entry for are made
 * as they are there: overlay shows the topmost layer's directory, and with it that one's mode, owner
 * and attributes. And a root that is marked opaque has every name below it hidden one by one, since
 * overlay does not look for the mark on a layer's root.
 */
import { chmodSync, closeSync, fstatSync, openSync, readdirSync } from 'node:fs';
import { kernel } from '../kernel/call.ts';
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '../kernel/constants.ts';
import { encodeOpenHow } from '../kernel/structs.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { DEFAULT_ACL, readAttributes } from './attributes.ts';
import type { OpenDirectory } from './unpack-directories.ts';
import { makeDirectory } from './unpack-entry.ts';
import { toFsPath, toPath } from './unpack-names.ts';
import {
  encodeTimes,
  pathOf,
  putOpaque,
  putWhiteout,
  setAttribute,
  setOwner,
  statOf,
  type Tree,
} from './unpack-tree.ts';

const FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC;
const STRAIGHT = encodeOpenHow({ flags: FLAGS, resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS });
/** For what no layer says anything about. */
const PLAIN = {
  ...{ mode: 0o755, uid: 0, gid: 0, seconds: 0, nanoseconds: 0 },
  attributes: new Map<string, Buffer>(),
};

/** Makes `base` in `parent`, as the topmost of `lowers` has it that has it. */
export function makeImplied(
  tree: Tree,
  parent: OpenDirectory,
  base: string,
  lowers: readonly string[],
): void {
  const path = parent.path === '' ? base : `${parent.path}/${base}`;
  const { mode, uid, gid, attributes, ...mtime } = lookBelow(path, lowers) ?? PLAIN;
  if (makeDirectory(tree, parent, base, 0o700, 'implied')) return;
  setOwner(tree, parent, base, { uid, gid, name: path });
  chmodSync(toFsPath(pathOf(parent, base)), mode);
  for (const [name, value] of attributes) {
    if (name !== DEFAULT_ACL) setAttribute(tree, pathOf(parent, base), path, name, value);
  }
  tree.finishing.set(path, {
    inode: statOf(parent, base)?.ino ?? 0,
    times: encodeTimes(mtime).slice(),
    defaultAcl: attributes.get(DEFAULT_ACL) ?? null,
  });
}

function lookBelow(path: string, lowers: readonly string[]): typeof PLAIN | null {
  for (const lower of lowers) {
    const root = openSync(lower, FLAGS);
    try {
      const fd = kernel.openat2(root, toPath(path), STRAIGHT);
      const { mode, uid, gid, mtimeNs } = fstatSync(fd, { bigint: true });
      const attributes = readAttributes(`/proc/self/fd/${fd}/.`);
      closeSync(fd);
      return {
        attributes,
        mode: Number(mode) & 0o7777,
        uid: Number(uid),
        gid: Number(gid),
        seconds: Number(mtimeNs / 1_000_000_000n),
        nanoseconds: Number(mtimeNs % 1_000_000_000n),
      };
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      // A file or whiteout there hides what is still further down.
      if (error.code !== 'ENOENT') return null;
    } finally {
      closeSync(root);
    }
  }
  return null;
}

/** Does name by name what an opaque root would mean. */
export function hideBelowRoot(tree: Tree, lowers: readonly string[]): void {
  const { root } = tree.directories;
  for (const lower of lowers) {
    for (const name of readdirSync(lower, { encoding: 'latin1' })) {
      if (statOf(root, name)?.isDirectory()) putOpaque(tree, root, name);
      else putWhiteout(tree, root, name);
    }
  }
}
