/**
 * Copies what a tmpfs with `tmpcopyup` covers. Whoever can write the image may exchange what is there
 * meanwhile: directories are held open on the way down and their entries named through
 * /proc/self/fd, so that one that becomes a link leads nowhere else.
 *
 * Owner, mode, times and extended attributes go along. A second name of a file becomes a second file.
 * openat2(2), RESOLVE_IN_ROOT; symlink(7)
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { attempt, kernel } from '../../kernel/call.ts';
import { AT_FDCWD, O_PATH } from '../../kernel/constants.ts';
import { getXattr, listXattrs } from '../../kernel/xattr.ts';
import { howInRoot } from '../in-root.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** All that is in `from` into the directory `to`, which is empty. Throws Error of node:fs, SyscallError. */
export function copyTree(from: { top: string; path: string }, to: string): void {
  using open = new DisposableStack();
  const top = open.adopt(openSync(from.top, O_PATH | O_DIRECTORY), closeSync);
  const source = open.adopt(
    kernel.openat2(top, from.path || '.', howInRoot(O_RDONLY | O_DIRECTORY)),
    closeSync,
  );
  const target = open.adopt(openSync(to, O_RDONLY | O_DIRECTORY), closeSync);
  copyInside(source, target);
}

/** As bytes: a file's name need not be UTF-8. */
const entry = (fd: number, name: Uint8Array = Buffer.of()) =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);

function copyInside(source: number, target: number): void {
  for (const name of readdirSync(entry(source), { encoding: 'buffer' })) {
    copyEntry(entry(source, name), entry(target, name));
  }
  finish(source, target);
}

function copyEntry(from: Buffer, to: Buffer): void {
  const status = lstatSync(from);
  if (status.isSymbolicLink()) {
    symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to);
    lchownSync(to, status.uid, status.gid);
    lutimesSync(to, status.atime, status.mtime);
    return;
  }
  using open = new DisposableStack();
  if (status.isDirectory()) {
    const source = open.adopt(openSync(from, DIRECTORY), closeSync);
    mkdirSync(to, { mode: 0o700 });
    copyInside(source, open.adopt(openSync(to, DIRECTORY), closeSync));
    copyAttributes(from, to);
  } else if (status.isFile()) {
    // Something else by now must not be waited for.
    const source = open.adopt(openSync(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), closeSync);
    const target = open.adopt(openSync(to, O_WRONLY | O_CREAT | O_EXCL, 0o600), closeSync);
    copyContent(source, target);
    finish(source, target);
    copyAttributes(from, to);
  } else {
    copyNode(status, to);
  }
}

function copyContent(source: number, target: number): void {
  const chunk = Buffer.alloc(128 * 1024);
  for (;;) {
    const length = readSync(source, chunk);
    if (length === 0) return;
    for (let at = 0; at < length; ) at += writeSync(target, chunk, at, length - at);
  }
}

function copyNode({ mode, rdev, uid, gid }: Stats, to: Buffer): void {
  kernel.mknodat(AT_FDCWD, terminated(to), mode, rdev);
  lchownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
}

/** The owner before the rest: a change of it takes setuid bits and capabilities away. */
function finish(source: number, target: number): void {
  const status = fstatSync(source);
  fchownSync(target, status.uid, status.gid);
  fchmodSync(target, status.mode & 0o7777);
  futimesSync(target, status.atime, status.mtime);
}

/** A label is of the machine, and a file system of memory may have no others. */
function copyAttributes(from: Buffer, to: Buffer): void {
  const [source, target] = [terminated(from), terminated(to)];
  for (const name of listXattrs(source).filter((one) => !one.startsWith('security.selinux'))) {
    const value = getXattr(source, name);
    if (value !== null) attempt.lsetxattr(target, name, value, 0);
  }
}

/** As the kernel takes a path. */
const terminated = (path: Buffer): Buffer => Buffer.concat([path, Buffer.of(0)]);
