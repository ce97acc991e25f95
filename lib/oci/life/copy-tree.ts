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
  realpathSync,
  type Stats,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { attempt, kernel } from '../../kernel/call.ts';
import { AT_FDCWD, O_PATH } from '../../kernel/constants.ts';
import { getXattr, listXattrs } from '../../kernel/xattr.ts';
import { howInRoot } from '../in-root.ts';
import { OciError } from '../oci-error.ts';
import { asInnerRoot, type InnerIds } from './inner-ids.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/**
 * All that is in `from` into the directory `to`, which is empty; `ids` where that is a file system of a
 * user namespace. Throws OciError for what its root may not read, Error of node:fs, SyscallError.
 */
export function copyTree(
  from: { top: string; path: string },
  to: string,
  ids: InnerIds | null = null,
): void {
  if (ids) asInnerRoot(ids, () => copyAll(from, to, ids));
  else copyAll(from, to, null);
}

function copyAll(from: { top: string; path: string }, to: string, ids: InnerIds | null): void {
  using open = new DisposableStack();
  const top = open.adopt(openSync(from.top, O_PATH | O_DIRECTORY), closeSync);
  const source = open.adopt(
    kernel.openat2(top, from.path || '.', howInRoot(O_RDONLY | O_DIRECTORY)),
    closeSync,
  );
  const target = open.adopt(openSync(to, O_RDONLY | O_DIRECTORY), closeSync);
  copyInside(source, target, ids);
}

/** As bytes: a file's name need not be UTF-8. */
const entry = (fd: number, name: Uint8Array = Buffer.of()) =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);

function copyInside(source: number, target: number, ids: InnerIds | null): void {
  assertReadable(entry(source), fstatSync(source), ids);
  for (const name of readdirSync(entry(source), { encoding: 'buffer' })) {
    copyEntry(entry(source, name), entry(target, name), ids);
  }
  finish(source, target, ids);
}

function copyEntry(from: Buffer, to: Buffer, ids: InnerIds | null): void {
  const status = lstatSync(from);
  const { uid, gid } = ids?.shown(status) ?? status;
  if (status.isSymbolicLink()) {
    symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to);
    lchownSync(to, uid, gid);
    lutimesSync(to, status.atime, status.mtime);
    return;
  }
  using open = new DisposableStack();
  if (status.isDirectory()) {
    const source = open.adopt(openSync(from, DIRECTORY), closeSync);
    mkdirSync(to, { mode: 0o700 });
    copyInside(source, open.adopt(openSync(to, DIRECTORY), closeSync), ids);
    copyAttributes(from, to);
  } else if (status.isFile()) {
    // Something else by now must not be waited for.
    const source = open.adopt(openSync(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), closeSync);
    const target = open.adopt(openSync(to, O_WRONLY | O_CREAT | O_EXCL, 0o600), closeSync);
    assertReadable(from, fstatSync(source), ids);
    copyContent(source, target);
    finish(source, target, ids);
    copyAttributes(from, to);
  } else {
    kernel.mknodat(AT_FDCWD, terminated(to), status.mode, status.rdev);
    lchownSync(to, uid, gid);
    chmodSync(to, status.mode & 0o7777);
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

/** The owner before the rest: a change of it takes setuid bits and capabilities away. */
function finish(source: number, target: number, ids: InnerIds | null): void {
  const status = fstatSync(source);
  const { uid, gid } = ids?.shown(status) ?? status;
  fchownSync(target, uid, gid);
  fchmodSync(target, status.mode & 0o7777);
  futimesSync(target, status.atime, status.mtime);
}

/** We may read everything; the container's root nothing that is closed to it, and so not its copy. */
function assertReadable(path: Buffer, status: Stats, ids: InnerIds | null): void {
  if (!ids || ids.has(status)) return;
  const others = status.isDirectory() ? 0o5 : 0o4;
  if ((status.mode & others) === others) return;
  throw new OciError(
    `tmpcopyup: ${realpathSync(path)}: of user ${status.uid}, group ${status.gid}, who are nobody in the container’s user namespace, and closed to others; map them in linux.uidMappings and gidMappings, or leave tmpcopyup out`,
  );
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
