/**
 * What a container has left behind, looked for from outside and only by what is its own: its
 * directory, its cgroups, mounts of its bundle, processes, and namespaces that somebody is still in.
 *
 * A process is the container's when it is in the session of a command that was started for it, or
 * when its mount table has the bundle's root: a process of ours leaves the session only after it has
 * a table of its own. proc_pid_stat(5), proc_pid_mountinfo(5)
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listCgroups } from '../../lib/observe/cgroups.ts';
import { readMountinfo } from '../../lib/observe/mountinfo.ts';
import { NAMESPACE_FILES, namespaceInode } from '../../lib/observe/namespaces.ts';
import { listPids } from '../../lib/observe/process.ts';

export interface Watched {
  /** State of containers, `--root`. */
  root: string;
  id: string;
  /** The bundle's; nobody else's has it. */
  directory: string;
  /** Session ids of the commands so far. */
  sessions: ReadonlySet<number>;
}

const KINDS = Object.keys(NAMESPACE_FILES) as (keyof typeof NAMESPACE_FILES)[];

/** Pids of processes that are the container's, or were to become it. */
export function processesOf({ directory, sessions }: Watched): number[] {
  return listPids().filter((pid) => {
    if (pid === process.pid) return false;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state = '', , , session = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // Whoever collects it does so when it pleases; it has no namespaces any more.
      if (state === 'Z' || state === 'X') return false;
      if (sessions.has(Number(session))) return true;
      return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(`${directory}/rootfs `);
    } catch {
      return false; // It has ended.
    }
  });
}

/** Namespaces that are held open, so that no other gets their numbers: `kind:[inode]`. */
export interface HeldNamespaces extends Disposable {
  names: ReadonlySet<string>;
}

/** Those of these processes that are not our own. */
export function holdNamespaces(pids: readonly number[]): HeldNamespaces {
  const open = new DisposableStack();
  const ours = new Set(KINDS.map((kind) => nameOf(process.pid, kind)));
  const names = new Set<string>();
  for (const pid of pids) {
    for (const kind of KINDS) {
      try {
        open.adopt(openSync(`/proc/${pid}/ns/${NAMESPACE_FILES[kind]}`, 'r'), closeSync);
        const name = nameOf(pid, kind);
        if (name !== null && !ours.has(name)) names.add(name);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  return { names, [Symbol.dispose]: () => open.dispose() };
}

function nameOf(pid: number, kind: (typeof KINDS)[number]): string | null {
  try {
    return `${kind}:[${namespaceInode(pid, kind)}]`;
  } catch {
    return null;
  }
}

const inUse = () => new Set(listPids().flatMap((pid) => KINDS.map((kind) => nameOf(pid, kind))));

/** A line for each; the namespaces are those that were the container's alone. */
export function leftovers(watched: Watched, { names }: HeldNamespaces): string[] {
  const { root, id, directory } = watched;
  const used = inUse();
  return [
    ...(existsSync(join(root, id)) ? readdirSync(join(root, id)).map((it) => `file ${it}`) : []),
    ...(existsSync(join(root, id)) ? [`directory ${join(root, id)}`] : []),
    ...listCgroups()
      .filter((path) => path.split('/').includes(id))
      .map((path) => `cgroup ${path}`),
    ...readMountinfo()
      .filter(({ mountPoint }) => `${mountPoint}/`.startsWith(`${directory}/`))
      .map(({ mountPoint }) => `mount ${mountPoint}`),
    ...processesOf(watched).map((pid) => `process ${pid}`),
    ...[...names].filter((one) => used.has(one)).map((one) => `namespace ${one}`),
  ];
}
