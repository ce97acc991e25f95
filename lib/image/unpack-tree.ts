/**
 * A tree on disk that entries of a tar are put into, one after the other: making, replacing, and what
 * a file is to have besides its content. Nothing that is there is ever written through: a name that
 * is taken is cleared first, and made with O_EXCL.
 *
 * Contents that a later entry of the same layer replaces are moved `aside`, because the layer's tar
 * has them still.
 */
import { chmodSync, closeSync, type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs';
import { kernel } from '../kernel/call.ts';
import {
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  S_IFCHR,
} from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { removeXattr } from '../kernel/xattr.ts';
import { type Form, makeXattrWhiteout, overlayXattr } from '../overlay/whiteout.ts';
import {
  attributesIn,
  DEFAULT_ACL,
  isOfLayer,
  isOverlays,
  putAttribute,
  readAttributes,
} from './attributes.ts';
import type { TarEntry } from './tar-reader.ts';
import { createDirectories, type Directories, type OpenDirectory } from './unpack-directories.ts';
import { refuse, toFsPath, toPath } from './unpack-names.ts';

export interface Tree {
  directories: Directories;
  /** Bits that creating a file takes away from its mode. */
  umask: number;
  user: { uid: number; gid: number };
  /** Whether this user namespace cannot do everything: devices, foreign owners. */
  confined: boolean;
  form: Form;
  /** Says what was left out. */
  omit(name: string, what: string): void;
  /** Contents by inode, with their position in the layer's record. */
  contents: Map<number, number>;
  /** Descriptor of the directory for replaced contents; made at the first need. */
  aside(): number;
  /** What directories get when nothing is made in them any more, by path. */
  finishing: Map<string, Finishing>;
  /** Whether nothing of the layers below is to be seen; overlay does not look for that on a root. */
  rootIsOpaque: boolean;
}

export interface Finishing {
  inode: number;
  times: Uint8Array;
  /** Before, everything that is made in the directory would get it too. */
  defaultAcl: Buffer | null;
}

/** What takes a name. Of a whiteout's bytes nothing is left to be seen once it is replaced. */
export type Cleared = 'nothing' | 'something' | 'whiteout' | 'directory';

/** The path by which node:fs and xattr calls reach an entry, through its open directory. */
export const pathOf = (parent: OpenDirectory, base: string): string =>
  `/proc/self/fd/${parent.fd}/${base}`;

export function statOf(parent: OpenDirectory, base: string): Stats | null {
  return lstatSync(toFsPath(pathOf(parent, base)), { throwIfNoEntry: false }) ?? null;
}

/** Removes what has the name, whatever it is; with `keepDirectory` a directory stays. */
export function clear(
  tree: Tree,
  parent: OpenDirectory,
  base: string,
  keepDirectory = false,
): Cleared {
  const stats = statOf(parent, base);
  if (!stats) return 'nothing';
  if (stats.isDirectory()) {
    if (keepDirectory) return 'directory';
    removeDirectory(tree, parent.fd, base);
    tree.directories.forget();
    return 'something';
  }
  const whiteout = isWhiteoutAt(tree, parent, base, stats);
  removeFile(tree, parent.fd, base, stats.ino);
  if (stats.isSymbolicLink()) tree.directories.forget();
  return whiteout ? 'whiteout' : 'something';
}

export function isWhiteoutAt(
  tree: Tree,
  parent: OpenDirectory,
  base: string,
  stats: Stats,
): boolean {
  if (stats.isCharacterDevice()) return stats.rdev === 0;
  if (tree.form !== 'user' || !stats.isFile() || stats.size > 0) return false;
  try {
    const name = overlayXattr(tree.form, 'whiteout');
    return kernel.lgetxattr(toPath(pathOf(parent, base)), name, Buffer.of()) >= 0;
  } catch (error) {
    if (error instanceof SyscallError && error.code === 'ENODATA') return false;
    throw error;
  }
}

function removeFile(tree: Tree, directory: number, base: string, inode: number): void {
  const position = tree.contents.get(inode);
  if (position === undefined) {
    kernel.unlinkat(directory, toPath(base), 0);
    return;
  }
  kernel.renameat2(directory, toPath(base), tree.aside(), String(position), 0);
  tree.contents.delete(inode);
}

function removeDirectory(tree: Tree, parent: number, base: string): void {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const fd = kernel.openat(parent, toPath(base), flags);
  try {
    const path = `/proc/self/fd/${fd}`;
    const entries: Dirent<Buffer>[] = readdirSync(path, {
      encoding: 'buffer',
      withFileTypes: true,
    });
    for (const entry of entries) {
      const name = entry.name.toString('latin1');
      if (entry.isDirectory()) removeDirectory(tree, fd, name);
      else removeFile(tree, fd, name, lstatSync(toFsPath(`${path}/${name}`)).ino);
    }
  } finally {
    closeSync(fd);
  }
  kernel.unlinkat(parent, toPath(base), AT_REMOVEDIR);
}

/** Hides `base` of the layers below. What this layer has there itself stays, as the format wants it. */
export function putWhiteout(tree: Tree, parent: OpenDirectory, base: string): void {
  const stats = statOf(parent, base);
  if (stats?.isDirectory()) putOpaque(tree, parent, base);
  if (stats) return;
  try {
    kernel.mknodat(parent.fd, toPath(base), S_IFCHR, 0);
  } catch (error) {
    const impossible =
      error instanceof SyscallError && ['EPERM', 'EOPNOTSUPP'].includes(error.code);
    if (!impossible) throw error;
    makeXattrWhiteout(pathOf(parent, base), tree.form);
  }
}

/** Has a directory hide everything below it in the layers under this one. */
export function putOpaque(tree: Tree, parent: OpenDirectory, base: string): void {
  const name = overlayXattr(tree.form, 'opaque');
  kernel.lsetxattr(toPath(pathOf(parent, base)), name, Buffer.from('y'), 0);
}

/** Owner, mode (of what has one), attributes and times, in the order in which none undoes another. */
export function setMetadata(
  tree: Tree,
  parent: OpenDirectory,
  base: string,
  entry: TarEntry,
  options: { modeIsSet: boolean },
): void {
  setOwner(tree, parent, base, entry);
  if (entry.type !== 'symlink' && !options.modeIsSet) {
    chmodSync(toFsPath(pathOf(parent, base)), entry.mode);
  }
  for (const [name, value] of attributesOf(tree, entry)) {
    if (name !== DEFAULT_ACL) setAttribute(tree, pathOf(parent, base), entry.name, name, value);
  }
  if (entry.type !== 'directory') {
    kernel.utimensat(parent.fd, toPath(base), encodeTimes(entry.mtime), AT_SYMLINK_NOFOLLOW);
  }
}

export function setOwner(
  tree: Tree,
  parent: OpenDirectory,
  base: string,
  { uid, gid, name }: { uid: number; gid: number; name: string },
): void {
  if (uid === tree.user.uid && gid === tree.user.gid && !parent.setgid) return;
  try {
    kernel.fchownat(parent.fd, toPath(base), uid, gid, AT_SYMLINK_NOFOLLOW);
  } catch (error) {
    const unmapped = error instanceof SyscallError && ['EINVAL', 'EPERM'].includes(error.code);
    if (!unmapped || !tree.confined) throw error;
    tree.omit(name, `owner ${uid}:${gid}, which this user namespace does not have`);
  }
}

/**
 * Those of an entry that a layer has. The others are left out; overlay's would be orders to the kernel
 * about what lies below, and are refused.
 */
function* attributesOf(tree: Tree, { name, xattrs }: TarEntry): Generator<[string, Buffer]> {
  for (const [attribute, value] of attributesIn(xattrs)) {
    if (isOverlays(attribute)) {
      throw refuse(name, `has the attribute ${attribute}, which is not a layer's to set`);
    }
    if (isOfLayer(attribute)) yield [attribute, value];
    else tree.omit(name, `attribute ${attribute}`);
  }
}

/** `name` is the entry's, for what is left out because this file system or user cannot have it. */
export function setAttribute(
  tree: Tree,
  path: string,
  name: string,
  attribute: string,
  value: Buffer,
): void {
  const why = putAttribute(toPath(path), attribute, value, tree.confined);
  if (why !== null) tree.omit(name, `attribute ${attribute} (${why})`);
}

/** Of a directory that an earlier entry of the same name has made. */
export function removeAttributes(parent: OpenDirectory, base: string): void {
  const path = toPath(pathOf(parent, base));
  for (const name of readAttributes(path).keys()) removeXattr(path, name);
}

const times = new BigInt64Array(4);

/** Access time is modification time: a tar seldom has one, and a layer is to come out alike. */
export function encodeTimes(mtime: { seconds: number; nanoseconds: number }): Uint8Array {
  times[0] = times[2] = BigInt(mtime.seconds);
  times[1] = times[3] = BigInt(mtime.nanoseconds);
  return new Uint8Array(times.buffer);
}

export function createTree(
  root: string,
  make: (tree: Tree, parent: OpenDirectory, base: string) => void,
  rest: Omit<Tree, 'directories' | 'contents' | 'finishing' | 'rootIsOpaque'>,
): Tree {
  const tree: Tree = {
    ...rest,
    contents: new Map(),
    finishing: new Map(),
    rootIsOpaque: false,
    directories: createDirectories(root, (parent, base) => make(tree, parent, base)),
  };
  return tree;
}
