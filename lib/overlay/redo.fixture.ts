/**
 * Doing again what `layerEntries` has told, on another tree: as an unpacker would, without a tar between.
 * For tests.
 */
import {
  chmodSync,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { kernel } from '../kernel/call.ts';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../kernel/constants.ts';
import { getXattr, listXattrs, removeXattr, setXattr } from '../kernel/xattr.ts';
import type { LayerEntry } from './changes.ts';

export function redo(list: readonly LayerEntry[], root: string): void {
  const made = new Map<bigint, string>();
  const directories: [from: string, to: string][] = [];
  for (const { path, source, data } of list) {
    const target = path === '/' ? root : root + path;
    if (source === null || data === null) {
      rmSync(target, { recursive: true });
      continue;
    }
    const stats = lstatSync(source, { bigint: true });
    const there = lstatSync(target, { throwIfNoEntry: false });
    if (there && !(there.isDirectory() && stats.isDirectory())) {
      rmSync(target, { recursive: true });
    }
    const first = made.get(stats.ino);
    if (first !== undefined) {
      linkSync(first, target);
      continue;
    }
    if (stats.isDirectory()) {
      if (!there?.isDirectory()) mkdirSync(target);
      directories.push([source, target]);
    } else {
      if (stats.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
      else copyFileSync(data, target);
      made.set(stats.ino, target);
    }
    copyMetadata(source, target);
  }
  // What is made in a directory changes its time.
  for (const [from, to] of directories) copyTime(from, to);
}

const ofOverlay = /^(trusted|user)\.overlay\./;

function copyMetadata(from: string, to: string): void {
  const { uid, gid, mode } = lstatSync(from);
  lchownSync(to, uid, gid);
  for (const name of listXattrs(to)) if (!ofOverlay.test(name)) removeXattr(to, name);
  for (const name of listXattrs(from)) {
    const value = getXattr(from, name);
    if (value && !ofOverlay.test(name)) setXattr(to, name, value);
  }
  if (!lstatSync(to).isSymbolicLink()) chmodSync(to, mode & 0o7777);
  copyTime(from, to);
}

function copyTime(from: string, to: string): void {
  const { atimeNs, mtimeNs } = lstatSync(from, { bigint: true });
  const words = [atimeNs, mtimeNs].flatMap((time) => [
    time / 1_000_000_000n,
    time % 1_000_000_000n,
  ]);
  const times = new Uint8Array(BigUint64Array.from(words).buffer);
  kernel.utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW);
}
