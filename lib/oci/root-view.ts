/**
 * What a path will lead to in a container that is not there yet: its root on the host, with the
 * mounts of its configuration laid over it in their order. Links are followed as they will be from
 * inside, also those that lead to nothing yet. It is a forecast, by which the lines that make mount
 * points are written; that they stay in the root is seen to by the kernel (in-root.ts).
 *
 * path_resolution(7)
 */
import { lstatSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isProcfs } from './proc-mount.ts';

export interface Place {
  /** In the container, absolute, without links as far as they can be foreseen. */
  path: string;
  /**
   * Where on the host it can be looked at now; null in a file system that is still to be made, and
   * behind a directory that we may not search.
   */
  seen: string | null;
  /** The same as a path below the directory that is mounted there; a link in it ends in there. */
  below: { top: string; path: string } | null;
  kind: 'directory' | 'file' | 'missing' | 'unknown';
  /** Of its components, so many are there already. */
  there: number;
}

export interface RootView {
  /** Throws RangeError for a loop of links. */
  resolve(path: string): Place;
  /** From now on `backing`, a path on the host, is seen at `path`; null: what it is shows later. */
  cover(path: string, backing: string | null): void;
  /** From now on it is there, and what leads to it. */
  make(path: string, kind: 'directory' | 'file'): void;
}

const MOST_LINKS = 40;

export function viewRoot(rootfs: string): RootView {
  const covers: { path: string; backing: string | null }[] = [{ path: '/', backing: rootfs }];

  const made = new Map<string, 'directory' | 'file'>();

  // Looked at once: whoever changes it meanwhile does not get two answers for one path.
  const looked = new Map<string, Seen>();
  const seenAt = (path: string): Seen => {
    const known = looked.get(path) ?? lookAt(path);
    looked.set(path, known);
    return known;
  };

  function below(path: string): Place['below'] {
    const cover = covers.findLast((one) => isBelow(path, one.path));
    if (!cover || cover.backing === null) return null;
    const rest = cover.path === '/' ? path : path.slice(cover.path.length);
    return { top: cover.backing, path: rest.replace(/^\//, '') };
  }

  function onHost(path: string): string | null {
    const found = below(path);
    return found && (found.path === '' ? found.top : join(found.top, found.path));
  }

  function resolve(path: string): Place {
    const left = namesOf(path);
    const names: string[] = [];
    const at = () => `/${names.join('/')}`;
    let there = 0;
    let links = 0;
    let isHidden = false;
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      if (name === '..') {
        names.pop();
        there = Math.min(there, names.length);
        continue;
      }
      names.push(name);
      const seen = onHost(at());
      const { there: exists, target, hidden } = seen === null ? NOTHING : seenAt(seen);
      if (hidden) isHidden = true;
      if (target !== null) {
        links++;
        if (links > MOST_LINKS) throw new RangeError(`${path}: too many links in the root`);
        names.pop();
        if (target.startsWith('/')) names.length = 0;
        there = Math.min(there, names.length);
        left.unshift(...namesOf(target));
        continue;
      }
      const known = made.has(at()) || covers.some((cover) => cover.path === at());
      if (there === names.length - 1 && (known || exists)) there++;
    }
    const seen = isHidden ? null : onHost(at());
    return { path: at(), seen, below: below(at()), kind: kindOf(at(), seen), there };
  }

  function kindOf(path: string, seen: string | null): Place['kind'] {
    const ours = made.get(path);
    if (ours) return ours;
    if (seen === null) return covers.some((one) => one.path === path) ? 'directory' : 'unknown';
    const status = look(() => statSync(seen, NONE));
    if (status === 'hidden') return 'unknown';
    if (!status) return 'missing';
    return status.isDirectory() ? 'directory' : 'file';
  }

  function make(path: string, kind: 'directory' | 'file'): void {
    const names = namesOf(path);
    names.forEach((_, i) => {
      const one = `/${names.slice(0, i + 1).join('/')}`;
      if (!made.has(one)) made.set(one, i === names.length - 1 ? kind : 'directory');
    });
  }

  return { resolve, make, cover: (path, backing) => void covers.push({ path, backing }) };
}

const namesOf = (path: string) => path.split('/').filter((name) => name !== '' && name !== '.');

const isBelow = (path: string, top: string) =>
  top === '/' || path === top || path.startsWith(`${top}/`);

interface Seen {
  there: boolean;
  /** Of a link that is to be followed. */
  target: string | null;
  /** What is there is not ours to look at. */
  hidden: boolean;
}

const NOTHING: Seen = { there: false, target: null, hidden: false };

function lookAt(path: string): Seen {
  const status = look(() => lstatSync(path, NONE));
  if (status === 'hidden') return { ...NOTHING, hidden: true };
  if (!status) return NOTHING;
  const target = status.isSymbolicLink() ? look(() => readlinkSync(path)) : undefined;
  const isFollowed = target !== undefined && target !== 'hidden' && !isMagic(path, target);
  return { there: true, target: isFollowed ? target : null, hidden: false };
}

/**
 * What /proc/1/root shows is no path to be walked: the kernel goes to the directory itself, and
 * refuses to where it makes the places (in-root.ts). The ordinary links of procfs are relative.
 */
const isMagic = (path: string, target: string) =>
  (target.startsWith('/') || target.includes(':')) && isProcfs(dirname(path));

const NONE = { throwIfNoEntry: false } as const;

/** What is not ours to look at may be there or not: the kernel has the last word. */
function look<T>(body: () => T): T | 'hidden' | undefined {
  try {
    return body();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'hidden' : undefined;
  }
}
