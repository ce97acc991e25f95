/**
 * The ids of a container with a user namespace of its own, as the host has them. A file system that
 * was made in there takes no file of an id that means nothing in there, so whoever fills it from
 * outside does it as the root of it.
 *
 * user_namespaces(7), setfsuid(2), capabilities(7)
 */
import { kernel } from '../../kernel/call.ts';
import {
  PR_GET_SECUREBITS,
  PR_SET_SECUREBITS,
  SECBIT_NO_SETUID_FIXUP,
} from '../../kernel/constants.ts';
import { readProcFile } from '../../observe/proc-file.ts';

/** Of files, as the host has them. */
export interface Owner {
  uid: number;
  gid: number;
}

export interface InnerIds {
  /** In there 0 and 0. */
  root: Owner;
  /** Whether it is somebody in there. */
  has(owner: Owner): boolean;
  /** Itself; in the place of an id that is nobody in there the one that is shown for it. */
  shown(owner: Owner): Owner;
}

/** What is shown in there for whoever is not mapped. */
const NOBODY = 65534;

/** Of the user namespace of a process. Null where its root is who we are: nothing is to be changed. */
export function readInnerIds(pid: number): InnerIds | null {
  const [uid, gid] = [readMap(pid, 'uid'), readMap(pid, 'gid')];
  const root = { uid: uid.outside(0) ?? 0, gid: gid.outside(0) ?? 0 };
  if (root.uid === process.geteuid?.() && root.gid === process.getegid?.()) return null;
  return {
    root,
    has: (owner) => uid.has(owner.uid) && gid.has(owner.gid),
    shown: (owner) => ({
      uid: uid.has(owner.uid) ? owner.uid : (uid.outside(NOBODY) ?? root.uid),
      gid: gid.has(owner.gid) ? owner.gid : (gid.outside(NOBODY) ?? root.gid),
    }),
  };
}

/** With the file system's ids of that root, and our capabilities. `body` must not wait for anything. */
export function asInnerRoot<T>({ root }: InnerIds, body: () => T): T {
  const bits = kernel.prctl(PR_GET_SECUREBITS, 0);
  // Without it the change would take away the right to read and to give files.
  kernel.prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP);
  const [uid, gid] = [kernel.setfsuid(root.uid), kernel.setfsgid(root.gid)];
  try {
    return body();
  } finally {
    kernel.setfsuid(uid);
    kernel.setfsgid(gid);
    kernel.prctl(PR_SET_SECUREBITS, bits);
  }
}

function readMap(pid: number, kind: 'uid' | 'gid') {
  const ranges = readProcFile(`/proc/${pid}/${kind}_map`)
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([inside = 0, outside = 0, size = 0]) => ({ inside, outside, size }));
  return {
    has: (id: number) => ranges.some(({ outside, size }) => id >= outside && id < outside + size),
    outside: (id: number) => {
      const range = ranges.find(({ inside, size }) => id >= inside && id < inside + size);
      return range && range.outside + (id - range.inside);
    },
  };
}
