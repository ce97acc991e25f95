/**
 * Putting files where COPY and ADD say, in a root that is mounted for the purpose. Directories of
 * the root are walked as a process in it would; a file that is there already is replaced, never
 * written through.
 *
 * Dockerfile reference, "COPY --chown --chmod"; chown(2) clears set-user-ID and capabilities, so it
 * comes first.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { posix } from 'node:path';
import { kernel } from '../../kernel/call.ts';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../../kernel/constants.ts';
import { putAttribute, readAttributes } from '../attributes.ts';
import { ImageError } from '../image-error.ts';
import { findInRoot, makeInRoot } from '../in-root.ts';
import type { Item } from './selection.ts';

export interface Placing {
  /** Absolute, in the root. With a slash at its end it is a directory. */
  destination: string;
  /** Of everything that is put; null leaves each its own. */
  owner: { uid: number; gid: number } | null;
  /** Of files and directories that are put; null leaves each its own. */
  mode: number | null;
  /** Told of what a file has and cannot have here. */
  warn?: (text: string) => void;
}

/** Throws ImageError when something is in the way, and what the file system says. */
export function placeItems(root: string, items: readonly Item[], placing: Placing): void {
  const { destination, owner } = placing;
  const own = (path: string) => void (owner && lchownSync(path, owner.uid, owner.gid));
  const directories: { at: string; item: Item }[] = [];
  /** Files with several names, by device and inode: the name that was placed first. */
  const linked = new Map<string, string>();
  const single = items.every(({ name }) => name !== '') && items.length === 1;
  if (items.length === 0 || !single || destination.endsWith('/'))
    makeInRoot(root, destination, own);
  for (const item of items) {
    const to = posix.join(destination, item.to || nameFor(root, item, placing, single));
    const parent = makeInRoot(root, posix.dirname(to), own);
    if (item.stats.isDirectory()) {
      directories.push({ at: placeDirectory(root, to, `${parent}/${posix.basename(to)}`), item });
      continue;
    }
    const at = `${parent}/${posix.basename(to)}`;
    makeRoom(at, to);
    const file = `${item.stats.dev}:${item.stats.ino}`;
    const first = linked.get(file);
    if (first !== undefined) {
      linkSync(first, at);
      continue;
    }
    if (item.stats.nlink > 1n) linked.set(file, at);
    placeFile(at, item);
    setAttributes(at, item, placing);
  }
  // Last, and from the inside out: each entry that is made gives its directory a new time.
  for (const { at, item } of directories.reverse()) setAttributes(at, item, placing);
}

/** A single file becomes the destination, unless that is a directory: then it is put into it. */
function nameFor(root: string, item: Item, { destination }: Placing, single: boolean): string {
  if (!single || destination.endsWith('/')) return item.name;
  const there = findInRoot(root, destination);
  return there !== null && statSync(there).isDirectory() ? item.name : '';
}

function placeDirectory(root: string, to: string, at: string): string {
  const there = findInRoot(root, to);
  if (there !== null && statSync(there).isDirectory()) return there;
  if (lstatSync(at, { throwIfNoEntry: false })) {
    throw new ImageError(to, 'is no directory in the image, and one was to be put there');
  }
  mkdirSync(at);
  return at;
}

function makeRoom(at: string, to: string): void {
  const there = lstatSync(at, { throwIfNoEntry: false });
  if (there?.isDirectory()) {
    throw new ImageError(to, 'is a directory in the image, and a file was to be put there');
  }
  rmSync(at, { force: true });
}

function placeFile(at: string, { from, stats }: Item): void {
  if (stats.isSymbolicLink()) symlinkSync(readlinkSync(from), at);
  else if (stats.isFile()) {
    copyFileSync(from, at, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } else kernel.mknodat(AT_FDCWD, at, Number(stats.mode), Number(stats.rdev));
}

function setAttributes(at: string, { from, to, name, stats }: Item, placing: Placing): void {
  const { owner, mode, warn } = placing;
  const { uid, gid } = owner ?? { uid: Number(stats.uid), gid: Number(stats.gid) };
  lchownSync(at, uid, gid);
  for (const [attribute, value] of readAttributes(from)) {
    const why = putAttribute(at, attribute, value, true);
    if (why !== null) warn?.(`${to || name}: attribute ${attribute} is left out (${why})`);
  }
  // Last, for an ACL changes the mode as well.
  if (!stats.isSymbolicLink()) chmodSync(at, mode ?? Number(stats.mode & 0o7777n));
  setTime(at, stats.mtimeNs);
}

/** Access and modification time, in nanoseconds since 1970; of a link itself. */
export function setTime(path: string, nanoseconds: bigint): void {
  const second = 1_000_000_000n;
  // Before 1970 the kernel still wants the nanoseconds between 0 and a second.
  const rest = ((nanoseconds % second) + second) % second;
  const time = [(nanoseconds - rest) / second, rest];
  const times = new Uint8Array(BigInt64Array.from([...time, ...time]).buffer);
  kernel.utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}
