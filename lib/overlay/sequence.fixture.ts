/**
 * Random sequences of file operations on a tree, the same for the same seed: on few names, so that
 * what one has removed another one makes again as something else. For tests.
 */
import {
  chmodSync,
  closeSync,
  constants,
  type Dirent,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { SyscallError } from '../kernel/syscall-error.ts';
import { removeXattr, setXattr } from '../kernel/xattr.ts';
import { aclFor } from './acl.fixture.ts';
import { walk } from './tree.fixture.ts';

export type Random = (below: number) => number;

/** mulberry32: small, and good enough to choose operations. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/**
 * Not created by the way: root itself may not, with O_CREAT, open somebody else's file in a
 * directory with the sticky bit where systemd has booted. proc_sys_fs(5), protected_regular
 */
function rewrite(path: string, how: 'O_TRUNC' | 'O_APPEND', text: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants[how]);
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

const NAMES = ['a', 'b', 'c', 'dir', 'e f', 'ü'];

interface Place {
  root: string;
  random: Random;
  all: string[];
  files: string[];
  directories: string[];
}

/**
 * Does `count` operations below `root`. Returns each in words, with the error that it met. With
 * `portable`, only what a layer tar has a place for: no `trusted` attributes.
 */
export function play(root: string, random: Random, count: number, portable = false): string[] {
  const choice = OPERATIONS.filter(({ name }) => !portable || name !== 'setxattr trusted');
  return Array.from({ length: count }, () => {
    const place = look(root, random);
    const { name, run } = pick(choice, random);
    try {
      return `${name} ${run(place)}`;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!(error instanceof SyscallError) && !EXPECTED.has(code)) throw error;
      return `${name}: ${code}`;
    }
  });
}

/** What an operation on a name that does not suit it meets; all of it leaves the tree as it is. */
const EXPECTED = new Set([
  'EEXIST',
  'EINVAL',
  'EISDIR',
  'ELOOP',
  'ENOENT',
  'ENOTDIR',
  'ENOTEMPTY',
  'EPERM',
  'EXDEV',
]);

function look(root: string, random: Random): Place {
  const found = walk(root);
  const of = (kind: (entry: Dirent) => boolean) =>
    found.flatMap(({ path, entry }) => (kind(entry) ? [path] : [])).sort();
  return {
    root,
    random,
    all: of(() => true),
    files: of((entry) => entry.isFile()),
    directories: [root, ...of((entry) => entry.isDirectory())],
  };
}

const pick = <T>(list: readonly T[], random: Random): T => list[random(list.length)] as T;
const any = ({ all, random }: Place) => pick(all, random) ?? '';
const file = ({ files, random }: Place) => pick(files, random) ?? '';
/** A name in some directory, which may be taken. */
const spot = ({ directories, random }: Place) =>
  `${pick(directories, random)}/${pick(NAMES, random)}`;
const text = (random: Random) => 'x'.repeat(random(20)) + random(1000);

const OPERATIONS: readonly { name: string; run: (place: Place) => string }[] = [
  {
    name: 'create',
    run: (place) =>
      run1(spot(place), (path) => writeFileSync(path, text(place.random), { flag: 'wx' })),
  },
  {
    name: 'write',
    run: (place) => run1(file(place), (path) => rewrite(path, 'O_TRUNC', text(place.random))),
  },
  {
    name: 'append',
    run: (place) => run1(file(place), (path) => rewrite(path, 'O_APPEND', text(place.random))),
  },
  {
    name: 'truncate',
    run: (place) => run1(file(place), (path) => truncateSync(path, place.random(8))),
  },
  {
    name: 'open without writing',
    run: (place) => run1(file(place), (path) => rewrite(path, 'O_APPEND', '')),
  },
  {
    name: 'chmod',
    run: (place) =>
      run1(pick([...place.files, ...place.directories], place.random), (path) =>
        chmodSync(path, pick([0o600, 0o755, 0o4711, 0o1777], place.random)),
      ),
  },
  {
    name: 'chown',
    run: (place) => run1(any(place), (path) => lchownSync(path, place.random(3), place.random(3))),
  },
  {
    name: 'utimes',
    run: (place) =>
      run1(any(place), (path) => lutimesSync(path, place.random(1e9), place.random(1e9))),
  },
  { name: 'rename', run: (place) => run2(any(place), spot(place), renameSync) },
  { name: 'rename', run: (place) => run2(any(place), any(place), renameSync) },
  {
    name: 'rename a directory',
    run: (place) => run2(pick(place.directories, place.random), spot(place), renameSync),
  },
  { name: 'link', run: (place) => run2(file(place), spot(place), linkSync) },
  {
    name: 'symlink',
    run: (place) => run1(spot(place), (path) => symlinkSync(pick(NAMES, place.random), path)),
  },
  { name: 'unlink', run: (place) => run1(file(place), unlinkSync) },
  { name: 'unlink', run: (place) => run1(any(place), unlinkSync) },
  { name: 'rmdir', run: (place) => run1(any(place), rmdirSync) },
  { name: 'mkdir', run: (place) => run1(spot(place), (path) => mkdirSync(path)) },
  { name: 'mkdir', run: (place) => run1(spot(place), (path) => mkdirSync(path)) },
  {
    name: 'rm -r, mkdir',
    run: (place) => {
      const path = pick(place.directories.slice(1), place.random) ?? '';
      rmSync(path, { recursive: true });
      mkdirSync(path);
      return path;
    },
  },
  { name: 'rm -r', run: (place) => run1(any(place), (path) => rmSync(path, { recursive: true })) },
  {
    name: 'setxattr',
    run: (place) =>
      run1(pick([...place.files, ...place.directories], place.random), (path) =>
        setXattr(path, `user.${pick(['m', 'n'], place.random)}`, text(place.random)),
      ),
  },
  {
    name: 'setxattr trusted',
    run: (place) => run1(any(place), (path) => setXattr(path, 'trusted.t', text(place.random))),
  },
  {
    name: 'setfacl',
    run: (place) =>
      run1(pick([...place.files, ...place.directories], place.random), (path) =>
        setXattr(path, 'system.posix_acl_access', aclFor(place.random(3))),
      ),
  },
  {
    name: 'setfacl -d',
    run: (place) =>
      run1(pick(place.directories, place.random), (path) =>
        setXattr(path, 'system.posix_acl_default', aclFor(place.random(3))),
      ),
  },
  { name: 'removexattr', run: (place) => run1(any(place), (path) => removeXattr(path, 'user.m')) },
];

function run1(path: string, work: (path: string) => void): string {
  work(path);
  return path;
}

function run2(from: string, to: string, work: (from: string, to: string) => void): string {
  work(from, to);
  return `${from} ${to}`;
}
