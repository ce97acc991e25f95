/**
 * One entry of a layer's tar becomes one thing in the tree. Only what stays inside comes about: the
 * directory is looked up below the root, the last name is made anew in it, and no symbolic link is
 * followed at the end. Whiteouts take overlay's form.
 *
 * OCI image-spec, layer.md, "Applying Changesets"
 */
import { ftruncateSync } from 'node:fs';
import { kernel } from '../kernel/call.ts';
import {
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
} from '../kernel/constants.ts';
import { makeDevice } from '../kernel/structs.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import { attributesIn, DEFAULT_ACL } from './attributes.ts';
import type { TarEntry } from './tar-reader.ts';
import type { OpenDirectory } from './unpack-directories.ts';
import { placeOf, refuse, toPath } from './unpack-names.ts';
import {
  clear,
  encodeTimes,
  isWhiteoutAt,
  putOpaque,
  putWhiteout,
  removeAttributes,
  setMetadata,
  statOf,
  type Tree,
} from './unpack-tree.ts';

/** A regular file that waits for its content. */
export interface OpenFile {
  fd: number;
  parent: OpenDirectory;
  base: string;
  entry: TarEntry;
  modeIsSet: boolean;
}

/** Where an entry has gone: `name` is its place in the tree, null where it has none of its own. */
export interface Placed {
  name: string | null;
  file: OpenFile | null;
}

const WHITEOUT = '.wh.';
/** Names with which AUFS marked its own things; one of them means an opaque directory. */
const AUFS = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';
const NOWHERE: Placed = { name: null, file: null };
/** The longest target of a symbolic link, PATH_MAX less its NUL. */
const LONGEST_TARGET = 4095;

/** Throws ImageError, also for every system call that failed. */
export function placeEntry(tree: Tree, entry: TarEntry): Placed {
  try {
    return place(tree, entry);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw refuse(entry.name, `could not be made: ${error.message}`, error);
  }
}

function place(tree: Tree, entry: TarEntry): Placed {
  const { parent: directory, base } = placeOf(entry.name);
  if (directory.includes(WHITEOUT) && !isOrdinary(directory)) {
    if (directory.split('/').some((part) => part.startsWith(AUFS))) return NOWHERE;
    throw refuse(entry.name, 'lies below a name that says that something is gone');
  }
  if (base.startsWith(WHITEOUT)) {
    placeWhiteout(tree, entry, directory, base);
    return NOWHERE;
  }
  const parent = tree.directories.open(directory);
  const name = parent.path === '' ? base : `${parent.path}/${base}`;
  if (base === '' && entry.type !== 'directory') {
    throw refuse(entry.name, `is the root, and a ${entry.type}`);
  }
  switch (entry.type) {
    case 'file':
      return { name, file: openFile(tree, parent, base, entry) };
    case 'directory':
      placeDirectory(tree, parent, base || '.', entry);
      break;
    case 'symlink':
      placeSymlink(tree, parent, base, entry);
      break;
    case 'link':
      placeLink(tree, parent, base, entry);
      break;
    default:
      placeNode(tree, parent, base, entry);
  }
  return { name, file: null };
}

const isOrdinary = (path: string) => !path.split('/').some((part) => part.startsWith(WHITEOUT));

function placeWhiteout(tree: Tree, entry: TarEntry, directory: string, base: string): void {
  if (base === OPAQUE) {
    if (directory === '') tree.rootIsOpaque = true;
    putOpaque(tree, tree.directories.open(directory), '.');
    return;
  }
  if (base.startsWith(AUFS)) return;
  const hidden = base.slice(WHITEOUT.length);
  if (hidden === '' || hidden === '.' || hidden === '..') {
    throw refuse(entry.name, 'is a whiteout of nothing that can be gone');
  }
  putWhiteout(tree, tree.directories.open(directory), hidden);
}

/** Clears the name if it is taken and tries again; a layer's whiteout in its place was for others. */
function makeAnew(tree: Tree, parent: OpenDirectory, base: string, make: () => number): number {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof SyscallError && error.code === 'EEXIST')) throw error;
  }
  // Forgetting what was looked up closes directories, this one too.
  const { path } = parent;
  clear(tree, parent, base);
  Object.assign(parent, tree.directories.open(path));
  return make();
}

function openFile(tree: Tree, parent: OpenDirectory, base: string, entry: TarEntry): OpenFile {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const mode = entry.mode & 0o777;
  const fd = makeAnew(tree, parent, base, () =>
    kernel.openat(parent.fd, toPath(base), flags, mode),
  );
  return { fd, parent: { ...parent }, base, entry, modeIsSet: isSet(tree, parent, entry.mode) };
}

/** Whether making it with its mode gave it that mode. */
const isSet = (tree: Tree, parent: OpenDirectory, mode: number) =>
  (mode & (tree.umask | 0o7000)) === 0 && !parent.setgid;

/** Once its content is written; the descriptor is closed by the caller. */
export function finishFile(tree: Tree, file: OpenFile): void {
  const { fd, entry } = file;
  // A hole at the end is no content.
  if (entry.pieces) ftruncateSync(fd, entry.realSize);
  try {
    const parent = tree.directories.open(file.parent.path);
    setMetadata(tree, parent, file.base, entry, { modeIsSet: file.modeIsSet });
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw refuse(entry.name, `could not be made: ${error.message}`, error);
  }
}

function placeDirectory(tree: Tree, parent: OpenDirectory, base: string, entry: TarEntry): void {
  const there = makeDirectory(tree, parent, base, entry.mode & 0o777);
  if (there) removeAttributes(parent, base);
  const modeIsSet = !there && isSet(tree, parent, entry.mode);
  setMetadata(tree, parent, base, entry, { modeIsSet });
  const path = base === '.' ? '' : parent.path === '' ? base : `${parent.path}/${base}`;
  if ((entry.mode & 0o2000) !== 0) tree.directories.forget();
  finishLater(tree, path, entry);
}

/**
 * Returns whether there was a directory already. One over a whiteout hides what was below that. An
 * entry replaces whatever has its name; a directory that is only on the way to one replaces nothing.
 */
export function makeDirectory(
  tree: Tree,
  parent: OpenDirectory,
  base: string,
  mode: number,
  way: 'entry' | 'implied' = 'entry',
): boolean {
  try {
    kernel.mkdirat(parent.fd, toPath(base), mode);
    return false;
  } catch (error) {
    if (!(error instanceof SyscallError && error.code === 'EEXIST')) throw error;
  }
  const { path } = parent;
  if (way === 'implied') refuseObstacle(tree, parent, base);
  const cleared = clear(tree, parent, base, true);
  Object.assign(parent, tree.directories.open(path));
  if (cleared === 'directory') return true;
  kernel.mkdirat(parent.fd, toPath(base), mode);
  if (cleared === 'whiteout') putOpaque(tree, parent, base);
  return false;
}

function refuseObstacle(tree: Tree, parent: OpenDirectory, base: string): void {
  const stats = statOf(parent, base);
  if (!stats || stats.isDirectory() || isWhiteoutAt(tree, parent, base, stats)) return;
  const path = parent.path === '' ? base : `${parent.path}/${base}`;
  const what = stats.isSymbolicLink() ? 'a symbolic link that leads nowhere' : 'no directory';
  throw refuse(path, `is ${what}, and has entries below it`);
}

function finishLater(tree: Tree, path: string, entry: TarEntry): void {
  const { inode } = tree.directories.open(path);
  const defaultAcl = attributesIn(entry.xattrs).get(DEFAULT_ACL) ?? null;
  tree.finishing.set(path, {
    ...{ inode, defaultAcl },
    times: encodeTimes(entry.mtime).slice(),
  });
}

function placeSymlink(tree: Tree, parent: OpenDirectory, base: string, entry: TarEntry): void {
  const { linkname } = entry;
  if (linkname === '' || linkname.length > LONGEST_TARGET || linkname.includes('\0')) {
    throw refuse(entry.name, `is a symbolic link to ${linkname.length} bytes, which cannot be`);
  }
  makeAnew(tree, parent, base, () => kernel.symlinkat(toPath(linkname), parent.fd, toPath(base)));
  setMetadata(tree, parent, base, entry, { modeIsSet: true });
}

function placeLink(tree: Tree, parent: OpenDirectory, base: string, entry: TarEntry): void {
  const target = placeOf(entry.linkname);
  const found = tree.directories.find(target.parent);
  const source = found && target.base !== '' ? { ...found } : null;
  const stats = source && statOf(source, target.base);
  if (!source || !stats) {
    throw refuse(entry.name, `is a hard link to ${entry.linkname}, which is not in this layer`);
  }
  if (stats.isDirectory()) throw refuse(entry.name, 'is a hard link to a directory');
  const itself = source.inode === parent.inode && target.base === base;
  if (itself || statOf(parent, base)?.ino === stats.ino) return;
  makeAnew(tree, parent, base, () => {
    const from = tree.directories.open(source.path);
    return kernel.linkat(from.fd, toPath(target.base), parent.fd, toPath(base), 0);
  });
}

function placeNode(tree: Tree, parent: OpenDirectory, base: string, entry: TarEntry): void {
  const { type, devmajor, devminor } = entry;
  const kind = type === 'fifo' ? S_IFIFO : type === 'block device' ? S_IFBLK : S_IFCHR;
  if (kind === S_IFCHR && devmajor === 0 && devminor === 0) {
    throw refuse(entry.name, 'is a device 0/0, which to overlay says that a name is gone');
  }
  const device = type === 'fifo' ? 0 : makeDevice(devmajor, devminor);
  if (type !== 'fifo' && tree.confined) {
    clear(tree, parent, base);
    tree.omit(entry.name, `${type} ${devmajor}:${devminor}, which takes root`);
    return;
  }
  makeAnew(tree, parent, base, () =>
    kernel.mknodat(parent.fd, toPath(base), kind | (entry.mode & 0o777), device),
  );
  setMetadata(tree, parent, base, entry, { modeIsSet: isSet(tree, parent, entry.mode) });
}
