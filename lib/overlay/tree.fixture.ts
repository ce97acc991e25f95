/**
 * Two trees compared in everything that a layer has to carry: kind, content, mode, owner, time,
 * attributes, and which names are one file. For tests.
 */
import {
  type BigIntStats,
  type Dirent,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs';
import { getXattr, listXattrs } from '../kernel/xattr.ts';

/** What is below a directory. Node's own `recursive` goes through links to directories. */
export function walk(directory: string): { path: string; entry: Dirent }[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return [{ path, entry }, ...(entry.isDirectory() ? walk(path) : [])];
  });
}

/** One line for each path. The overlay's own attributes are no part of what is seen. */
export function readTree(root: string): Map<string, string> {
  const paths = ['', ...walk(root).map(({ path }) => path.slice(root.length))].sort();
  const found = paths.map((path) => ({
    path,
    stats: lstatSync(`${root}${path}`, { bigint: true }),
  }));
  const firstNames = new Map<string, string>();
  for (const { path, stats } of found) {
    if (!firstNames.has(fileOf(stats))) firstNames.set(fileOf(stats), path);
  }
  return new Map(
    found.map(({ path, stats }) => {
      const place = `${root}${path}`;
      const content = stats.isFile()
        ? readFileSync(place).toString('base64')
        : stats.isSymbolicLink()
          ? readlinkSync(place)
          : String(stats.rdev);
      const names = listXattrs(place).filter((name) => !/^(trusted|user)\.overlay\./.test(name));
      const attributes = names.map((name) => `${name}=${getXattr(place, name)?.toString('hex')}`);
      const words = [
        `mode ${stats.mode.toString(8)}`,
        `owner ${stats.uid}:${stats.gid}`,
        // That of the root is its own in every layer.
        `time ${path === '' ? '' : stats.mtimeNs}`,
        `content ${content}`,
        `xattrs ${attributes.join(',')}`,
        `file ${stats.isDirectory() ? '' : firstNames.get(fileOf(stats))}`,
      ];
      return [path, words.join(' | ')];
    }),
  );
}

/**
 * Which file it is. An overlay shows a copy under the inode number of what it was copied from, and of
 * a hard link that was broken so there may be two of one number.
 */
const fileOf = ({ ino, size, mode, mtimeNs, uid, gid, nlink }: BigIntStats) =>
  [ino, size, mode, mtimeNs, uid, gid, nlink].join();

/** In words; empty when the trees are equal. */
export function differences(expected: Map<string, string>, found: Map<string, string>): string[] {
  const paths = [...new Set([...expected.keys(), ...found.keys()])].sort();
  return paths.flatMap((path) => {
    const [a, b] = [expected.get(path), found.get(path)];
    return a === b
      ? []
      : [`${path || '/'}\n    has to be ${a ?? 'absent'}\n    is        ${b ?? 'absent'}`];
  });
}
